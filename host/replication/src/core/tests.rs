//! Cores among themselves, in virtual time; what they say goes through the codec.

mod clocks;
mod collection;
mod copies;
mod discovery;
mod enrolment;
mod hints;
mod joining;
mod meeting;
mod newer;
mod traffic;
mod walks;
mod world;
