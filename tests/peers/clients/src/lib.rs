//! A node, and the SDK's answers as JSON, so that both can be compared.

mod answer;
mod node;

pub use answer::{Answer, answer, context};
pub use node::{Node, until};
