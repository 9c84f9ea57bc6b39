//! What this node answers.

use std::sync::Arc;

use burgee_model::NodeId;
use burgee_store::{
    Table, Version,
    digest::{Branch, Path, Prefix, Realm},
};

use super::{Command, Core, Merging, Turn};
use crate::message::{Answer, ENDPOINTS_MAX, PATHS_MAX, PREFIXES_MAX, PeerId, Question, Twigs};

impl Core {
    /// Answers a peer. Anybody may read; only whom this node admits may offer, and not while too
    /// much is being merged.
    pub(super) fn asked(&mut self, from: PeerId, ticket: u64, question: Question, turn: &mut Turn<'_>) {
        let answer = match question {
            Question::Compare { history_since } => self.compare_answer(from.node, history_since, turn),
            Question::Branches { realm, prefixes } => {
                if prefixes == [Prefix::ROOT] {
                    self.walked_by(from.node, turn);
                }
                let prefixes = prefixes.into_iter().take(PREFIXES_MAX);
                Answer::Branches(prefixes.map(|prefix| twigs(turn.table, realm, prefix)).collect())
            }
            Question::Days { since, sum } if turn.table.history_sum(since) == sum => Answer::Days(Vec::new()),
            Question::Days { since, .. } => {
                let days = turn.table.history_days(since).into_iter();
                Answer::Days(days.map(|(day, sum)| (day, sum.into())).collect())
            }
            Question::Versions { realm, paths } => versions(turn.table, realm, &paths, self.settings.page_bytes),
            Question::Page { cursor } => {
                if let Some(peer) = self.peers.get_mut(&from.node) {
                    peer.paged_at = Some(turn.now.mono);
                }
                let page = turn.table.page(cursor.as_ref(), self.settings.page_bytes);
                Answer::Page { versions: page.versions, unknown: 0, next: page.next }
            }
            Question::Offer { versions, unknown } if self.admits_start(from) && !self.is_full() => {
                let own = super::member_register(from.node);
                let what = match &*versions {
                    [entry] if unknown == 0 && entry.register == own => {
                        Merging::Entry { node: from.node, stamp: entry.stamp, ticket }
                    }
                    _ => Merging::Offer(ticket, unknown == 0),
                };
                return self.merge(versions, from.node, what, turn);
            }
            Question::Offer { .. } => Answer::Taken(false),
            Question::Endpoints { nodes } => Answer::Endpoints(self.endpoints_of(&nodes)),
        };
        turn.out.push(Command::Answer { ticket, answer });
    }

    fn compare_answer(&self, peer: NodeId, history_since: u32, turn: &Turn<'_>) -> Answer {
        let history_since = history_since.max(turn.table.history_since());
        Answer::Compared {
            seq: self.peers.get(&peer).map_or(0, |peer| peer.sent),
            ready: self.readiness.ready,
            wall: turn.now.wall,
            versions: turn.table.counts().versions as u64,
            root: turn.table.root(),
            horizon: turn.table.horizon(),
            history_since,
            history: turn.table.history_sum(history_since),
        }
    }

    fn endpoints_of(&self, nodes: &[NodeId]) -> Vec<(NodeId, String)> {
        let known = nodes.iter().take(ENDPOINTS_MAX).filter_map(|node| {
            let info = self.peers.get(node)?.info.as_ref()?;
            Some((*node, info.endpoint.clone()?))
        });
        known.collect()
    }
}

fn twigs(table: &Table, realm: Realm, prefix: Prefix) -> Twigs {
    match table.branch(realm, prefix) {
        Branch::Inner(twigs) => Twigs::Inner(twigs.into_iter().map(|(prefix, sum)| (prefix, sum.into())).collect()),
        Branch::Leaf(places) => Twigs::Leaf(places.into_iter().map(|(path, sum)| (path, sum.into())).collect()),
    }
}

/// As many as fit; at least those of one path.
fn versions(table: &Table, realm: Realm, paths: &[Path], page_bytes: usize) -> Answer {
    let (mut answered, mut bytes): (u32, usize) = (0, 0);
    let mut versions: Vec<Arc<Version>> = Vec::new();
    for path in paths.iter().take(PATHS_MAX) {
        let here = table.at(realm, *path);
        let weight: usize = here.iter().map(|version| version.weight()).sum();
        if answered > 0 && bytes + weight > page_bytes {
            break;
        }
        bytes += weight;
        answered += 1;
        versions.extend(here);
    }
    Answer::Versions { paths: answered, versions, unknown: 0 }
}
