//! Contexts straight from the bytes of a request: only the attributes that somebody reads become values. The
//! others are checked and counted all the same, but nothing of them is kept.

use serde::de::{Error as _, Unexpected};

use super::{Context, ContextError, kept::Kept, reader::Reader};
use crate::{Limits, value::Once};

/// Why the body of a request gives no context.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is no JSON object; says line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// Its context is refused.
    #[error(transparent)]
    Refused(#[from] ContextError),
}

impl Context {
    /// Reads the member `context` of a JSON object, the body of a request; where it is missing or null, the
    /// context is empty. Attributes that are not kept are as if they were not there, in all requests but unusual ones.
    ///
    /// The length of the text, which bounds the work, is for the caller to check ([`Context::check_bytes`]).
    pub fn from_request(text: &[u8], kept: &Kept, limits: &Limits) -> Result<Self, WireError> {
        match Reader::new(kept, limits).request(text) {
            Some(members) => Ok(Self::of_object(members.finish())),
            // what is wrong, if anything is, a reader of everything can tell
            None => Self::whole(text, limits),
        }
    }

    /// As [`Self::from_request`], with all attributes.
    fn whole(text: &[u8], limits: &Limits) -> Result<Self, WireError> {
        #[derive(serde::Deserialize)]
        struct Request {
            #[serde(default)]
            context: Once,
        }
        if text.trim_ascii_start().starts_with(b"[") {
            // a derived reader would take it as the members in their order
            let error = serde_json::Error::invalid_type(Unexpected::Seq, &"an object with a context");
            return Err(error.into());
        }
        let request: Request = serde_json::from_slice(text).map_err(|error| told(error, limits))?;
        Ok(Self::new(request.context.0, limits)?)
    }
}

/// The reader of all JSON has a limit of its own, which it tells by its words alone.
fn told(error: serde_json::Error, limits: &Limits) -> WireError {
    let is_too_deep = error.to_string().starts_with("recursion limit");
    if is_too_deep { ContextError::TooDeep { max: limits.context_depth }.into() } else { error.into() }
}

#[cfg(test)]
mod tests;
