//! Who is known: the replica's tokens and signing keys, made ready to be looked up.
//!
//! It is read for every request, and made anew on a thread of its own once a token has changed; requests go by the one
//! before until then. Whoever changes it here waits for that: a revocation counts from its answer on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use arc_swap::ArcSwap;
use burgee_model::{Key, Millis, SYSTEM_TENANT, SigningKey, Stamp, TokenId, TokenMeta};
use burgee_store::{Store, Table, Version};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use super::{
    principal::{Principal, Who},
    usage::Usage,
};
use crate::admin::token::environments;

/// A token that is in force, its deadline aside.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) principal: Arc<Principal>,
    pub(crate) usage: Arc<Usage>,
    /// From when on it is not known any more.
    pub(crate) expires_at: Option<Millis>,
    sha256: [u8; 32],
    /// That of its register.
    stamp: Stamp,
}

impl Known {
    fn is_over(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|deadline| deadline <= now)
    }
}

/// A key that sessions are signed with.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) id: TokenId,
    pub(crate) key: SigningKey,
    pub(crate) expires_at: Millis,
}

/// Everybody at one state of the replica.
#[derive(Debug, Default)]
struct Everybody {
    /// The table's count of changes; none before the first look.
    changes: Option<u64>,
    tokens: HashMap<TokenId, Arc<Known>>,
    signers: Vec<Signer>,
    /// Sessions that were logged out and would last otherwise, with the tenant of their token.
    ended: HashMap<TokenId, Option<Box<str>>>,
}

/// How many sessions are remembered to have ended.
pub(super) struct EndedSessions {
    pub(super) all: usize,
    pub(super) of_tenant: usize,
}

/// Who is known.
pub(crate) struct Directory(Arc<Shared>);

struct Shared {
    store: Store,
    /// The store's count of changes.
    changes: watch::Receiver<u64>,
    everybody: ArcSwap<Everybody>,
    /// The count that it shows.
    shown: watch::Sender<u64>,
    /// Held while it is made anew.
    making: Mutex<()>,
}

/// The id of the token with a text: what its hash begins with, so that no two texts share one.
pub(crate) fn id_of(sha256: &[u8; 32]) -> TokenId {
    let mut id = [0; 16];
    id.copy_from_slice(&sha256[..16]);
    TokenId(id)
}

impl Directory {
    pub(crate) fn new(store: &Store) -> Self {
        let (everybody, making) = (ArcSwap::default(), Mutex::default());
        let (store, changes, shown) = (store.clone(), store.access(), watch::Sender::new(0));
        let shared = Arc::new(Shared { store, changes: changes.clone(), everybody, shown, making });
        tokio::spawn(follow(Arc::downgrade(&shared), changes));
        Self(shared)
    }

    /// Returns once what the store has is in force.
    pub(crate) async fn refresh(&self) {
        if self.0.is_current() {
            return;
        }
        let shared = self.0.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || shared.anew()).await {
            tracing::error!(%error, "who may ask was not looked up again");
        }
    }

    /// Whose token it is, by its hash. A text that is unknown and one that was revoked take the same way.
    pub(crate) fn find(&self, sha256: &[u8; 32], now: Millis) -> Option<Arc<Known>> {
        let found = self.by_id(id_of(sha256), now)?;
        bool::from(found.sha256.ct_eq(sha256)).then_some(found)
    }

    /// Cluster time.
    pub(super) fn now(&self) -> Millis {
        self.0.store.now()
    }

    /// The token with an id.
    pub(crate) fn by_id(&self, id: TokenId, now: Millis) -> Option<Arc<Known>> {
        self.everybody().tokens.get(&id).filter(|known| !known.is_over(now)).cloned()
    }

    /// The keys that sessions are signed with and that are not over.
    pub(crate) fn signers(&self, now: Millis) -> Vec<Signer> {
        self.everybody().signers.iter().filter(|signer| signer.expires_at > now).cloned().collect()
    }

    /// That of them which lasts longest.
    pub(crate) fn newest_signer(&self, now: Millis) -> Option<Signer> {
        let everybody = self.everybody();
        let newest = everybody.signers.iter().max_by_key(|signer| (signer.expires_at, signer.id));
        newest.filter(|signer| signer.expires_at > now).cloned()
    }

    /// Whether a session was logged out.
    pub(crate) fn has_ended(&self, session: TokenId) -> bool {
        self.everybody().ended.contains_key(&session)
    }

    /// How many are remembered to have been, and how many of them were of one tenant's tokens, or of those of none.
    pub(super) fn ended_sessions(&self, tenant: Option<&str>) -> EndedSessions {
        let everybody = self.everybody();
        let of_tenant = everybody.ended.values().filter(|of| of.as_deref() == tenant).count();
        EndedSessions { all: everybody.ended.len(), of_tenant }
    }

    /// Changes when somebody comes or goes; it shows who by then.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.shown.subscribe()
    }

    fn everybody(&self) -> Arc<Everybody> {
        let held = self.0.everybody.load_full();
        if held.changes.is_some() { held } else { self.0.anew() }
    }
}

