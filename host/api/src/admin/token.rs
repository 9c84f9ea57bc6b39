//! Tokens: create, list, revoke. Their text is known to nobody but whoever created them.

use std::sync::Arc;

use burgee_model::{
    Blob, Digest, Key, Limits, Millis, RegisterId, Scope, Stamp, TokenId, TokenKind, TokenMeta,
    register::is_reserved_tenant, stamp::MILLIS_MAX,
};
use burgee_store::{Draft, DraftWrite, Table, Version};
use serde_json::{Value as Json, json};

use super::{
    Kind, Refusal, environment,
    members::{Member, Members, NAME_BYTES_MAX, TEXT_BYTES_MAX},
    tenant, writes,
};
use crate::instant;

/// The most environments that a token is bound to.
const ENVIRONMENTS_MAX: usize = 100;
/// Hex digits of a token's secret that everybody may see.
const PREFIX_DIGITS: usize = 6;

/// A token to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// A name for people.
    pub name: String,
    /// What it is for.
    pub kind: TokenKind,
    /// The environments that it is bound to; empty binds it to none.
    pub environments: Vec<Key>,
    /// From when on it is not known any more.
    pub expires_at: Option<Millis>,
}

/// A token as it stands.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is known of it.
    pub meta: TokenMeta,
    /// Its version.
    pub version: Arc<Version>,
}

/// Reads the document of a create, `{name, kind, environments?, expiresAt?}`.
pub fn read_create(document: Json) -> Result<NewToken, Refusal> {
    let mut members = Members::root(document)?;
    let name = members.required("name", NAME_BYTES_MAX);
    if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().any(char::is_control)) {
        members.fault("/name".into(), "invalid_name", "`name` is a text without control characters, and not empty");
    }
    let kind = read_kind(&mut members);
    let environments = read_environments(&mut members);
    let expires_at = read_deadline(&mut members);
    members.finish()?;
    match (name, kind) {
        (Some(name), Some(kind)) => Ok(NewToken { name, kind, environments, expires_at }),
        _ => Err(Refusal::Invalid(Vec::new())),
    }
}

fn read_kind(members: &mut Members) -> Option<TokenKind> {
    let text = members.required("kind", TEXT_BYTES_MAX)?;
    let kind = TokenKind::ALL.into_iter().find(|kind| kind.name() == text);
    if kind.is_none() {
        let message = format!("`kind` is {}", TokenKind::ALL.map(TokenKind::name).join(", "));
        members.fault("/kind".into(), "invalid_kind", message);
    }
    kind
}

fn read_environments(members: &mut Members) -> Vec<Key> {
    let Member::Value(texts) = members.texts("environments") else { return Vec::new() };
    if texts.is_empty() || texts.len() > ENVIRONMENTS_MAX {
        let message = format!("`environments` names 1 to {ENVIRONMENTS_MAX}; without it the token is for all");
        members.fault("/environments".into(), "invalid_environments", message);
        return Vec::new();
    }
    let mut environments: Vec<Key> = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match Key::new(text) {
            Ok(key) if environments.contains(&key) => {
                members.fault(format!("/environments/{at}"), "doubled", format!("`{key}` is there already"));
            }
            Ok(key) => environments.push(key),
            Err(error) => members.fault(format!("/environments/{at}"), "invalid_key", error.to_string()),
        }
    }
    environments
}

fn read_deadline(members: &mut Members) -> Option<Millis> {
    let text = members.text("expiresAt", TEXT_BYTES_MAX).value()?;
    let deadline = instant::parse(&text).filter(|deadline| *deadline < MILLIS_MAX);
    if deadline.is_none() {
        let message = "`expiresAt` is an instant such as 2026-11-20T11:30:00Z, before the year 2100";
        members.fault("/expiresAt".into(), "invalid_instant", message);
    }
    deadline
}

/// Refuses what a tenant cannot have. The cluster's own tenant has admins alone: they are bound to no tenant.
fn check(table: &Table, now: Millis, tenant: &Key, new: &NewToken, limits: &Limits) -> Result<(), Refusal> {
    check_binding(table, now, tenant, new)?;
    check_room(table, now, tenant, limits)
}

