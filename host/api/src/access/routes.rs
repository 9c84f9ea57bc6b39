//! The table of routes: for each method and path, who may use it. The guard goes by it, and so do the tests.
//!
//! What depends on what stands there (whether an environment is protected, whether a patch kills) is decided
//! where the write is planned, by a [`Permit`](crate::admin::permit::Permit).

use burgee_model::TokenKind::{self, Admin, Editor, Operator, Viewer};
use http::Method;

use crate::admin::permit::needs;

/// The least that a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Anybody who is known.
    Known,
    /// Whoever may evaluate all flags: a server token, or any role.
    Evaluation,
    /// A role, or more.
    Role(TokenKind),
    /// An admin who is bound to no tenant.
    Root,
}

/// A route behind the guard.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The method; GET stands for HEAD too.
    pub method: &'static str,
    /// The path as the router has it.
    pub path: &'static str,
    /// Who may use it.
    pub need: Need,
    /// Whether it is also for tokens that are bound to environments, though its path names none: it shows or takes
    /// what is theirs.
    pub bound: bool,
    /// Whether it writes.
    pub writes: bool,
}

const fn rule(method: &'static str, path: &'static str, need: Need) -> Rule {
    Rule { method, path, need, bound: false, writes: !matches!(method.as_bytes(), b"GET") }
}

const fn bound(rule: Rule) -> Rule {
    Rule { bound: true, ..rule }
}

const fn role(method: &'static str, path: &'static str, role: TokenKind) -> Rule {
    rule(method, path, Need::Role(role))
}

const GET: &str = "GET";
const POST: &str = "POST";
const PUT: &str = "PUT";
const PATCH: &str = "PATCH";
const DELETE: &str = "DELETE";

/// Every route behind the guard.
pub const RULES: [Rule; 64] = [
    bound(role(GET, "/api/v1/tenants", Viewer)),
    rule(POST, "/api/v1/tenants", Need::Root),
    bound(role(GET, "/api/v1/tenants/{tenant}", Viewer)),
    role(PATCH, "/api/v1/tenants/{tenant}", Admin),
    role(DELETE, "/api/v1/tenants/{tenant}", Admin),
    bound(role(GET, "/api/v1/tenants/{tenant}/environments", Viewer)),
    role(POST, "/api/v1/tenants/{tenant}/environments", Operator),
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}", Viewer),
    role(PATCH, "/api/v1/tenants/{tenant}/environments/{environment}", Operator),
    role(DELETE, "/api/v1/tenants/{tenant}/environments/{environment}", Operator),
    bound(role(GET, "/api/v1/tenants/{tenant}/flags", Viewer)),
    bound(role(POST, "/api/v1/tenants/{tenant}/flags", Editor)),
    bound(role(GET, "/api/v1/tenants/{tenant}/flags/{flag}", Viewer)),
    role(PATCH, "/api/v1/tenants/{tenant}/flags/{flag}", Editor),
    role(DELETE, "/api/v1/tenants/{tenant}/flags/{flag}", Editor),
    role(GET, "/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}", Viewer),
    role(PATCH, "/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}", Editor),
    role(GET, "/api/v1/tenants/{tenant}/segments", Viewer),
    role(POST, "/api/v1/tenants/{tenant}/segments", Editor),
    role(GET, "/api/v1/tenants/{tenant}/segments/{segment}", Viewer),
    role(PATCH, "/api/v1/tenants/{tenant}/segments/{segment}", Editor),
    role(DELETE, "/api/v1/tenants/{tenant}/segments/{segment}", Editor),
    role(GET, "/api/v1/tenants/{tenant}/guests", Viewer),
    role(GET, "/api/v1/tenants/{tenant}/guests/{guest}", Viewer),
    role(PUT, "/api/v1/tenants/{tenant}/guests/{guest}", Operator),
    role(DELETE, "/api/v1/tenants/{tenant}/guests/{guest}", Operator),
    // a flagd daemon's own token
    rule(GET, "/api/v1/tenants/{tenant}/environments/{environment}/flagd.json", Need::Evaluation),
    role(PUT, "/api/v1/tenants/{tenant}/environments/{environment}/flagd.json", Editor),
    Rule {
        writes: false,
        ..rule(POST, "/api/v1/tenants/{tenant}/environments/{environment}/evaluate", Need::Evaluation)
    },
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}/config", Viewer),
    role(DELETE, "/api/v1/tenants/{tenant}/environments/{environment}/config", Editor),
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", Viewer),
    role(PUT, "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", Editor),
    role(DELETE, "/api/v1/tenants/{tenant}/environments/{environment}/config/{*key}", Editor),
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}/rollouts", Viewer),
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", Viewer),
    role(PUT, "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", Editor),
    role(POST, "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", Editor),
    role(GET, "/api/v1/tenants/{tenant}/environments/{environment}/watch", Viewer),
    bound(role(GET, "/api/v1/tenants/{tenant}/watch", Viewer)),
    bound(role(GET, "/api/v1/tenants/{tenant}/history", Viewer)),
    role(POST, "/api/v1/tenants/{tenant}/restore", Editor),
    bound(role(GET, "/api/v1/tenants/{tenant}/conflicts", Viewer)),
    role(POST, "/api/v1/tenants/{tenant}/conflicts/dismiss", Editor),
    role(GET, "/api/v1/tenants/{tenant}/tokens", Admin),
    role(POST, "/api/v1/tenants/{tenant}/tokens", Admin),
    role(GET, "/api/v1/tenants/{tenant}/tokens/{token}", Admin),
    role(DELETE, "/api/v1/tenants/{tenant}/tokens/{token}", Admin),
    // both tell a token that is bound to a tenant nothing that counts what other tenants do: see `Principal::is_root`
    bound(role(GET, "/api/v1/cluster", Viewer)),
    bound(role(GET, "/api/v1/cluster/events", Viewer)),
    rule(DELETE, "/api/v1/cluster/nodes/{id}", Need::Root),
    // all tenants, and what tokens are known by
    rule(GET, "/api/v1/backup", Need::Root),
    bound(rule(GET, "/api/v1/session", Need::Known)),
    bound(rule(DELETE, "/api/v1/session", Need::Known)),
    // code generators run with an application's token
    bound(rule(GET, "/openfeature/v0/manifest", Need::Evaluation)),
    bound(role(POST, "/openfeature/v0/manifest/flags", Editor)),
    bound(role(PUT, "/openfeature/v0/manifest/flags/{key}", Editor)),
    bound(role(DELETE, "/openfeature/v0/manifest/flags/{key}", Editor)),
    rule(GET, "/e/{tenant}/{environment}/openfeature/v0/manifest", Need::Evaluation),
    role(POST, "/e/{tenant}/{environment}/openfeature/v0/manifest/flags", Editor),
    role(PUT, "/e/{tenant}/{environment}/openfeature/v0/manifest/flags/{key}", Editor),
    role(DELETE, "/e/{tenant}/{environment}/openfeature/v0/manifest/flags/{key}", Editor),
    // as of `/api/v1/cluster`
    bound(role(GET, "/metrics", Viewer)),
    bound(rule(GET, "/openapi.json", Need::Known)),
];

