//! The shapes of documents, for the API's description alone: requests are read member by member, so that
//! every fault can be named, and answers are put together from registers.
#![allow(dead_code, reason = "described, never built")]

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

pub(crate) use super::ofrep_shapes::{Evaluated, OfrepBulk, OfrepFailure, OfrepItem, OfrepRequest};

/// Stamps by the path of the field in the document, e.g. `environments/prod/state`.
pub(crate) type Stamps = BTreeMap<String, String>;

/// A tenant.
#[derive(ToSchema)]
pub(crate) struct Tenant {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    stamps: Stamps,
}

/// A tenant to create.
#[derive(ToSchema)]
pub(crate) struct NewTenant {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
}

/// What to change of a tenant.
#[derive(ToSchema)]
pub(crate) struct TenantPatch {
    name: Option<String>,
}

/// A page of tenants.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TenantList {
    items: Vec<Tenant>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// An environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Environment {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    protected: bool,
    /// Which version of flagd's bucketing `fractional` follows.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: u64,
    stamps: Stamps,
}

/// An environment to create.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewEnvironment {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
    protected: Option<bool>,
    /// Which version of flagd's bucketing `fractional` follows; 2 unless given.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: Option<u64>,
}

/// What to change of an environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct EnvironmentPatch {
    name: Option<String>,
    protected: Option<bool>,
    /// Moves users between variants. Null means 2.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: Option<u64>,
}

/// A page of environments.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct EnvironmentList {
    items: Vec<Environment>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Whether a flag is evaluated.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(crate) enum State {
    Enabled,
    Disabled,
}

/// A fault of a stored flag.
#[derive(ToSchema)]
pub(crate) struct FlagProblem {
    path: String,
    code: String,
    message: String,
    #[schema(nullable = false)]
    hint: Option<String>,
    #[schema(nullable = false)]
    environment: Option<String>,
    /// `warning` where it is told, no more; else absent.
    #[schema(nullable = false)]
    severity: Option<String>,
}

/// A flag's part in one environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagSettings {
    state: State,
    #[schema(required)]
    default_variant: Option<String>,
    #[schema(required)]
    targeting: Option<Map<String, Json>>,
    kill: bool,
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Variants that differ here from the flag's own, from an import.
    #[schema(nullable = false)]
    variants: Option<Map<String, Json>>,
}

/// A flag.
#[derive(ToSchema)]
pub(crate) struct Flag {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    description: Option<String>,
    tags: Vec<String>,
    metadata: Map<String, Json>,
    variants: Map<String, Json>,
    environments: BTreeMap<String, FlagSettings>,
    problems: Vec<FlagProblem>,
    /// Not in lists.
    #[schema(nullable = false)]
    stamps: Option<Stamps>,
}

/// A page of flags.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagList {
    items: Vec<Flag>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A flag to create.
#[derive(ToSchema)]
pub(crate) struct NewFlag {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Json>>,
    variants: Map<String, Json>,
    environments: Option<BTreeMap<String, NewFlagSettings>>,
    note: Option<String>,
}

/// What a new flag is to be in one environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewFlagSettings {
    state: Option<State>,
    default_variant: Option<String>,
    targeting: Option<Map<String, Json>>,
    kill: Option<bool>,
    reason: Option<String>,
}

/// What to change of a flag.
#[derive(ToSchema)]
pub(crate) struct FlagPatch {
    name: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Json>>,
    #[schema(nullable = false)]
    variants: Option<Map<String, Json>>,
    note: Option<String>,
}

/// What to change of a flag in one environment. `reason` belongs to `kill`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagInPatch {
    #[schema(nullable = false)]
    state: Option<State>,
    default_variant: Option<String>,
    targeting: Option<Map<String, Json>>,
    kill: Option<bool>,
    reason: Option<String>,
    note: Option<String>,
}

