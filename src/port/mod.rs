//! The traits the engine needs from the outside world: cloud, clock, who-am-I.
//!
//! Owns: the contracts. Does not own: any implementation; those live in `aws`, `sandbox`, `store` and `cli`.

mod clock;

pub use clock::{Clock, TestClock, TokioClock};
