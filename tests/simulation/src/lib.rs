//! Whole clusters in virtual time, from one seed.
//!
//! The protocol core, tables, clocks and stamping are the product's own. What surrounds them there (sockets,
//! disks, wall clocks, threads) is modelled here, each in a file of its own, and does what it may do at its
//! worst. All that happens follows from a seed: a run that fails is replayed by it.
//!
//! - [`world`] is a cluster: machines, the network between them, and the queue of what happens when.
//! - [`workload`] and [`faults`] are what people and misfortune do to it.
//! - [`oracle`] knows all that was ever written and acknowledged; [`invariants`] compare the nodes with it.
//! - [`run`] is one run from beginning to end.

pub mod clock;
pub mod disk;
pub mod faults;
pub mod invariants;
pub mod network;
pub mod node;
pub mod oracle;
pub mod plan;
pub mod rng;
pub mod run;
pub mod schedule;
pub mod trace;
pub mod workload;
pub mod world;

pub use plan::Plan;
pub use run::{Report, run};
pub use world::World;
