//! The faults.

/// One fault.
pub(crate) struct Mutation {
    /// What is done wrong.
    pub(crate) name: &'static str,
    /// File, text that must be there once, and what takes its place.
    pub(crate) edits: &'static [(&'static str, &'static str, &'static str)],
    /// A unit test that is to find it where no run does: what needs so rare a moment that only a scenario makes it.
    pub(crate) test: Option<Test>,
}

/// A unit test.
pub(crate) struct Test {
    /// Of which package.
    pub(crate) package: &'static str,
    /// Its name, or the end of it.
    pub(crate) name: &'static str,
}

const PLACES: &str = "host/model/src/register.rs";
const BROUGHT: &str = "host/replication/src/core/brought.rs";
const CLOCK: &str = "host/store/src/clock.rs";
const STAMPING: &str = "host/store/src/stamping.rs";
const FACTS: &str = "host/store/src/facts.rs";
const FLOORS: &str = "host/store/src/floors.rs";
const REGISTER: &str = "host/store/src/register.rs";
const MERGE: &str = "host/store/src/table/merge.rs";
const ASIDE: &str = "host/store/src/aside.rs";
const TOLD: &str = "host/store/src/told.rs";
const TABLE: &str = "host/store/src/table.rs";
const CORE: &str = "host/replication/src/core.rs";
const COPIES: &str = "host/replication/src/core/copies.rs";
const COLLECT: &str = "host/replication/src/core/collect.rs";
const EXCHANGE: &str = "host/replication/src/core/exchange.rs";
const HINTS: &str = "host/replication/src/core/hints.rs";
const OUTDATED: &str = "host/replication/src/core/outdated.rs";
const ENROLMENT: &str = "host/replication/src/core/enrolment.rs";
const READINESS: &str = "host/replication/src/core/readiness.rs";
const REPAIR: &str = "host/replication/src/core/repair.rs";
const ROSTER: &str = "host/replication/src/core/roster.rs";
const SEQUENCE: &str = "host/replication/src/core/sequence.rs";
const WALK: &str = "host/replication/src/core/walk.rs";
const TIME: &str = "host/replication/src/core/clock.rs";
const SHARED: &str = "host/store/src/shared.rs";
const WRITER: &str = "host/store/src/writer.rs";
const SIMULATED_WRITER: &str = "tests/simulation/src/world/write.rs";

