//! What a node has set aside, and what others have of its writes, on disk.

use std::sync::Arc;

use burgee_model::NodeId;
use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::{META, corrupt, load_error, put_meta, row};
use crate::{Aside, OpenError, Told, Version, version::encode_register};

/// Versions that are set aside, by register. Releases that know nothing of it pass over it.
const ASIDE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("aside");

/// There where something is set aside: whose it is, and what others had of it.
const META_ASIDE: &str = "aside";
const META_TOLD: &str = "told";

/// What the file holds of both.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) told: Told,
    pub(crate) aside: Option<Aside>,
}

pub(super) fn put_told(write: &WriteTransaction, told: &Told) -> Result<(), redb::Error> {
    put_meta(write, META_TOLD, &encode(told))
}

pub(super) fn put(write: &WriteTransaction, aside: &Aside) -> Result<(), redb::Error> {
    put_meta(write, META_ASIDE, &encode(&(aside.own, &aside.told)))?;
    let mut rows = write.open_table(ASIDE)?;
    for version in &aside.versions {
        rows.insert(encode_register(&version.register).as_slice(), row::seal(version.encode()).as_slice())?;
    }
    Ok(())
}

pub(super) fn remove(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.delete_table(ASIDE)?;
    write.open_table(META)?.remove(META_ASIDE)?;
    Ok(())
}

pub(super) fn load(read: &ReadTransaction) -> Result<Kept, OpenError> {
    let told = value(read, META_TOLD)?.unwrap_or_default();
    let Some((own, of_it)) = value::<(NodeId, Told)>(read, META_ASIDE)? else { return Ok(Kept { told, aside: None }) };
    let rows = match read.open_table(ASIDE) {
        Ok(rows) => rows,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Kept { told, aside: None }),
        Err(error) => return Err(load_error(error)),
    };
    let mut versions = Vec::new();
    for row in rows.iter().map_err(load_error)? {
        let (_, value) = row.map_err(load_error)?;
        versions.push(Arc::new(version(value.value())?));
    }
    Ok(Kept { told, aside: Some(Aside { own, told: of_it, versions }) })
}

fn version(sealed: &[u8]) -> Result<Version, OpenError> {
    match row::unseal(sealed).map(Version::decode) {
        Some(Ok(version)) if version.is_sane() => Ok(version),
        Some(Err(error)) if error.is_newer() => Err(OpenError::Newer),
        _ => Err(corrupt("a row is damaged")),
    }
}

fn value<T: serde::de::DeserializeOwned>(read: &ReadTransaction, name: &str) -> Result<Option<T>, OpenError> {
    let meta = read.open_table(META).map_err(load_error)?;
    let Some(sealed) = meta.get(name).map_err(load_error)? else { return Ok(None) };
    let value = row::unseal(sealed.value()).and_then(|bytes| postcard::from_bytes(bytes).ok());
    value.map(Some).ok_or_else(|| corrupt(&format!("`{name}` is damaged")))
}

/// Writing plain data to memory cannot fail.
fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}
