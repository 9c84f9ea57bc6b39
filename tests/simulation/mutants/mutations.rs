//! The faults.

/// One fault.
pub(crate) struct Mutation {
    /// What is done wrong.
    pub(crate) name: &'static str,
    /// File, text that must be there once, and what takes its place.
    pub(crate) edits: &'static [(&'static str, &'static str, &'static str)],
}

const CLOCK: &str = "host/store/src/clock.rs";
const STAMPING: &str = "host/store/src/stamping.rs";
const FLOORS: &str = "host/store/src/floors.rs";
const REGISTER: &str = "host/store/src/register.rs";
const MERGE: &str = "host/store/src/table/merge.rs";
const TABLE: &str = "host/store/src/table.rs";
const CORE: &str = "host/replication/src/core.rs";
const COLLECT: &str = "host/replication/src/core/collect.rs";
const EXCHANGE: &str = "host/replication/src/core/exchange.rs";
const HINTS: &str = "host/replication/src/core/hints.rs";
const OUTDATED: &str = "host/replication/src/core/outdated.rs";
const REPAIR: &str = "host/replication/src/core/repair.rs";
const ROSTER: &str = "host/replication/src/core/roster.rs";
const SEQUENCE: &str = "host/replication/src/core/sequence.rs";
const TIME: &str = "host/replication/src/core/clock.rs";
const WRITER: &str = "tests/simulation/src/world/write.rs";

/// All of them.
pub(crate) const MUTATIONS: [Mutation; 21] = [
    Mutation {
        name: "merging does not advance the clock",
        edits: &[(CLOCK, "        if within {\n            self.advance(stamp.time);\n        }\n", "")],
    },
    Mutation {
        name: "stamps do not look at the register",
        edits: &[(STAMPING, "self.table.greatest_of(&write.register).max(over.any)", "over.any")],
    },
    Mutation {
        name: "stamps do not look at the promise",
        edits: &[(
            STAMPING,
            "table.promise_of(clock.id()).max(Some(table.acked().max(table.horizon())))",
            "Some(table.acked().max(table.horizon()))",
        )],
    },
    Mutation {
        name: "members that never acknowledged are ignored",
        edits: &[(
            COLLECT,
            ".map(|(_, member)| member.acked).min().flatten()",
            ".filter_map(|(_, member)| member.acked).min()",
        )],
    },
    Mutation {
        name: "the grace period is ignored",
        edits: &[(COLLECT, "least.map(|least| least.min(self.youngest_collected(turn.now.cluster)))", "least")],
    },
    Mutation {
        name: "acknowledged before the sweep has ended",
        edits: &[(COLLECT, "if !sweep.waiting.is_empty() {", "if sweep.began > turn.now.mono {")],
    },
    Mutation {
        name: "the sweep is acknowledged before it is durable",
        edits: &[(
            COLLECT,
            "self.collect.flush = Some((flush, sweep));",
            "let _ = flush;\n            self.collect.acked = self.collect.acked.max(Some(sweep.promise));",
        )],
    },
    Mutation {
        name: "a write is acknowledged before it is durable",
        edits: &[(
            WRITER,
            "        let (from, to) = self.plan.disk.commit;\n",
            "        versions.iter().for_each(|version| self.oracle.acknowledged(version));\n        \
             let (from, to) = self.plan.disk.commit;\n",
        )],
    },
    Mutation {
        name: "a floor kills nothing that is there",
        edits: &[(
            MERGE,
            "let (died, trimmed) = self.sweep(&id.tenant, scope, version.stamp);",
            "let (died, trimmed) = (Vec::new(), Vec::new());",
        )],
    },
    Mutation {
        name: "which floors an author had seen is ignored",
        edits: &[(FLOORS, " || seen < self.container", " || (false && seen < self.container)")],
    },
    Mutation {
        name: "only the newest version of a kill is kept",
        edits: &[(REGISTER, "policy.max_versions.saturating_sub(1)", "0")],
    },
    Mutation {
        name: "cluster time is each node's own wall clock",
        edits: &[(TIME, "        turn.out.push(Command::SetClusterTime { offset_ms, outright });\n", "")],
    },
    Mutation {
        name: "values expire three seconds early",
        edits: &[(TABLE, "self.deadlines.due(now)", "self.deadlines.due(now + 3_000)")],
    },
    Mutation {
        name: "lost hints are not noticed",
        edits: &[
            (CORE, "        self.compare_with_one(turn);\n", ""),
            (
                SEQUENCE,
                "if seq > expected { Arrival::Gap } else { Arrival::InOrder }",
                "if seq > expected.saturating_add(1 << 40) { Arrival::Gap } else { Arrival::InOrder }",
            ),
        ],
    },
    Mutation {
        name: "what does not stay is passed on",
        edits: &[(HINTS, "        news.retain(|version| holds(turn.table, version));\n", "")],
    },
    Mutation {
        name: "resynchronising drops nothing",
        edits: &[(REPAIR, "    walk.vanished |= !gone.is_empty();\n    gone\n", "    gone.clear();\n    gone\n")],
    },
    Mutation {
        name: "what the peer collected meanwhile is not asked",
        edits: &[(OUTDATED, " if *horizon == in_line.horizon => {", " if *horizon >= in_line.horizon => {")],
    },
    Mutation {
        name: "outdated and forgotten nodes are listened to",
        edits: &[(
            ROSTER,
            "!info.resync && !outdated && !self.roster.is_forgotten(node) && ",
            "(outdated || !outdated) && ",
        )],
    },
    Mutation {
        name: "a restored backup is not noticed",
        edits: &[(OUTDATED, "if remembers <= self.written {", "if remembers <= self.written.max(u64::MAX) {")],
    },
    // (That what vanished while it was walked is forgotten cannot be found: what killed it is younger than the
    // exchange, no horizon reaches it before the next one, and the next comparison brings it.)
    Mutation {
        name: "older versions are not exchanged",
        edits: &[(EXCHANGE, "match differ.pop() {", "match differ.pop().filter(|_| false) {")],
    },
    Mutation {
        name: "walking history drops current values",
        edits: &[(REPAIR, "Realm::Current => collected(", "Realm::Current | Realm::History(_) => collected(")],
    },
];
