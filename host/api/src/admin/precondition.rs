//! Conditional requests: what `If-Match` and `If-None-Match` ask of the current state.

use super::{Refusal, tag};

/// Entity tags of a condition, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any state that exists.
    Any,
    /// One of these.
    Of(Vec<String>),
}

impl Tags {
    fn hold(&self, current: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|wanted| tag::content(wanted) == tag::content(current)),
        }
    }
}

/// The conditions under which a write applies. They are checked where the write is planned, so that
/// nothing can come between check and write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The state must bear one of these tags.
    pub if_match: Option<Tags>,
    /// The state must bear none of these tags.
    pub if_none_match: Option<Tags>,
}

impl Preconditions {
    /// Checks the tag of the current state, `None` where there is none.
    pub fn check(&self, current: Option<&str>) -> Result<(), Refusal> {
        let matches = self.if_match.as_ref().is_none_or(|tags| current.is_some_and(|c| tags.hold(c)));
        let clashes = self.if_none_match.as_ref().is_some_and(|tags| current.is_some_and(|c| tags.hold(c)));
        if matches && !clashes { Ok(()) } else { Err(Refusal::Stale(current.map(str::to_owned))) }
    }

    /// Checks against a state that exists and bears no tag.
    pub fn check_untagged(&self) -> Result<(), Refusal> {
        let matches = !matches!(self.if_match, Some(Tags::Of(_)));
        let clashes = matches!(self.if_none_match, Some(Tags::Any));
        if matches && !clashes { Ok(()) } else { Err(Refusal::Stale(None)) }
    }

    /// Whether they say what the request was made from: a state, or that there was none.
    #[must_use]
    pub fn say_what_stood(&self) -> bool {
        self.if_match.is_some() || matches!(self.if_none_match, Some(Tags::Any))
    }

    /// Whether any condition is set, so that the current tag is needed at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[&str]) -> Option<Tags> {
        Some(Tags::Of(tags.iter().map(|t| (*t).to_owned()).collect()))
    }

    #[test]
    fn create_only_and_update_only() {
        let create = Preconditions { if_none_match: Some(Tags::Any), ..Default::default() };
        let update = Preconditions { if_match: Some(Tags::Any), ..Default::default() };
        assert!(create.check(None).is_ok() && create.check(Some("a")).is_err());
        assert!(update.check(Some("a")).is_ok() && update.check(None).is_err());
    }

    #[test]
    fn one_of_several_tags_is_enough() {
        let condition = Preconditions { if_match: of(&["a", "b"]), ..Default::default() };
        assert!(condition.check(Some("b")).is_ok());
        assert_eq!(condition.check(Some("c")), Err(Refusal::Stale(Some("c".into()))));
    }

    #[test]
    fn what_bears_no_tag_exists_all_the_same() {
        let asks = |if_match, if_none_match| Preconditions { if_match, if_none_match }.check_untagged().is_ok();
        assert!(asks(Some(Tags::Any), None) && asks(None, of(&["a"])) && asks(None, None));
        assert!(!asks(of(&["a"]), None) && !asks(None, Some(Tags::Any)));
    }

    #[test]
    fn what_only_the_view_adds_to_a_tag_is_no_condition() {
        let condition = Preconditions { if_match: of(&["a.p1"]), ..Default::default() };
        assert!(condition.check(Some("a")).is_ok());
    }
}