fn check_binding(table: &Table, now: Millis, tenant: &Key, new: &NewToken) -> Result<(), Refusal> {
    if is_reserved_tenant(tenant.as_str()) {
        let fits = new.kind == TokenKind::Admin && new.environments.is_empty();
        let message = "a token that is bound to no tenant is of the kind admin, for all environments";
        return if fits { Ok(()) } else { Err(Refusal::invalid("/kind", "invalid_kind", message)) };
    }
    for (at, key) in new.environments.iter().enumerate() {
        if environment::read(table, now, tenant, key).is_err() {
            let message = format!("there is no environment `{key}`");
            return Err(Refusal::invalid(&format!("/environments/{at}"), "unknown_environment", message));
        }
    }
    if new.kind == TokenKind::Admin && !new.environments.is_empty() {
        let message = "an admin is for all environments of its tenant";
        return Err(Refusal::invalid("/environments", "invalid_environments", message));
    }
    Ok(())
}

/// How long a session lasts, at most as long as its token.
pub const SESSION_MS: Millis = 12 * 3600 * 1000;

/// Refuses one more than a tenant may have, and one more than every node need remember: a revoked token is remembered
/// until its deadline, and without one for good.
fn check_room(table: &Table, now: Millis, tenant: &Key, limits: &Limits) -> Result<(), Refusal> {
    let max = limits.tokens_per_tenant;
    if list(table, now, tenant, None).take(max).count() >= max {
        return Err(Refusal::invalid("", "too_many_tokens", format!("a tenant has at most {max} tokens")));
    }
    // sessions that ended stand among the cluster's own, and are bounded where they end
    let least = if is_reserved_tenant(tenant.as_str()) { now.saturating_add(SESSION_MS) } else { now };
    let lasts = |version: &Version| version.expires_at.is_none_or(|deadline| deadline > least);
    let max = limits.remembered_tokens_per_tenant;
    if table.tokens(tenant).filter(|(_, version)| lasts(version)).take(max).count() >= max {
        let message = format!(
            "at most {max} tokens of a tenant are remembered, revoked ones included: those with `expiresAt` until \
             then, others for good"
        );
        return Err(Refusal::invalid("", "too_many_remembered_tokens", message));
    }
    Ok(())
}

/// Refuses where a tenant does not exist. The cluster's own always does.
pub fn check_tenant(table: &Table, now: Millis, tenant: &Key) -> Result<(), Refusal> {
    let own = *tenant == Key::system_tenant();
    if own { Ok(()) } else { tenant::read(table, now, tenant).map(drop) }
}

/// The newest deletion of an environment.
#[must_use]
pub fn deletion(table: &Table, tenant: &Key, environment: &Key) -> Option<Stamp> {
    let scope = Scope::Environment { environment: environment.clone() };
    table.floor(tenant, &scope).map(|floor| floor.stamp)
}

/// The environments that a token is still for; none where all that it was made for are gone. One that was made for none
/// in particular has an empty list.
#[must_use]
pub fn environments(table: &Table, tenant: &Key, meta: &TokenMeta) -> Option<Vec<Key>> {
    let stands = |key: &&Key| deletion(table, tenant, key) == meta.deletions.get(*key).copied();
    let left: Vec<Key> = meta.environments.iter().filter(stands).cloned().collect();
    (meta.environments.is_empty() || !left.is_empty()).then_some(left)
}

/// The text of a token with a secret, and what of it everybody may see.
#[must_use]
pub fn text(kind: TokenKind, secret: [u8; 32]) -> (String, String) {
    let (kind, digits) = (kind.name(), Digest(secret).to_string());
    let seen = digits.get(..PREFIX_DIGITS).unwrap_or_default();
    (format!("burgee_{kind}_{digits}"), format!("burgee_{kind}_{seen}"))
}

/// Plans a create; `id` and `sha256` are the text's.
pub fn create(
    table: &Table,
    now: Millis,
    tenant: &Key,
    id: TokenId,
    meta: &TokenMeta,
    expires_at: Option<Millis>,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    check_tenant(table, now, tenant)?;
    let new =
        NewToken { name: meta.name.clone(), kind: meta.kind, environments: meta.environments.clone(), expires_at };
    check(table, now, tenant, &new, limits)?;
    if expires_at.is_some_and(|deadline| deadline <= now) {
        return Err(Refusal::invalid("/expiresAt", "invalid_instant", "`expiresAt` has passed"));
    }
    let deletions = meta.environments.iter().filter_map(|key| Some((key.clone(), deletion(table, tenant, key)?)));
    let meta = TokenMeta { deletions: deletions.collect(), ..meta.clone() };
    let put = DraftWrite::put(RegisterId::token(tenant, id), Blob::json(&json!(meta)));
    Ok(writes(vec![DraftWrite { expires_at, ..put }]))
}

