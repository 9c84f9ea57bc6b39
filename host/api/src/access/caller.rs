//! Who asks this time, and for how long that holds.

use std::sync::Arc;

use burgee_model::{Millis, TokenId};

use super::{
    Access,
    directory::Known,
    principal::{Principal, Who},
    session::Session,
    usage::Usage,
};
use crate::http::budget::Holder;

/// Who asks this time.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(super) usage: Arc<Usage>,
    /// From when on it is nobody any more: the end of its token or of its session.
    pub(crate) until: Option<Millis>,
    /// Its session; none where it shows its token itself.
    pub(super) session: Option<TokenId>,
    /// What the writes of its session have to show.
    pub(crate) csrf_token: Option<Arc<str>>,
}

impl Caller {
    pub(super) fn new(principal: Principal, usage: Arc<Usage>) -> Self {
        Self { principal: Arc::new(principal), usage, until: None, session: None, csrf_token: None }
    }

    pub(super) fn of(known: &Known) -> Self {
        let (principal, usage) = (known.principal.clone(), known.usage.clone());
        Self { principal, usage, until: known.expires_at, session: None, csrf_token: None }
    }

    pub(super) fn in_session(self, session: &Session, csrf_token: String) -> Self {
        let until = Some(self.until.map_or(session.expires_at, |own| own.min(session.expires_at)));
        Self { until, session: Some(session.id), csrf_token: Some(csrf_token.into()), ..self }
    }

    /// Whether it is still somebody.
    pub(super) fn stands(&self, access: &Access, now: Millis) -> bool {
        let known = match self.principal.who {
            Who::Token(id) => access.directory.by_id(id, now).is_some(),
            Who::Anybody | Who::NodeAdmin => true,
        };
        let ended = self.session.is_some_and(|session| access.directory.has_ended(session));
        known && !ended && self.until.is_none_or(|until| now < until)
    }

    /// Who holds the memory of its requests: its tenant, and without one whoever it is itself.
    pub(crate) fn holder(&self, access: &Access) -> Holder {
        let tenant = self.principal.tenant.as_ref();
        let usage = tenant.map_or_else(|| self.usage.clone(), |tenant| access.tenant(tenant));
        let name = tenant.map_or_else(|| self.principal.actor.clone(), |tenant| tenant.as_str().into());
        Holder::new(usage, self.principal.kind.rank() == 0, name)
    }

    /// Whether it may be revoked elsewhere, and could do harm here until that is heard of.
    pub(super) fn may_be_revoked(&self) -> bool {
        self.principal.kind.rank() > 0 && matches!(self.principal.who, Who::Token(_))
    }
}