/// All of them.
pub(crate) const MUTATIONS: [Mutation; 67] = [
    Mutation {
        name: "merging does not advance the clock",
        edits: &[(CLOCK, "        if within {\n            self.advance(stamp.time);\n        }\n", "")],
        test: None,
    },
    Mutation {
        name: "stamps do not look at the register",
        edits: &[(STAMPING, "self.table.greatest_of(&write.register).max(over.any)", "over.any")],
        test: None,
    },
    Mutation {
        name: "stamps do not look at the promise",
        edits: &[(
            STAMPING,
            "table.promise_of(clock.id()).max(Some(table.acked().max(table.horizon())))",
            "Some(table.acked().max(table.horizon()))",
        )],
        test: None,
    },
    Mutation {
        name: "members that never acknowledged are ignored",
        edits: &[(
            COLLECT,
            ".map(|(_, member)| member.acked).min().flatten()",
            ".filter_map(|(_, member)| member.acked).min()",
        )],
        test: None,
    },
    Mutation {
        name: "the grace period is ignored",
        edits: &[(COLLECT, "least.map(|least| least.min(self.youngest_collected(turn.now.cluster)))", "least")],
        test: None,
    },
    Mutation {
        name: "acknowledged before the sweep has ended",
        edits: &[(COLLECT, "if !sweep.waiting.is_empty() {", "if sweep.began > turn.now.mono {")],
        test: None,
    },
    Mutation {
        name: "the sweep is acknowledged before it is durable",
        edits: &[(
            COLLECT,
            "self.collect.flush = Some((flush, sweep));",
            "let _ = flush;\n            self.collect.acked = self.collect.acked.max(Some(sweep.promise));",
        )],
        test: None,
    },
    Mutation {
        name: "a write is acknowledged before it is durable",
        edits: &[(
            SIMULATED_WRITER,
            "        let (from, to) = self.plan.disk.commit;\n",
            "        versions.iter().for_each(|version| self.oracle.acknowledged(version));\n        \
             let (from, to) = self.plan.disk.commit;\n",
        )],
        test: None,
    },
    Mutation {
        name: "a write that the disk refused is acknowledged",
        edits: &[(WRITER, "Err(error) => Err(Failure::Disk(error.clone())),", "Err(_) => Ok(self.apply(versions)),")],
        test: Some(Test { package: "burgee-store", name: "a_disk_fault_applies_nothing_and_later_writes_succeed" }),
    },
    Mutation {
        name: "what was merged counts as durable before it is on disk",
        edits: &[
            (
                WRITER,
                "                self.sync(registers)?;\n                let ended = self.shared.backlog().written(registers);\n",
                "                let ended = self.shared.backlog().written(registers);\n                self.sync(registers)?;\n",
            ),
            (
                WRITER,
                "if let (Err(_), Some(task)) = (&done, task) {",
                "if let (true, Err(_), Some(task)) = (false, &done, task) {",
            ),
        ],
        test: Some(Test {
            package: "burgee-store",
            name: "merging_does_not_wait_for_the_disk_and_the_sweep_brings_everything",
        }),
    },
    Mutation {
        name: "what a node drops it tells as if it had written that",
        edits: &[(SHARED, "op, origin: Origin::Dropped,", "op, origin: Origin::Local,")],
        test: Some(Test { package: "burgee-replication", name: "what_a_node_drops_it_tells_nobody" }),
    },
    Mutation {
        name: "who returns speaks before the others hold what it brings",
        edits: &[(COLLECT, "self.is_of_all(&sweep) && sweep.kept && self.is_kept_by_all()", "self.is_of_all(&sweep)")],
        test: Some(Test {
            package: "burgee-replication",
            name: "a_returning_node_lets_nothing_be_collected_before_all_have_what_it_brings",
        }),
    },
    Mutation {
        name: "a floor kills nothing that is there",
        edits: &[(
            MERGE,
            "let (died, trimmed) = self.sweep(&id.tenant, scope, version.stamp);",
            "let (died, trimmed) = (Vec::new(), Vec::new());",
        )],
        test: None,
    },
    Mutation {
        name: "which floors an author had seen is ignored",
        edits: &[(FLOORS, " || seen < self.container", " || (false && seen < self.container)")],
        test: None,
    },
    Mutation {
        name: "only the newest version of a kill is kept",
        edits: &[(REGISTER, "policy.max_versions.saturating_sub(1)", "0")],
        test: None,
    },
    Mutation {
        name: "cluster time is each node's own wall clock",
        edits: &[(TIME, "        turn.out.push(Command::SetClusterTime { offset_ms, outright });\n", "")],
        test: None,
    },
    Mutation {
        name: "values expire three seconds early",
        edits: &[(TABLE, "self.deadlines.due(now)", "self.deadlines.due(now + 3_000)")],
        test: None,
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
        test: None,
    },
    Mutation {
        name: "what does not stay is passed on",
        edits: &[(HINTS, "        news.retain(|version| holds(turn.table, version));\n", "")],
        test: None,
    },
    Mutation {
        name: "resynchronising drops nothing",
        edits: &[(REPAIR, "    walk.vanished |= !gone.is_empty();\n    gone\n", "    gone.clear();\n    gone\n")],
        test: None,
    },
    Mutation {
        name: "what the peer collected meanwhile is not asked",
        edits: &[(OUTDATED, " if *horizon == in_line.horizon => {", " if *horizon >= in_line.horizon => {")],
        test: None,
    },
    Mutation {
        name: "outdated and forgotten nodes are listened to",
        edits: &[(
            ROSTER,
            "!info.resync && !outdated && !self.roster.is_forgotten(node) && ",
            "(outdated || !outdated) && ",
        )],
        test: None,
    },
    Mutation {
        name: "a restored backup is not noticed",
        edits: &[(OUTDATED, "if remembers <= self.written {", "if remembers <= self.written.max(u64::MAX) {")],
        test: None,
    },
    // (That what vanished while it was walked is forgotten cannot be found: what killed it is younger than the
    // exchange, no horizon reaches it before the next one, and the next comparison brings it.)
    Mutation {
        name: "older versions are not exchanged",
        edits: &[(EXCHANGE, "match differ.pop() {", "match differ.pop().filter(|_| false) {")],
        test: None,
    },
    Mutation {
        name: "walking history drops current values",
        edits: &[(REPAIR, "Realm::Current => collected(", "Realm::Current | Realm::History(_) => collected(")],
        test: None,
    },
    Mutation {
        name: "newcomers pull before anybody knows of them",
        edits: &[(
            READINESS,
            "!knows && self.is_outside() && !self.settings.resync\n",
            "!knows && self.is_outside() && !self.settings.resync && self.halted\n",
        )],
        test: None,
    },
    Mutation {
        name: "a newcomer's entry counts before it is durable",
        edits: &[(
            ENROLMENT,
            "            self.entries.insert(flush, Entry { node, stamp, flushed: false, before: None, asked });\n",
            "            self.entries.insert(flush, Entry { node, stamp, flushed: true, before: None, asked });\n",
        )],
        test: None,
    },
    Mutation {
        name: "who asks again is not told of what was begun before",
        edits: &[
            (ENROLMENT, "peer.entry_kept >= stamp", "peer.entry_kept > stamp"),
            (ENROLMENT, "entry.node == node && entry.stamp >= stamp", "entry.node == node && entry.stamp > stamp"),
        ],
        test: Some(Test { package: "burgee-replication", name: "a_slow_disk_is_waited_for" }),
    },
    Mutation {
        name: "what is on a disk for one entry counts for a later one",
        edits: &[(
            ENROLMENT,
            "entry.node == node && entry.stamp >= stamp",
            "entry.node == node && entry.stamp <= stamp",
        )],
        test: Some(Test { package: "burgee-replication", name: "a_later_entry_is_flushed_by_itself" }),
    },
    Mutation {
        name: "who keeps what a newcomer brought writes nothing",
        edits: &[(ENROLMENT, "(true, own.map(|version| version.stamp));", "(true, own.map(|_| Stamp::ZERO));")],
        test: Some(Test { package: "burgee-replication", name: "who_says_that_it_keeps_an_entry_has_written_its_own" }),
    },
    Mutation {
        name: "a newcomer asks with an entry of before it handed over",
        edits: &[(BROUGHT, "own.stamp <= self.then", "own.stamp < self.then")],
        test: Some(Test { package: "burgee-replication", name: "a_peer_is_asked_with_an_entry_of_later" }),
    },
    Mutation {
        name: "a sweep of before all kept what a newcomer brought counts",
        edits: &[(COLLECT, "&& sweep.kept && self.is_kept_by_all()", "&& self.is_kept_by_all()")],
        test: Some(Test {
            package: "burgee-replication",
            name: "a_newcomer_acknowledges_by_a_sweep_of_after_all_kept_what_it_brought",
        }),
    },
    Mutation {
        name: "an exchange of before anybody was to know counts",
        edits: &[(OUTDATED, "if self.must_enter(node) {\n            // It", "if self.halted {\n            // It")],
        test: None,
    },
    Mutation {
        name: "what a joiner's peer held does not count",
        edits: &[
            (OUTDATED, "entry.acked.max(entry.joined))", "entry.acked)"),
            (OUTDATED, "Some(horizon) > said.max(self.joined_at)", "Some(horizon) > said"),
        ],
        test: Some(Test {
            package: "burgee-replication",
            name: "one_that_joins_after_something_was_collected_is_not_taken_for_an_old_one",
        }),
    },
    Mutation {
        name: "a horizon passes nobody by",
        edits: &[(
            OUTDATED,
            "!self.is_outside() && Some(horizon) >",
            "!self.is_outside() && self.halted && Some(horizon) >",
        )],
        test: Some(Test {
            package: "burgee-replication",
            name: "an_old_disk_that_wrote_before_it_met_anybody_is_outdated",
        }),
    },
    Mutation {
        name: "who was left behind goes on",
        edits: &[(OUTDATED, "let was_left = !is_known &&", "let was_left = self.halted && !is_known &&")],
        test: Some(Test { package: "burgee-replication", name: "one_that_joined_by_a_forgotten_node_is_outdated" }),
    },
    Mutation {
        name: "stamps do not look at what members hold",
        edits: &[(STAMPING, "Some(table.acked().max(table.horizon()))", "Some(table.horizon())")],
        test: Some(Test {
            package: "burgee-store",
            name: "a_write_stands_above_what_any_member_says_that_it_holds_everything_up_to",
        }),
    },
    Mutation {
        name: "copies are not told by a third",
        edits: &[(
            COPIES,
            "if now.saturating_sub(double.since) < BOTH {",
            "if now.saturating_sub(double.since) < BOTH * 1_000 {",
        )],
        test: Some(Test { package: "burgee-replication", name: "the_later_start_gives_way_where_a_third_hears_both" }),
    },
    Mutation {
        name: "copies that meet go on",
        edits: &[(
            COPIES,
            "if self.settings.own.incarnation > from.incarnation {",
            "if self.settings.own.incarnation > from.incarnation && self.halted {",
        )],
        test: Some(Test {
            package: "burgee-replication",
            name: "the_later_start_gives_way_to_the_one_that_it_reaches",
        }),
    },
    Mutation {
        name: "a newcomer serves before its own entry is on disk",
        edits: &[(READINESS, "if !decided.ready || self.served", "if !self.halted || self.served")],
        test: Some(Test {
            package: "burgee-replication",
            name: "a_newcomer_serves_once_its_own_disk_says_that_it_is_a_member",
        }),
    },
    Mutation {
        name: "a joiner comes back alone with part of what it pulled",
        edits: &[(READINESS, "self.came_entered && !self.partial", "self.came_entered")],
        test: Some(Test {
            package: "burgee-replication",
            name: "a_joiner_that_comes_back_with_part_of_what_it_pulled_waits_for_a_peer",
        }),
    },
    Mutation {
        name: "newcomers start empty beside who has data",
        edits: &[(READINESS, "in_vain || is_empty && !self.has_anybody_data()", "in_vain || is_empty")],
        test: Some(Test {
            package: "burgee-replication",
            name: "newcomers_do_not_start_empty_once_they_met_one_that_has_data",
        }),
    },
    Mutation {
        name: "what comes late expires unsaid",
        edits: &[(
            FACTS,
            "self.expires_at.filter(|_| !self.tombstone)",
            "self.expires_at.filter(|_| !self.tombstone && self.role != Role::Hidden)",
        )],
        test: Some(Test { package: "burgee-store", name: "what_comes_late_is_told_when_it_expires" }),
    },
    Mutation {
        name: "who resynchronises waits for a horizon for ever",
        edits: &[(OUTDATED, "self.settings.resync && waited_for &&", "self.halted && waited_for &&")],
        test: Some(Test {
            package: "burgee-replication",
            name: "a_node_that_resynchronises_goes_by_those_who_have_collected_less",
        }),
    },
    Mutation {
        name: "one clock sets another one back",
        edits: &[(TIME, "in_force.saturating_sub(upper)", "in_force.saturating_sub(median)")],
        test: Some(Test {
            package: "burgee-replication",
            name: "one_clock_that_is_years_behind_sets_no_serving_node_back",
        }),
    },
    Mutation {
        name: "what only a forgotten node had is not written again",
        edits: &[(READINESS, "if self.settings.aside {", "if self.settings.aside && self.halted {")],
        test: None,
    },
    Mutation {
        name: "deletions are not set aside",
        edits: &[(ASIDE, "(kills(version) || is_untold(version))", "is_untold(version)")],
        test: None,
    },
    Mutation {
        name: "what only forgotten nodes were told of is told",
        edits: &[(
            TOLD,
            "members(table).map(|member| self.by(member)).max().unwrap_or",
            "self.0.values().copied().max().unwrap_or",
        )],
        test: Some(Test { package: "burgee-store", name: "what_only_forgotten_nodes_were_told_of_is_repeated" }),
    },
    Mutation {
        name: "expiries are not told",
        edits: &[(TABLE, "self.deadlines.due(now)", "self.deadlines.due(now).filter(|_| now == 0)")],
        test: None,
    },
    Mutation {
        name: "what is settled is not named",
        edits: &[(
            STAMPING,
            "held.into_iter().chain(settles).filter",
            "held.into_iter().chain(settles.take(0)).filter",
        )],
        test: None,
    },
    Mutation {
        name: "only the newest of what a kill replaces is named",
        edits: &[(
            STAMPING,
            "let held = if id.address.keeps_heads() {",
            "let held = if false && id.address.keeps_heads() {",
        )],
        test: None,
    },
    Mutation {
        name: "conflicts that a floor ended are listed",
        edits: &[(
            MERGE,
            "        self.review_conflicts(id);\n        if after.is_empty()",
            "        if after.is_empty()",
        )],
        test: None,
    },
    Mutation {
        name: "history ends too soon",
        edits: &[(REGISTER, "*rank < policy.max_versions && v.stamp", "*rank < policy.min_versions && v.stamp")],
        test: None,
    },
    Mutation {
        name: "who goes on alone does not say so",
        edits: &[(
            READINESS,
            "[] if self.has_waited(turn, 1) && (self.came_whole() || self.lined) => Readiness::alone(),",
            "[] if self.has_waited(turn, 1) && (self.came_whole() || self.lined) => Readiness::ready(),",
        )],
        test: None,
    },
    Mutation {
        name: "a link that breaks for a moment lets a node go on alone",
        edits: &[(READINESS, "[] if self.has_waited(turn, 1) && (", "[] if timed_out && (")],
        test: None,
    },
    Mutation {
        name: "a node goes on alone beside others",
        edits: &[(
            READINESS,
            "[] if self.has_waited(turn, 1) && (self.came_whole() || self.lined) =>",
            "_ if self.has_waited(turn, 1) && (self.came_whole() || self.lined) =>",
        )],
        test: None,
    },
    Mutation {
        name: "newcomers that reach nobody go on with nothing",
        edits: &[(
            READINESS,
            "[] if self.has_waited(turn, 1) && (self.came_whole() || self.lined) =>",
            "[] if self.has_waited(turn, 1) =>",
        )],
        test: None,
    },
    Mutation {
        name: "an answer about an entry is owed for ever",
        edits: &[(ENROLMENT, "now.saturating_sub(since) >= most;", "now.saturating_sub(since) >= most * 1_000;")],
        test: None,
    },
    Mutation {
        name: "all that a node holds is set aside",
        edits: &[(ASIDE, "(kills(version) || is_untold(version))", "(true || kills(version) || is_untold(version))")],
        test: None,
    },
    Mutation {
        name: "comparisons never pause",
        edits: &[(
            EXCHANGE,
            "self.compare_due = now + self.random.jitter(self.settings.periods.compare);",
            "self.compare_due = now;",
        )],
        test: None,
    },
    Mutation {
        name: "repair fetches what does not differ",
        edits: &[(
            WALK,
            "if Check::from(table.sum(self.realm, place)) != *check {",
            "if true || Check::from(table.sum(self.realm, place)) != *check {",
        )],
        test: None,
    },
    Mutation {
        name: "values expire three seconds late",
        edits: &[(TABLE, "self.deadlines.due(now)", "self.deadlines.due(now.saturating_sub(3_000))")],
        test: None,
    },
    Mutation {
        name: "a floor does not look at what it covers",
        edits: &[(STAMPING, "self.stamp(self.table.greatest_in(&tenant, &scope))?", "self.stamp(None)?")],
        test: None,
    },
    Mutation {
        name: "a revocation counts by its stamp alone",
        edits: &[(REGISTER, "(revocable && deleted, stamp)", "(revocable && deleted && stamp == Stamp::ZERO, stamp)")],
        test: None,
    },
    Mutation {
        name: "revocations are collected as deletions are",
        edits: &[
            (
                FACTS,
                "ripe_at(self.stamp, false, self.expires_at)",
                "ripe_at(self.stamp, self.is_tombstone(), self.expires_at)",
            ),
            (
                FACTS,
                "ripe_at(version.stamp, false, version.expires_at)",
                "ripe_at(version.stamp, version.content.is_none(), version.expires_at)",
            ),
        ],
        test: None,
    },
    Mutation {
        name: "a tenant's end spares its tokens",
        edits: &[(PLACES, "(Self::Tenant, _) => true", "(Self::Tenant, _) => !address.is_revocable()")],
        test: None,
    },
    Mutation {
        name: "tokens are set aside and written again",
        edits: &[(ASIDE, " && !is_kept_for_good(&version.register.address)", "")],
        test: None,
    },
];
