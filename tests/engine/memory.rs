//! A journal in memory that can be cut.
#![expect(clippy::ref_option, reason = "the caller has an Option and lends it")]

use std::io;

use jiff::Timestamp;
use roboinfra::model::RunId;
use roboinfra::port::{Journal, JournalError};
use roboinfra::state::{Folded, JournalState, Lockfile, Record};

/// When a journal fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before this record is safe, counted from 0: what it tells of may have happened.
    Before(usize),
    /// After this record is safe, counted from 0: what it announces has not happened.
    After(usize),
}

/// The records, all durable.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) records: Vec<Record>,
    /// When it fails next.
    pub(crate) cut: Option<Cut>,
}

impl Memory {
    /// Appends without failing.
    pub(crate) fn write(&mut self, records: &[Record]) {
        self.records.extend_from_slice(records);
    }

    /// What lockfile and journal say together; illegal records fail the test.
    pub(crate) fn folded(&self, lockfile: &Option<Lockfile>) -> Folded {
        JournalState::recover(lockfile.clone(), &self.records)
            .expect("a legal journal")
            .into_folded()
    }

    /// The end of a run: the lockfile is written, and the journal put away if it holds no suspects.
    pub(crate) fn conclude(
        &mut self,
        lockfile: &Option<Lockfile>,
        run: &RunId,
        at: Timestamp,
    ) -> Option<Lockfile> {
        let folded = self.folded(lockfile);
        self.write(&[Record::Ended {
            run: run.clone(),
            at,
        }]);
        if folded.is_settled() {
            self.records.clear();
        }
        folded.lockfile.map(Lockfile::next)
    }
}

impl Journal for Memory {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let room = match self.cut {
            None => usize::MAX,
            Some(Cut::Before(place)) => place.saturating_sub(self.records.len()),
            Some(Cut::After(place)) => (place + 1).saturating_sub(self.records.len()),
        };
        self.records.extend(records.iter().take(room).cloned());
        let fails = match self.cut {
            None => false,
            Some(Cut::Before(_)) => room < records.len(),
            Some(Cut::After(_)) => room <= records.len() && !records.is_empty(),
        };
        if fails {
            return Err(JournalError {
                path: "memory".to_owned(),
                source: io::Error::other("cut"),
            });
        }
        Ok(())
    }
}
