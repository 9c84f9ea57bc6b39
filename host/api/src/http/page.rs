//! Pages of lists: a limit, and an opaque cursor that names the last item.

use burgee_model::{Address, Key, hex};
use serde_json::{Map, Value as Json, json};
use utoipa::IntoParams;

use super::query::{FromQuery, Query};
use crate::admin::{PAGE_ITEMS_MAX, Refusal, history};

const LIMIT: usize = 100;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Option<usize>,
    /// `nextCursor` of the page before.
    pub(crate) cursor: Option<String>,
}

impl FromQuery for PageParams {
    fn take(query: &mut Query) -> Self {
        Self { limit: take_limit(query), cursor: query.text("cursor") }
    }
}

/// Takes the most items of a page.
pub(crate) fn take_limit(query: &mut Query) -> Option<usize> {
    let wrong = || format!("`limit` is a whole number from 1 to {PAGE_ITEMS_MAX}");
    query.read("limit", |text| text.parse().ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit)).ok_or_else(wrong))
}

/// What names an item in its list.
pub(crate) trait Place: Sized {
    fn text(&self) -> String;
    fn parse(text: &str) -> Option<Self>;
}

impl Place for Key {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

impl Place for Address {
    fn text(&self) -> String {
        json!(self).to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Place for history::Place {
    fn text(&self) -> String {
        format!("{} {}", self.0, self.1.text())
    }

    fn parse(text: &str) -> Option<Self> {
        let (stamp, address) = text.split_once(' ')?;
        Some((stamp.parse().ok()?, Address::parse(address)?))
    }
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<P = Key> {
    pub(crate) limit: usize,
    pub(crate) after: Option<P>,
}

impl<P: Place> Page<P> {
    pub(crate) fn new(limit: Option<usize>, cursor: Option<&str>) -> Result<Self, Refusal> {
        let unknown = || Refusal::invalid("/cursor", "invalid_parameter", "`cursor` is not one that this list gave");
        let after = cursor.map(|text| decode(text).ok_or_else(unknown)).transpose()?;
        Ok(Self { limit: limit.unwrap_or(LIMIT), after })
    }
}

impl<P: Place> TryFrom<PageParams> for Page<P> {
    type Error = Refusal;
    fn try_from(params: PageParams) -> Result<Self, Refusal> {
        Self::new(params.limit, params.cursor.as_deref())
    }
}

/// One page while it is filled: it takes one item more than it may show, to know whether there is another page.
pub(crate) struct Filling<P = Key> {
    limit: usize,
    items: Vec<Json>,
    last: Option<P>,
    more: bool,
}

impl<P: Place + Clone> Filling<P> {
    pub(crate) fn new(page: &Page<P>) -> Self {
        Self { limit: page.limit, items: Vec::new(), last: None, more: false }
    }

    /// Takes an item; false once the page is full.
    pub(crate) fn push(&mut self, place: &P, item: impl FnOnce() -> Json) -> bool {
        if self.items.len() == self.limit {
            self.more = true;
            return false;
        }
        self.items.push(item());
        self.last = Some(place.clone());
        true
    }

    /// Whether there is more than fits.
    pub(crate) fn has_more(&self) -> bool {
        self.more
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

fn encode(place: &impl Place) -> String {
    hex::encode(place.text().as_bytes())
}

fn decode<P: Place>(cursor: &str) -> Option<P> {
    P::parse(&String::from_utf8(hex::decode(cursor)?).ok()?)
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
            assert!(Page::<Key>::new(None, Some(text)).is_err(), "{text}");
        }
        let address = Address::Environment { environment: Key::new("ünï").unwrap() };
        let place = (burgee_model::Stamp::ZERO, address);
        assert_eq!(decode(&encode(&place)), Some(place));
        assert!(Page::<history::Place>::new(None, Some("62")).is_err());
    }

    #[test]
    fn a_full_page_says_where_to_go_on() {
        let page = Page::<Key>::new(Some(2), None).unwrap();
        let mut filling = Filling::new(&page);
        let keys = ["a", "b", "c"].map(|text| Key::new(text).unwrap());
        assert_eq!(keys.iter().filter(|key| filling.push(key, || json!(key))).count(), 2);
        assert_eq!(filling.finish(), json!({"items": ["a", "b"], "nextCursor": "62"}));
    }
}
