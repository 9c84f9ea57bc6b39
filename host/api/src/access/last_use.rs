//! When tokens were last used: each node knows that of itself, and asks the others when somebody wants to know.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Millis, TokenId};

use super::Access;
use crate::{http::Api, state::NodeStatus};

/// When tokens were last used, over the nodes that answered.
#[derive(Debug, Default)]
pub(crate) struct LastUses(BTreeMap<TokenId, Millis>);

impl LastUses {
    /// That of one token. No later than now, whatever another node says.
    pub(crate) fn of(&self, token: TokenId, now: Millis) -> Option<Millis> {
        self.0.get(&token).map(|used| now.min(*used))
    }
}

/// Has other nodes told, when they ask, what this one knows.
pub(crate) fn tell(access: &Arc<Access>, status: &dyn NodeStatus) {
    let access = Arc::downgrade(access);
    status.tell_uses(Box::new(move |tokens| access.upgrade().map(|access| access.uses(tokens)).unwrap_or_default()));
}

/// Asks all live nodes, this one included; waits for the others, but not for long.
pub(crate) async fn of_all(api: &Api, tokens: Vec<TokenId>) -> LastUses {
    let mut latest: BTreeMap<TokenId, Millis> = api.access.uses(&tokens).into_iter().collect();
    for (token, used) in api.status.uses_elsewhere(tokens).await {
        let known = latest.entry(token).or_default();
        *known = used.max(*known);
    }
    LastUses(latest)
}

impl Access {
    /// When this node last heard of tokens; those that it did not hear of are left out.
    fn uses(&self, tokens: &[TokenId]) -> Vec<(TokenId, Millis)> {
        let now = self.directory.now();
        tokens.iter().filter_map(|token| Some((*token, self.last_used(*token, now)?))).collect()
    }
}