/// A flag's part in one environment, with faults and stamps.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagIn {
    state: State,
    #[schema(required)]
    default_variant: Option<String>,
    #[schema(required)]
    targeting: Option<Map<String, Json>>,
    kill: bool,
    #[schema(nullable = false)]
    reason: Option<String>,
    #[schema(nullable = false)]
    variants: Option<Map<String, Json>>,
    problems: Vec<FlagProblem>,
    stamps: Stamps,
}

/// A segment: a rule that flags share.
#[derive(ToSchema)]
pub(crate) struct Segment {
    key: String,
    #[schema(required)]
    rule: Option<Json>,
    /// Environments with a rule of their own.
    environments: BTreeMap<String, SegmentIn>,
    stamps: Stamps,
}

/// An environment's own rule for a segment.
#[derive(ToSchema)]
pub(crate) struct SegmentIn {
    rule: Json,
}

/// A page of segments.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct SegmentList {
    items: Vec<Segment>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A segment to create.
#[derive(ToSchema)]
pub(crate) struct NewSegment {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    rule: Json,
    note: Option<String>,
}

/// What to change of a segment.
#[derive(ToSchema)]
pub(crate) struct SegmentPatch {
    rule: Json,
    note: Option<String>,
}

/// A guest, its module aside.
#[derive(ToSchema)]
pub(crate) struct Guest {
    key: String,
    /// SHA-256 of the component: 64 hex digits.
    digest: String,
    /// Of the component.
    bytes: u64,
    /// How many it passed before it went live.
    fixtures: u64,
    stamps: Stamps,
}

/// A page of guests.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct GuestList {
    items: Vec<Guest>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A guest to upload.
#[derive(ToSchema)]
pub(crate) struct GuestUpload {
    #[schema(format = Binary)]
    module: Vec<u8>,
    #[schema(nullable = false)]
    fixtures: Option<Vec<GuestFixture>>,
}

/// A call of a guest, and what it must answer.
#[derive(ToSchema)]
pub(crate) struct GuestFixture {
    #[schema(required)]
    context: Option<Map<String, Json>>,
    expected: Json,
    #[schema(nullable = false)]
    arguments: Option<Vec<Json>>,
    /// The config entries that there are.
    #[schema(nullable = false)]
    config: Option<Map<String, Json>>,
    #[schema(nullable = false)]
    flag: Option<String>,
    /// Seconds since 1970-01-01T00:00:00Z.
    #[schema(nullable = false)]
    timestamp: Option<u64>,
}

/// A config entry, its value aside.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConfigEntry {
    key: String,
    stamp: String,
    content_type: String,
    size: usize,
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
}

/// A page of config entries.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConfigList {
    items: Vec<ConfigEntry>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// What an import did, or would do.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ImportReport {
    dry_run: bool,
    created: Vec<String>,
    changed: Vec<String>,
    unchanged: usize,
    pruned: Vec<String>,
    /// What changes, line by line.
    diff: Vec<ImportLine>,
    /// The registers whose value changes.
    changes: Vec<ImportChange>,
    /// Faults of rules, which the import keeps all the same.
    problems: Vec<FlagProblem>,
}

/// How a document is written.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum DocumentFormat {
    Json,
    Yaml,
}

/// One line of what an import changes.
#[derive(ToSchema)]
pub(crate) struct ImportLine {
    /// `add`, `change` or `remove`.
    op: String,
    /// `flag`, `segment`, or `document` for the document's own members.
    kind: String,
    #[schema(nullable = false)]
    key: Option<String>,
    /// Of what changes: which parts.
    #[schema(nullable = false)]
    fields: Option<Vec<String>>,
    /// Of a new flag: the type of its variants.
    #[schema(nullable = false)]
    r#type: Option<String>,
    /// Of a new flag.
    #[schema(nullable = false)]
    state: Option<State>,
}

/// One register that an import changes.
#[derive(ToSchema)]
pub(crate) struct ImportChange {
    register: crate::admin::address::Register,
    /// `put` or `delete`.
    op: String,
}

