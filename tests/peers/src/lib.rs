//! Parts of the benchmarks: the flags, the load, the CPU time of a process, the table.

pub mod cpu;
pub mod flags;
pub mod load;
pub mod server;
pub mod table;
