//! Loading flagd files at start, into environments that never existed.
//!
//! Versions made so bear a genesis stamp: the position of the file among the options as their time, a hash
//! of the file as their author. The same file on several nodes gives identical versions, and none of them
//! ever beats what a person wrote.

use std::sync::Arc;

use burgee_api::admin::{elsewhere::Elsewhere, flagd::take_notes};
use burgee_model::{
    Blob, EnvironmentMeta, Format, Key, Limits, NodeId, RegisterId, TenantMeta,
    flagd::{self, Document, DocumentError},
    import::{self, View, Write},
};
use burgee_store::{Draft, DraftWrite, Request, Stamping, Store, Table, WriteError, WriteScope};
use sha2::{Digest, Sha256};

/// A flagd file, read and checked, with the place where it goes.
#[derive(Clone, Debug)]
pub struct Source {
    /// The tenant.
    pub tenant: Key,
    /// What is known of the tenant, for the case that it does not exist.
    pub tenant_meta: TenantMeta,
    /// The environment.
    pub environment: Key,
    /// What is known of the environment.
    pub environment_meta: EnvironmentMeta,
    /// The document.
    pub document: Document,
    /// More registers to write with it, such as names and tags of flags.
    pub more: Vec<Write>,
    /// The author of the genesis stamps.
    author: NodeId,
}

impl Source {
    /// Reads a document for an environment.
    pub fn parse(
        (tenant, environment): (&Key, &Key),
        text: &[u8],
        format: Format,
        limits: &Limits,
    ) -> Result<Self, DocumentError> {
        let mut document = flagd::read(text, format, limits)?;
        let bucketing = take_notes(&mut document).unwrap_or_default();
        Ok(Self {
            tenant: tenant.clone(),
            tenant_meta: TenantMeta::default(),
            environment: environment.clone(),
            environment_meta: EnvironmentMeta { bucketing, ..EnvironmentMeta::default() },
            document,
            more: Vec::new(),
            author: genesis_author(tenant, environment, text),
        })
    }
}

fn genesis_author(tenant: &Key, environment: &Key, text: &[u8]) -> NodeId {
    let mut hash = Sha256::new();
    for part in [tenant.as_str().as_bytes(), environment.as_str().as_bytes(), text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    NodeId(id)
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It was loaded: so many flags.
    Flags(usize),
    /// The environment exists or once did, so nothing was written.
    Skipped,
}

/// The environment exists, or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment exists or existed")]
pub struct Existed;

/// Loads a file unless its environment exists or ever did. `position` counts the files from 1.
pub async fn load(store: &Store, position: u64, source: &Source) -> Result<Loaded, WriteError<Existed>> {
    let request = Request {
        scope: WriteScope::Tenant(source.tenant.clone()),
        actor: Arc::from("import"),
        note: None,
        stamping: Stamping::Genesis { time: position, id: source.author },
    };
    let flags = source.document.flags.len();
    let source = source.clone();
    match store.write(request, move |table, now| plan(&source, table, now)).await {
        Ok(_) => Ok(Loaded::Flags(flags)),
        Err(WriteError::Refused(Existed)) => Ok(Loaded::Skipped),
        Err(other) => Err(other),
    }
}

fn plan(source: &Source, table: &Table, now: u64) -> Result<Draft, Existed> {
    let (tenant, environment) = (&source.tenant, &source.environment);
    if table.ever_existed(tenant, environment) {
        return Err(Existed);
    }
    let current = |id: &RegisterId| table.current(id, now).and_then(|v| v.content.clone());
    let mut writes = Vec::new();
    let mut container = |register: RegisterId, meta: Option<Blob>| {
        if current(&register).is_none() {
            writes.push(Write { register, value: meta });
        }
    };
    container(RegisterId::tenant(tenant), Blob::of(&source.tenant_meta));
    container(RegisterId::environment(tenant, environment), Blob::of(&source.environment_meta));
    // it is stamped below everything that people wrote: what all environments share stays as it is
    let plan = |view: &View<'_>| {
        let view = View { is_shared: &|_| true, ..*view };
        import::plan(&source.document, tenant, environment, false, &view)
    };
    let planned = Elsewhere::of(table, now, tenant, environment).plan(&current, &[], plan);
    // what is written beside the document replaces what the document's plan leaves empty
    let named: std::collections::HashSet<&RegisterId> = source.more.iter().map(|w| &w.register).collect();
    writes.extend(planned.writes.into_iter().filter(|w| !named.contains(&w.register)));
    writes.extend(source.more.iter().filter(|w| current(&w.register).is_none()).cloned());
    Ok(Draft::of(writes.into_iter().map(DraftWrite::from).collect()))
}
