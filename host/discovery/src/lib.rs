//! Discovery: at which endpoints other nodes may be found, and where no longer.
//!
//! A [`Provider`] asks one directory (names of DNS, a subject of NATS, the pods of Kubernetes) and says whom it finds,
//! each time that this changes. [`Discovery`] runs those that are configured side by side, begins again after a fault,
//! ever more slowly, and puts together what they find. Who belongs to the cluster, and who is reached, is not decided
//! here: an endpoint is a place to dial, and whoever is there proves who it is.
//!
//! A provider that finds nobody at all has failed: a node finds at least itself, so nothing is more likely than a wrong
//! name or an empty zone. After any failure what was found last stays.
//!
//! - `backoff` paces what is tried again, `board` holds what was found and what failed, `runner` runs providers.
//! - `fixed`, `dns`, `nats` and `kubernetes` are the providers.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backoff;
mod board;
pub mod config;
mod dns;
mod fixed;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "nats")]
mod nats;
mod provider;
mod runner;

pub use board::ProviderStatus;
pub use config::{ConfigError, DiscoveryConfig, ProviderConfig, Scheme};
pub use provider::{Failure, Provider};
pub use runner::{Discovery, DiscoveryView};
