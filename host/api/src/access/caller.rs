//! Who asks this time, and for how long that holds.

use std::sync::Arc;

use burgee_model::Millis;

use super::{
    Access,
    directory::Known,
    principal::{Principal, Who},
    usage::Usage,
};

/// Who asks this time.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(super) usage: Arc<Usage>,
    /// From when on it is nobody any more: the end of its token or of its session.
    pub(crate) until: Option<Millis>,
    /// What the writes of its session have to show; none where it shows its token itself.
    pub(crate) csrf_token: Option<Arc<str>>,
}

impl Caller {
    pub(super) fn new(principal: Principal, usage: Arc<Usage>) -> Self {
        Self { principal: Arc::new(principal), usage, until: None, csrf_token: None }
    }

    pub(super) fn of(known: &Known) -> Self {
        let (principal, usage) = (known.principal.clone(), known.usage.clone());
        Self { principal, usage, until: known.expires_at, csrf_token: None }
    }

    pub(super) fn in_session(self, until: Millis, csrf_token: String) -> Self {
        let until = Some(self.until.map_or(until, |own| own.min(until)));
        Self { until, csrf_token: Some(csrf_token.into()), ..self }
    }

    /// Whether it is still somebody.
    pub(super) fn stands(&self, access: &Access, now: Millis) -> bool {
        let known = match self.principal.who {
            Who::Token(id) => access.directory.by_id(id, now).is_some(),
            Who::Anybody | Who::NodeAdmin => true,
        };
        known && self.until.is_none_or(|until| now < until)
    }

    /// Whether nothing can end it while the node runs.
    pub(super) fn is_lasting(&self) -> bool {
        self.until.is_none() && !matches!(self.principal.who, Who::Token(_))
    }
}
