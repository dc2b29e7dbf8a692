//! What survives a crash: lockfile and journal as the bytes that reached the disk.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use roboinfra::port::{Journal, JournalError};
use roboinfra::state::{
    Check, Folded, JournalState, Lockfile, Record, append_line, decode, encode, read_lines,
};

use super::chaos::Fate;

/// The files beside a profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub(crate) lockfile: Option<String>,
    pub(crate) journal: Vec<u8>,
    /// Earlier lockfiles, as someone may have committed them.
    pub(crate) previous: Vec<String>,
    /// Every record that ever became durable, with what was put away.
    pub(crate) history: Vec<Record>,
    /// How many records the journal held when it was opened, and those written since.
    records_before: usize,
}

impl Files {
    pub(crate) fn lock(&self) -> Option<Lockfile> {
        self.lockfile
            .as_deref()
            .map(|text| decode(text).expect("a lockfile that was written can be read"))
    }

    /// Lockfile and journal together, without changing anything.
    pub(crate) fn folded(&self) -> Folded {
        let text = read_lines(&self.journal).expect("the journal can be read");
        JournalState::recover(self.lock(), &text.records)
            .expect("the journal folds")
            .into_folded()
    }

    /// Opens the journal for a run: a torn end is cut off.
    pub(crate) fn open(&mut self, fate: &Arc<Fate>) -> Ledger<'_> {
        let text = read_lines(&self.journal).expect("the journal can be read");
        self.journal.truncate(text.length);
        self.records_before = text.records.len();
        let state = JournalState::recover(self.lock(), &text.records).expect("the journal folds");
        Ledger {
            files: self,
            fate: Arc::clone(fate),
            state,
            check: text.check,
            broken: false,
        }
    }
}

/// A journal under way, as the command keeps it: first in thought, then on disk.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    files: &'a mut Files,
    fate: Arc<Fate>,
    state: JournalState,
    check: Check,
    /// An earlier write left the file in a state that nobody knows.
    broken: bool,
}

fn failed(what: &str) -> JournalError {
    JournalError {
        path: "simulated".to_owned(),
        source: io::Error::other(what.to_owned()),
    }
}

impl Journal for Ledger<'_> {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        if self.broken {
            return Err(failed("broken"));
        }
        for record in records {
            self.state
                .apply(record)
                .unwrap_or_else(|error| panic!("{error}: {record:?}"));
        }
        if !self.fate.passes() {
            return Err(failed("dead"));
        }
        let (mut check, mut text) = (self.check.clone(), String::new());
        for record in records {
            append_line(&mut check, record, &mut text);
        }
        let full = !self.fate.has_room();
        if full || !self.fate.passes() {
            // What a power cut or a full disk leaves of a write: any part of it from its beginning.
            let torn = &text.as_bytes()[..self.fate.torn(text.len())];
            self.files.journal.extend_from_slice(torn);
            let whole = read_lines(&self.files.journal).map_or(0, |text| text.records.len());
            let before = self.files.records_before;
            self.files
                .history
                .extend_from_slice(&records[..whole.saturating_sub(before).min(records.len())]);
            self.broken = true;
            return Err(failed("cut"));
        }
        self.files.journal.extend_from_slice(text.as_bytes());
        self.files.history.extend_from_slice(records);
        self.files.records_before += records.len();
        self.check = check;
        if self.fate.passes() {
            Ok(())
        } else {
            Err(failed("dead"))
        }
    }
}

impl Ledger<'_> {
    /// What is known now.
    pub(crate) fn folded(&self) -> &Folded {
        self.state.folded()
    }

    /// Writes the lockfile, then the end of the run, then puts the journal away.
    pub(crate) fn conclude(mut self, at: Timestamp) -> Result<Option<Lockfile>, JournalError> {
        let folded = self.folded().clone();
        let (Some(known), Some(run)) = (&folded.lockfile, &folded.run) else {
            return Ok(folded.lockfile);
        };
        let now = match self.files.lock() {
            Some(before) if before == *known => before,
            before => {
                if !self.fate.passes() || !self.fate.has_room() {
                    return Err(failed("the lockfile cannot be written"));
                }
                let next = known.clone().next();
                if before.is_some() {
                    self.files.previous.extend(self.files.lockfile.take());
                }
                self.files.lockfile = Some(encode(&next));
                next
            }
        };
        if !folded.ended {
            let run = run.clone();
            self.append(&[Record::Ended { run, at }])?;
        }
        if folded.is_settled() && self.fate.passes() {
            self.files.journal.clear();
            self.files.records_before = 0;
        }
        Ok(Some(now))
    }
}