/// What to evaluate: one flag, or all.
#[derive(ToSchema)]
pub(crate) struct EvaluateRequest {
    flag: Option<String>,
    context: Option<Map<String, Json>>,
    /// As of when: RFC 3339, a day, or milliseconds since 1970. Flags and segments are those of then, and so is the time
    /// that rules see. 422 `history_not_kept` where no history reaches back so far.
    at: Option<Json>,
    /// Whether to say why: the tree of the flag's rule in `explain`, and the stamps of what was read in `stamps`.
    explain: Option<bool>,
}

/// A version of a register, as it was written.
#[derive(ToSchema)]
pub(crate) struct VersionShown {
    stamp: String,
    /// When, by the clock of its author.
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    /// What was written together has the same.
    change: String,
    #[schema(nullable = false)]
    note: Option<String>,
    /// `put` or `delete`.
    op: String,
    #[schema(required)]
    value: Option<Json>,
}

/// A version with its register.
#[derive(ToSchema)]
pub(crate) struct HistoryItem {
    register: crate::admin::address::Register,
    #[schema(inline)]
    #[serde(flatten)]
    version: VersionShown,
    /// Whether it counts now.
    current: bool,
}

/// A page of versions, newest first.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct HistoryList {
    items: Vec<HistoryItem>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A register in which versions stand beside the current one.
#[derive(ToSchema)]
pub(crate) struct Conflict {
    register: crate::admin::address::Register,
    winner: VersionShown,
    /// Newest first.
    losers: Vec<VersionShown>,
}

/// A page of conflicts.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConflictList {
    items: Vec<Conflict>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Which conflict to settle in favour of what stands.
#[derive(ToSchema)]
pub(crate) struct DismissRequest {
    register: crate::admin::address::Register,
    note: Option<String>,
}

/// Which version's value to write again.
#[derive(ToSchema)]
pub(crate) struct RestoreRequest {
    register: crate::admin::address::Register,
    stamp: String,
    note: Option<String>,
}

/// The version that was written.
#[derive(ToSchema)]
pub(crate) struct Settled {
    #[serde(flatten)]
    item: HistoryItem,
    /// How many losers of the register still stand.
    #[serde(rename = "losersLeft")]
    losers_left: usize,
}

/// What a token is for: `server` and `client` evaluate, the others are roles.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    Server,
    Client,
    Viewer,
    Editor,
    Operator,
    Admin,
}

/// A token, its text aside.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Token {
    /// 32 hex digits.
    id: String,
    name: String,
    /// What its text begins with.
    prefix: String,
    kind: TokenKind,
    /// What it is bound to; empty is bound to none.
    environments: Vec<String>,
    created_at: String,
    created_by: String,
    #[schema(nullable = false)]
    expires_at: Option<String>,
    /// On the node that answers, since its start.
    #[schema(nullable = false)]
    last_used_at: Option<String>,
}

/// A token, with its text.
#[derive(ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    known: Token,
    /// Shown this once.
    token: String,
}

/// A token to create.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewToken {
    #[schema(min_length = 1, max_length = 512)]
    name: String,
    kind: TokenKind,
    /// Binds it to these; without it, it is for all.
    #[schema(min_items = 1, max_items = 100)]
    environments: Option<Vec<String>>,
    /// An instant, RFC 3339.
    expires_at: Option<String>,
}

/// A page of tokens.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TokenList {
    items: Vec<Token>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Who logs in.
#[derive(ToSchema)]
pub(crate) struct NewSession {
    /// A token with a role.
    token: String,
}

/// Who is logged in.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Session {
    kind: TokenKind,
    /// Absent where it is bound to none.
    #[schema(nullable = false)]
    tenant: Option<String>,
    environments: Vec<String>,
    /// Whether the node asks for a login at all.
    login: bool,
    /// What writes show in `X-CSRF-Token`; only where a cookie stands for the token.
    #[schema(nullable = false)]
    csrf_token: Option<String>,
    #[schema(nullable = false)]
    expires_at: Option<String>,
}
