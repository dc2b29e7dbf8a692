//! The traits the engine needs from the outside world: cloud, hosts, clock, journal, who-am-I; shared objects for the state.
//!
//! Owns: the contracts. Does not own: any implementation but the two clocks; those live in `aws`, `sandbox`,
//! `store` and `cli`.

mod clock;
mod cloud;
mod host;
mod journal;
mod objects;
mod parameters;

pub use clock::{Clock, TestClock, TokioClock};
pub use cloud::{Cloud, Scope, Watched, WhoAmI};
pub use host::{Flow, HostError, HostErrorKind, HostLink, HostTarget, Hosts, Taken};
pub use journal::{Journal, JournalError};
pub use objects::{Expect, Look, Object, ObjectStore, ObjectTag, Written};
pub use parameters::Parameters;
