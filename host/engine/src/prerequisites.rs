//! Flags that ask for other flags: which of a snapshot's cannot be answered.

use std::{collections::BTreeMap, sync::Arc};

use burgee_rules::prerequisites::{self, Asks};

pub(crate) use burgee_rules::prerequisites::Trouble;

use crate::{flag::PreparedFlag, snapshot::Index};

/// The flags in trouble, by their places. Takes time that is linear in the number of questions.
pub(crate) fn troubles(flags: &[Arc<PreparedFlag>], index: &Index) -> BTreeMap<u32, Trouble> {
    let asked = |flag: &PreparedFlag| -> Vec<u32> {
        let keys = flag.targeting.iter().flat_map(|targeting| &*targeting.flags);
        keys.filter_map(|key| index.get(&**key).copied()).collect()
    };
    let asks = (0..).zip(flags).map(|(at, flag)| (at, asked(flag)));
    let asks: Asks = asks.filter(|(_, asked)| !asked.is_empty()).collect();
    let levels = |at: u32| flags.get(at as usize).and_then(|flag| flag.targeting.as_ref()).map_or(0, |t| t.levels);
    prerequisites::troubles(&asks, levels)
}