/// A tenant's tokens that are in force, after an id, in the order of ids.
pub fn list<'a>(
    table: &'a Table,
    now: Millis,
    tenant: &Key,
    after: Option<TokenId>,
) -> impl Iterator<Item = (TokenId, Found)> + use<'a> {
    let tenant = tenant.clone();
    let found = move |tenant: &Key, version: Arc<Version>| {
        let meta: TokenMeta = version.live(now)?.read()?;
        let environments = environments(table, tenant, &meta)?;
        Some(Found { meta: TokenMeta { environments, ..meta }, version })
    };
    let later = table.tokens(&tenant).filter(move |(id, _)| after.is_none_or(|after| *id > after));
    later.filter_map(move |(id, version)| Some((id, found(&tenant, version)?)))
}

/// A token that is in force; refuses where there is none.
pub fn read(table: &Table, now: Millis, tenant: &Key, id: TokenId) -> Result<Found, Refusal> {
    check_tenant(table, now, tenant)?;
    let version = table.current(&RegisterId::token(tenant, id), now);
    let found = version.and_then(|version| {
        let meta: TokenMeta = version.content.as_ref()?.read()?;
        let environments = environments(table, tenant, &meta)?;
        Some(Found { meta: TokenMeta { environments, ..meta }, version })
    });
    found.map_or_else(|| Err(missing(id)), Ok)
}

fn missing(id: TokenId) -> Refusal {
    // an id is a key, as any text of hex digits is
    Key::new(&id.to_string()).map_or(Refusal::Invalid(Vec::new()), |key| Refusal::NotFound(Kind::Token, key))
}

/// Plans a revocation. It bears the token's deadline: beyond that there is nothing to be remembered.
pub fn revoke(table: &Table, now: Millis, tenant: &Key, id: TokenId) -> Result<Draft, Refusal> {
    let found = read(table, now, tenant, id)?;
    let tombstone = DraftWrite::delete(RegisterId::token(tenant, id));
    Ok(writes(vec![DraftWrite { expires_at: found.version.expires_at, ..tombstone }]))
}

impl Found {
    /// As lists show it: `{id, name, prefix, kind, environments, expiresAt?, createdAt, createdBy, lastUsedAt?}`.
    #[must_use]
    pub fn document(&self, id: TokenId, last_used: Option<Millis>) -> Json {
        let mut out = json!({
            "id": id.to_string(),
            "name": self.meta.name,
            "prefix": self.meta.prefix,
            "kind": self.meta.kind,
            "environments": self.meta.environments,
            "createdAt": instant::rfc3339(self.version.stamp.millis()),
            "createdBy": self.version.actor,
        });
        if let Some(deadline) = self.version.expires_at {
            out["expiresAt"] = json!(instant::rfc3339(deadline));
        }
        if let Some(used) = last_used {
            out["lastUsedAt"] = json!(instant::rfc3339(used));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(document: Json) -> Vec<String> {
        match read_create(document) {
            Err(Refusal::Invalid(faults)) => faults.into_iter().map(|fault| fault.path).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(faults(json!({})), ["/name", "/kind"]);
        assert_eq!(faults(json!({ "name": "", "kind": "king" })), ["/name", "/kind"]);
        let document = json!({ "name": "n", "kind": "server", "environments": [], "expiresAt": "soon", "more": 1 });
        assert_eq!(faults(document), ["/environments", "/expiresAt", "/more"]);
        let document = json!({ "name": "n", "kind": "server", "environments": ["a", "", "a"] });
        assert_eq!(faults(document), ["/environments/1", "/environments/2"]);
    }

    #[test]
    fn the_text_tells_its_kind_and_is_found_in_its_prefix() {
        let (text, prefix) = text(TokenKind::Client, [0xab; 32]);
        assert!(text.starts_with(&prefix) && text.starts_with("burgee_client_ab"));
        assert_eq!((text.len(), prefix.as_str()), (14 + 64, "burgee_client_ababab"));
    }
}
