//! The shapes of documents, for the API's description alone: requests are read member by member, so that
//! every fault can be named, and answers are put together from registers.
#![allow(dead_code, reason = "described, never built")]

mod config;
mod documents;
mod flags;
mod guests;
mod history;
mod manifest;
mod ofrep;
mod rollouts;
mod segments;
mod tenants;
mod tokens;

use std::collections::BTreeMap;

pub(crate) use self::{
    config::*, documents::*, flags::*, guests::*, history::*, manifest::*, ofrep::*, rollouts::*, segments::*,
    tenants::*, tokens::*,
};

/// Stamps by the path of the field in the document, e.g. `environments/prod/state`.
pub(crate) type Stamps = BTreeMap<String, String>;
