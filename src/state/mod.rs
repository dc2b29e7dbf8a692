//! The lockfile and the journal as values: what was recorded, and how it folds.
//!
//! Owns: formats, their versions, the codecs and the fold. Does not own: files (`store`).

mod codec;
mod fold;
mod host;
mod journal_text;
mod lockfile;
mod record;
#[cfg(test)]
pub(crate) mod samples;

pub use codec::{FORMAT, LockfileProblem, decode, encode, format_of, serial_of};
pub use fold::{Begun, Folded, IllegalRecord, Illegality, JournalState, fold};
pub use host::{DoneStep, HostRecord, Standing};
pub use journal_text::{Check, JournalProblem, JournalText, append_line, read_lines};
pub use lockfile::{Difference, LabEntry, Lockfile, Mismatch, Pins, Recorded};
pub use record::{Effect, Intent, Record};
