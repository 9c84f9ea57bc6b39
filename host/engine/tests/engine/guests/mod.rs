//! Guests: what they are told and answer, and that the bad ones harm nobody.

mod answers;
mod bulk;
mod faults;
mod modules;
mod prerequisites;
mod sharing;
mod support;
mod wat;
