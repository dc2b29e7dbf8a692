//! What happens during a run, as values: the engine tells, the displays fold.
//!
//! Owns: the event vocabulary and its tally. Does not own: showing it (`ui`).

mod host;
mod types;

pub use host::{HostEvent, HostNews};
pub use types::{Event, Outline, RunEnd};
