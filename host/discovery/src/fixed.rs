//! `static`: the endpoints that the node was started with.

use std::{collections::BTreeSet, future};

use crate::provider::{Failure, Provider};

/// Says once what it was given.
#[derive(Debug)]
pub(crate) struct Fixed {
    endpoints: Option<BTreeSet<String>>,
}

impl Fixed {
    pub(crate) fn new(endpoints: &[String]) -> Self {
        Self { endpoints: Some(endpoints.iter().cloned().collect()) }
    }
}

impl Provider for Fixed {
    async fn next(&mut self) -> Result<BTreeSet<String>, Failure> {
        match self.endpoints.take() {
            Some(endpoints) => Ok(endpoints),
            None => future::pending().await,
        }
    }
}
