//! Which of a peer's hints arrived: whether some are missing.

/// What a number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nothing is missing, as far as is known.
    InOrder,
    /// Hints are missing.
    Gap,
}

/// The hints of one start of one peer, which counts them from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    /// The first number that is accounted for, and the last; all between them are.
    span: Option<(u64, u64)>,
}

impl Sequence {
    /// A hint came. One without versions repeats the number of the last one with versions.
    ///
    /// What came before the first hint heard is left to the snapshot that is pulled from every new peer.
    pub(super) fn arrive(&mut self, seq: u64, has_versions: bool) -> Arrival {
        let Some((_, last)) = &mut self.span else {
            let first = if has_versions { seq } else { seq.saturating_add(1) };
            self.span = Some((first, seq));
            return Arrival::InOrder;
        };
        let expected = if has_versions { last.saturating_add(1) } else { *last };
        *last = seq.max(*last);
        if seq > expected { Arrival::Gap } else { Arrival::InOrder }
    }

    /// A snapshot begins that shows all hints up to a number. A gap between them and the first hint heard
    /// is in neither.
    pub(super) fn snapshot(&mut self, seq: u64) -> Arrival {
        let Some((first, last)) = &mut self.span else {
            self.span = Some((seq.saturating_add(1), seq));
            return Arrival::InOrder;
        };
        let gap = *first > seq.saturating_add(1);
        *first = seq.saturating_add(1).min(*first);
        *last = seq.max(*last);
        if gap { Arrival::Gap } else { Arrival::InOrder }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_skipped_number_is_a_gap_and_a_repeated_one_is_not() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.arrive(7, true), Arrival::InOrder);
        assert_eq!(sequence.arrive(8, true), Arrival::InOrder);
        assert_eq!(sequence.arrive(8, true), Arrival::InOrder);
        assert_eq!(sequence.arrive(10, true), Arrival::Gap);
        assert_eq!(sequence.arrive(10, false), Arrival::InOrder);
        assert_eq!(sequence.arrive(11, false), Arrival::Gap);
    }

    #[test]
    fn what_neither_snapshot_nor_hints_show_is_a_gap() {
        let mut sequence = Sequence::default();
        sequence.arrive(7, true);
        assert_eq!(sequence.snapshot(5), Arrival::Gap);
        let mut sequence = Sequence::default();
        sequence.arrive(7, true);
        assert_eq!(sequence.snapshot(6), Arrival::InOrder);
    }

    proptest! {
        /// Whatever is lost, doubled or swapped: once a heartbeat and a snapshot have come, either every
        /// hint is held or a gap was told after the last snapshot began.
        #[test]
        fn nothing_is_missed_silently(steps in prop::collection::vec((0..4u8, 0..6u64), 1..40)) {
            let (mut sequence, mut published, mut held, mut owed) = (Sequence::default(), 0u64, BTreeSet::new(), true);
            for (kind, back) in steps {
                let arrival = match kind {
                    0 => { published += 1; held.insert(published); sequence.arrive(published, true) }
                    1 => { published += 1; Arrival::InOrder }
                    2 => {
                        let old = published.saturating_sub(back);
                        if old > 0 { held.insert(old); sequence.arrive(old, true) } else { Arrival::InOrder }
                    }
                    _ => { owed = false; held.extend(1..=published); sequence.snapshot(published) }
                };
                owed |= arrival == Arrival::Gap;
            }
            owed |= sequence.arrive(published, false) == Arrival::Gap;
            let missing = (1..=published).any(|seq| !held.contains(&seq));
            prop_assert!(owed || !missing);
        }
    }
}
