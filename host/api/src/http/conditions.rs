//! `If-Match` and `If-None-Match`.

use http::{HeaderMap, HeaderName, header};

use crate::admin::{Preconditions, precondition::Tags};

/// The conditions of a write.
pub(crate) fn preconditions(headers: &HeaderMap) -> Preconditions {
    Preconditions { if_match: tags(headers, &header::IF_MATCH), if_none_match: tags(headers, &header::IF_NONE_MATCH) }
}

/// Whether the client has this state already, so that 304 is enough. The tag is without quotes.
pub(crate) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    match tags(headers, &header::IF_NONE_MATCH) {
        Some(Tags::Any) => true,
        Some(Tags::Of(tags)) => tags.iter().any(|known| known == tag),
        None => false,
    }
}

/// All tags of a header, weak ones too: proxies that compress make them so.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).peekable();
    values.peek()?;
    let mut all = Vec::new();
    for part in values.flat_map(|value| value.split(',')).map(str::trim) {
        if part == "*" {
            return Some(Tags::Any);
        }
        let quoted = part.strip_prefix("W/").unwrap_or(part);
        all.push(quoted.trim_matches('"').to_owned());
    }
    Some(Tags::Of(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_weak_tags_and_stars() {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, r#""a", W/"b" ,"c""#.parse().unwrap())]);
        assert!(["a", "b", "c"].iter().all(|tag| has_already(&headers, tag)));
        assert!(!has_already(&headers, "d"));
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, "*".parse().unwrap())]);
        assert_eq!(preconditions(&headers).if_none_match, Some(Tags::Any));
        assert_eq!(preconditions(&HeaderMap::new()), Preconditions::default());
    }
}
