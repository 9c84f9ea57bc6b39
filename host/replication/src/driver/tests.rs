//! Whole nodes on a network in memory.

mod cluster;
mod faults;
mod identity;
mod joining;
mod sockets;
mod uses;
