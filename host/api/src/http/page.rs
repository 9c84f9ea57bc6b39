//! Pages of lists: a limit, and an opaque cursor that names the last key.

use std::fmt::Write as _;

use burgee_model::Key;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use utoipa::IntoParams;

use crate::error::ApiError;

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Option<usize>,
    /// `nextCursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) after: Option<Key>,
}

impl Page {
    pub(crate) fn new(limit: Option<usize>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::InvalidQuery("limit", format!("`limit` is between 1 and {LIMIT_MAX}")));
        }
        let unknown = || ApiError::InvalidQuery("cursor", "`cursor` is not one that this list gave".into());
        let after = cursor.map(|text| decode(text).ok_or_else(unknown)).transpose()?;
        Ok(Self { limit, after })
    }
}

impl TryFrom<PageParams> for Page {
    type Error = ApiError;
    fn try_from(params: PageParams) -> Result<Self, ApiError> {
        Self::new(params.limit, params.cursor.as_deref())
    }
}

/// One page while it is filled: it takes one key more than it may show, to know whether there is another page.
pub(crate) struct Filling {
    limit: usize,
    items: Vec<Json>,
    last: Option<Key>,
    more: bool,
}

impl Filling {
    pub(crate) fn new(page: &Page) -> Self {
        Self { limit: page.limit, items: Vec::new(), last: None, more: false }
    }

    /// Takes an item; false once the page is full.
    pub(crate) fn push(&mut self, key: &Key, item: impl FnOnce() -> Json) -> bool {
        if self.items.len() == self.limit {
            self.more = true;
            return false;
        }
        self.items.push(item());
        self.last = Some(key.clone());
        true
    }

    /// `{items, nextCursor?}`.
    pub(crate) fn finish(self) -> Json {
        let mut out = Map::new();
        out.insert("items".into(), Json::Array(self.items));
        if let Some(last) = self.last.filter(|_| self.more) {
            out.insert("nextCursor".into(), json!(encode(&last)));
        }
        Json::Object(out)
    }
}

fn encode(key: &Key) -> String {
    key.as_str().bytes().fold(String::new(), |mut text, byte| {
        // writing to a text cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode(cursor: &str) -> Option<Key> {
    let digits = cursor.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    Key::new(std::str::from_utf8(&bytes?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_others_are_refused() {
        for text in ["a", "ünï/ x"] {
            let key = Key::new(text).unwrap();
            assert_eq!(decode(&encode(&key)), Some(key));
        }
        for text in ["", "a", "zz", "ff", "é", "+1"] {
            assert!(Page::new(None, Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_full_page_says_where_to_go_on() {
        let page = Page::new(Some(2), None).unwrap();
        let mut filling = Filling::new(&page);
        let keys = ["a", "b", "c"].map(|text| Key::new(text).unwrap());
        assert_eq!(keys.iter().filter(|key| filling.push(key, || json!(key))).count(), 2);
        assert_eq!(filling.finish(), json!({"items": ["a", "b"], "nextCursor": "62"}));
    }
}
