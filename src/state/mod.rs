//! The lockfile and the journal as values: what was recorded, and how it folds.
//!
//! Owns: formats, their versions, the codec and the fold. Does not own: files (`store`).

mod lockfile;
mod record;

pub use lockfile::{LabEntry, Lockfile, Pins, Recorded};
pub use record::{Effect, Intent, Record};
