//! The modules that an environment's rules become, without running any.

use std::sync::Arc;

use burgee_model::{Key, Limits};
use burgee_rules::{emit, ir::Rule};

use crate::{build, chunk, patterns::Patterns, shared, source::EnvironmentSource};

/// A module, and the flags whose rules it holds, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The flags' keys.
    pub flags: Vec<Key>,
    /// The module's bytes.
    pub wasm: Vec<u8>,
}

/// The modules of an environment: the same bytes on every node. Rules that are interpreted for good are in none.
#[must_use]
pub fn modules(mut source: EnvironmentSource, limits: &Limits) -> Vec<Module> {
    let (flags, segments) = (std::mem::take(&mut source.flags), std::mem::take(&mut source.segments));
    let shared = shared::shared(None, segments, source.bucketing);
    let flags = build::flags(None, flags, &source, &shared, &Patterns::new(None), &|_: &Key| Vec::new(), limits);
    let of_chunk = |members: Box<[u32]>| {
        let members = members.iter().filter_map(|at| flags.get(*at as usize)?.key_and_rule());
        let (flags, rules): (Vec<Key>, Vec<Arc<Rule>>) = members.unzip();
        let rules: Vec<&Rule> = rules.iter().map(Arc::as_ref).collect();
        Module { wasm: emit::module(&rules).wasm, flags }
    };
    chunk::divide(&flags, &build::emittable(&flags)).into_iter().map(of_chunk).collect()
}
