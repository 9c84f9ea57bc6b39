//! What a connection is told of its requests: those of callers that are known are worth more than others.

use std::{fmt, sync::Arc};

use http::Extensions;

use crate::error::ApiError;

/// A request, as its connection knows it.
pub trait Asking: Send + Sync {
    /// It is known who asks. False where the connection ends already: the request must not change anything.
    fn admit(&self) -> bool;
}

/// Stands in a request's extensions, where its connection wants to be told.
#[derive(Clone)]
pub struct Admission(Arc<dyn Asking>);

impl Admission {
    /// For one request.
    pub fn new(asking: Arc<dyn Asking>) -> Self {
        Self(asking)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// Tells the connection that it is known who asks.
pub(super) fn admitted(extensions: &Extensions) -> Result<(), ApiError> {
    let goes_on = extensions.get::<Admission>().is_none_or(|admission| admission.0.admit());
    // nobody is left to read it
    if goes_on { Ok(()) } else { Err(ApiError::NotReady(vec!["connection".into()])) }
}