/// Makes it anew whenever somebody came or went, as long as it is there.
async fn follow(shared: Weak<Shared>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = tokio::task::spawn_blocking(move || shared.anew()).await {
            tracing::error!(%error, "who may ask was not looked up again");
        }
    }
}

impl Shared {
    fn is_current(&self) -> bool {
        self.everybody.load().changes == Some(*self.changes.borrow())
    }

    fn anew(&self) -> Arc<Everybody> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.everybody.load_full();
        let table = self.store.read();
        if before.changes == Some(table.access_changes()) {
            return before;
        }
        let made = Arc::new(everybody(&table, &before, self.store.now()));
        self.everybody.store(made.clone());
        drop(table);
        self.shown.send_replace(made.changes.unwrap_or_default());
        made
    }
}

fn everybody(table: &Table, before: &Everybody, now: Millis) -> Everybody {
    let known = |tenant: &Key, token: TokenId, version: &Version| {
        // one that is for all environments is what it was as long as its register is
        let same = |known: &&Arc<Known>| known.stamp == version.stamp && known.principal.environments.is_empty();
        if let Some(known) = before.tokens.get(&token).filter(|_| version.content.is_some()).filter(same) {
            return Some((token, known.clone()));
        }
        let usage = before.tokens.get(&token).map(|known| known.usage.clone()).unwrap_or_default();
        Some((token, Arc::new(known(table, tenant, token, version, usage)?)))
    };
    let lasts = |version: &Version| version.expires_at.is_none_or(|deadline| deadline > now);
    // a session has no register of its own until it ends
    let ended = table.tokens(&Key::system_tenant()).filter(|(_, version)| version.content.is_none() && lasts(version));
    let tokens = table.all_tokens().filter_map(|(tenant, token, version)| known(tenant, token, &version));
    let signer = |(id, version): (TokenId, Arc<Version>)| {
        let key = version.content.as_ref()?.read()?;
        Some(Signer { id, key, expires_at: version.expires_at? })
    };
    Everybody {
        changes: Some(table.access_changes()),
        tokens: tokens.collect(),
        signers: table.session_keys().filter_map(signer).collect(),
        ended: ended.map(|(id, version)| (id, version.note.clone())).collect(),
    }
}

fn known(table: &Table, tenant: &Key, token: TokenId, version: &Version, usage: Arc<Usage>) -> Option<Known> {
    let meta: TokenMeta = version.content.as_ref()?.read()?;
    let environments = environments(table, tenant, &meta)?;
    let bound = (tenant.as_str() != SYSTEM_TENANT).then(|| tenant.clone());
    let principal = Principal {
        who: Who::Token(token),
        kind: meta.kind,
        tenant: bound,
        environments: environments.into(),
        actor: actor(&meta.name, token),
    };
    Some(Known {
        principal: Arc::new(principal),
        usage,
        expires_at: version.expires_at,
        sha256: meta.sha256.0,
        stamp: version.stamp,
    })
}

/// A name may be anybody's; with what its id begins with it is one token's.
fn actor(name: &str, token: TokenId) -> Arc<str> {
    let id = token.to_string();
    format!("{name} ({})", id.get(..8).unwrap_or_default()).into()
}

/// One for tests.
#[cfg(test)]
pub(super) fn signer(byte: u8) -> Signer {
    let key = SigningKey { secret: burgee_model::Digest([byte; 32]) };
    Signer { id: TokenId([byte; 16]), key, expires_at: 1_000 }
}
