//! Any bytes as a request: reading only what is kept gives what reading everything gives, or the same kind of error.
#![no_main]

use std::sync::{Arc, LazyLock};

use burgee_model::{
    Context, Limits, Value,
    context::{ContextError, Kept, WireError},
    value::Once,
};
use libfuzzer_sys::fuzz_target;

#[derive(serde::Deserialize)]
struct Request {
    #[serde(default)]
    context: Once,
}

/// Names of one letter in the lower half of the alphabet, so that short inputs have both kinds.
static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let names: Vec<Arc<str>> = ('a'..'n').map(|letter| letter.to_string().into()).collect();
    Kept::of(&names)
});

fn kept(context: &Context) -> Vec<(Arc<str>, Value)> {
    let Value::Object(members) = context.root() else { return Vec::new() };
    members.iter().filter(|(name, _)| matches!(name.as_bytes(), [b'a'..b'n'])).cloned().collect()
}

/// The kinds of refusals; none for a syntax error.
type Refusal = Option<ContextError>;

fn by_tree(text: &[u8], limits: &Limits) -> Result<Context, Refusal> {
    let request: Request = serde_json::from_slice(text).map_err(|_| None)?;
    Context::new(request.context.0, limits).map_err(Some)
}

fn sparingly(text: &[u8], limits: &Limits) -> Result<Context, Refusal> {
    Context::from_request(text, &KEPT, limits).map_err(|error| match error {
        WireError::Syntax(_) => None,
        WireError::Refused(refused) => Some(refused),
    })
}

fuzz_target!(|text: &[u8]| {
    // a derived reader takes a list as the members in their order; requests that are none are refused before
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return;
    }
    let limits = Limits { context_attributes: 6, ..Limits::default() };
    let [tree, sparing] = [by_tree(text, &limits), sparingly(text, &limits)].map(|read| read.map(|read| kept(&read)));
    assert_eq!(tree, sparing);
});
