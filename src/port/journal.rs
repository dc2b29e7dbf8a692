//! Where the engine writes what it is about to do.

use std::fmt;

use crate::state::Record;

/// The journal could not be written: nothing more may be done.
#[derive(Debug, thiserror::Error)]
#[error("the journal {path} could not be written")]
pub struct JournalError {
    /// The journal's path, as shown to the user.
    pub path: String,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// An append-only, durable list of records.
pub trait Journal: Send + fmt::Debug {
    /// Appends `records` in order and returns once they are safe: one write, one sync.
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError>;
}
