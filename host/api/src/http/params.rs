//! The keys of paths as handlers take them, refused with our own documents.

use axum::{
    extract::{FromRequestParts, Path, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::{admin::Refusal, error::ApiError};

/// The keys of a path. A text that is no key is refused as a value, one that is not UTF-8 as a path.
pub(crate) struct Keys<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Keys<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(keys) = Path::<T>::from_request_parts(parts, state).await.map_err(refuse)?;
        Ok(Self(keys))
    }
}

fn refuse(rejection: PathRejection) -> ApiError {
    use axum::extract::path::ErrorKind;
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return ApiError::Internal(rejection.to_string());
    };
    match failed.into_kind() {
        ErrorKind::InvalidUtf8InPathParam { key } => {
            ApiError::InvalidPath(format!("`{key}` in the path is not UTF-8 once decoded"))
        }
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => {
            Refusal::invalid("", "invalid_key", message).into()
        }
        other => ApiError::InvalidPath(other.to_string()),
    }
}