/// What decides about a route that has no rule: its own handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An evaluation: whoever may evaluate there.
    Token,
    /// The token of a stream, which stands in the address.
    Address,
    /// The token that a session is opened with, in the body.
    Login,
    /// Nothing: what it tells is no secret.
    Nothing,
}

/// Every route that is not behind the guard, of both ports: its method, its path as the router has it, and what is to be
/// shown there. (What is on no route is the dashboard's, which holds no data.)
pub const OTHERS: [(&str, &str, Shown); 26] = [
    (POST, "/ofrep/v1/evaluate/flags", Shown::Token),
    (POST, "/ofrep/v1/evaluate/flags/", Shown::Token),
    (POST, "/ofrep/v1/evaluate/flags/{*key}", Shown::Token),
    (POST, "/e/{tenant}/{environment}/ofrep/v1/evaluate/flags", Shown::Token),
    (POST, "/e/{tenant}/{environment}/ofrep/v1/evaluate/flags/", Shown::Token),
    (POST, "/e/{tenant}/{environment}/ofrep/v1/evaluate/flags/{*key}", Shown::Token),
    (GET, "/ofrep/v1/events", Shown::Address),
    (POST, "/api/v1/session", Shown::Login),
    (GET, "/healthz", Shown::Nothing),
    (GET, "/readyz", Shown::Nothing),
    (POST, "/flagd.evaluation.v1.Service/ResolveAll", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/ResolveBoolean", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/ResolveString", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/ResolveFloat", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/ResolveInt", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/ResolveObject", Shown::Token),
    (POST, "/flagd.evaluation.v1.Service/EventStream", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/ResolveBoolean", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/ResolveString", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/ResolveFloat", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/ResolveInt", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/ResolveObject", Shown::Token),
    (POST, "/flagd.evaluation.v2.Service/EventStream", Shown::Token),
    (POST, "/flagd.sync.v1.FlagSyncService/SyncFlags", Shown::Token),
    (POST, "/flagd.sync.v1.FlagSyncService/FetchAllFlags", Shown::Token),
    (POST, "/flagd.sync.v1.FlagSyncService/GetMetadata", Shown::Token),
];

/// The rule of a route, by its path as the router has it.
pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if *method == Method::HEAD { GET } else { method.as_str() };
    RULES.iter().find(|rule| rule.path == path && rule.method == method)
}

impl Need {
    /// Whether a principal has what is needed.
    pub(super) fn is_met_by(self, principal: &super::Principal) -> bool {
        let kind = principal.kind;
        match self {
            Self::Known => true,
            Self::Evaluation => kind != TokenKind::Client,
            Self::Role(role) => kind.rank() >= role.rank(),
            Self::Root => kind == Admin && principal.tenant.is_none(),
        }
    }

    /// What is said to whoever has less.
    pub(super) fn refusal(self) -> &'static str {
        match self {
            Self::Known => "this needs a token",
            Self::Evaluation => "this needs a server token, or one with a role",
            Self::Role(role) => needs(role),
            Self::Root => "this needs a token of the kind admin that is bound to no tenant",
        }
    }
}
