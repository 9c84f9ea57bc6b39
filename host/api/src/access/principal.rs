//! Who asks, and what that allows.

use std::sync::Arc;

use burgee_model::{Key, TokenId, TokenKind};

/// What a principal is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anybody: the node has no login.
    Anybody,
    /// Whoever has the node's own key to everything.
    NodeAdmin,
    /// Whoever has a token.
    Token(TokenId),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) who: Who,
    pub(crate) kind: TokenKind,
    /// The tenant that it is bound to; none is bound to none.
    pub(crate) tenant: Option<Key>,
    /// The environments that it is bound to; empty is bound to none.
    pub(crate) environments: Box<[Key]>,
    /// How its changes are signed.
    pub(crate) actor: Arc<str>,
}

impl Principal {
    /// One that may do everything.
    pub(crate) fn root(who: Who, actor: &str) -> Self {
        Self { who, kind: TokenKind::Admin, tenant: None, environments: Box::default(), actor: actor.into() }
    }

    /// Whether it is bound to no tenant: what all tenants do together is for nobody else to see.
    pub(crate) fn is_root(&self) -> bool {
        self.tenant.is_none()
    }

    /// Whether it may ask about a tenant at all.
    pub(crate) fn enters(&self, tenant: &Key) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Whether it may ask about an environment of a tenant that it enters.
    pub(crate) fn sees(&self, environment: &Key) -> bool {
        self.environments.is_empty() || self.environments.contains(environment)
    }

    /// The one environment that it names, with its tenant.
    pub(crate) fn place(&self) -> Option<(&Key, &Key)> {
        match (&self.tenant, &*self.environments) {
            (Some(tenant), [environment]) => Some((tenant, environment)),
            _ => None,
        }
    }
}
