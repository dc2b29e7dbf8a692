//! The two moments at which lockfile and journal meet: before a run, and after it.
//!
//! The order after a run is: lockfile, end of run, journal put away. A cut between any two of them is a journal that
//! is folded again into a lockfile that has it all.

use jiff::Timestamp;

use super::{ArchiveError, FileJournal, JournalReadError, Paths, lockfile};
use crate::port::{Journal, JournalError};
use crate::state::{Folded, IllegalRecord, JournalState, Lockfile, Record};

/// What a lab's files say.
#[derive(Debug)]
pub struct Loaded {
    /// The lockfile as it is on disk.
    pub lockfile: Option<Lockfile>,
    /// The lockfile with what the journal knows beyond it; a run goes on from here.
    pub state: JournalState,
}

/// A lab's files could not be read together.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The lockfile is wrong.
    #[error(transparent)]
    Lockfile(#[from] lockfile::ReadError),
    /// The journal is wrong.
    #[error(transparent)]
    Journal(#[from] JournalReadError),
    /// The two do not fit together.
    #[error("fold the journal {journal} into the lockfile")]
    Fold {
        /// The journal.
        journal: String,
        /// Why.
        #[source]
        source: IllegalRecord,
    },
}

/// What a run has done could not be written down. The journal still knows it.
#[derive(Debug, thiserror::Error)]
pub enum ConcludeError {
    /// The lockfile on disk could not be looked at.
    #[error(transparent)]
    Look(#[from] lockfile::ReadError),
    /// The lockfile could not be written.
    #[error(transparent)]
    Lockfile(#[from] lockfile::WriteError),
    /// The end of the run could not be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal could not be put away.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Reads a lab's files without changing anything and without the guard: for commands that only look.
pub fn load(paths: &Paths) -> Result<Loaded, LoadError> {
    let records = FileJournal::read(&paths.journal)?;
    join(paths, lockfile::read(&paths.lockfile)?, &records)
}

/// Reads a lab's files and opens the journal for a run. Only with the guard, and after [`Paths::prepare`].
pub fn load_for_run(paths: &Paths) -> Result<(Loaded, FileJournal), LoadError> {
    let (journal, records) = FileJournal::open(&paths.journal)?;
    let lockfile = lockfile::read(&paths.lockfile)?;
    Ok((join(paths, lockfile, &records)?, journal))
}

pub(super) fn join(
    paths: &Paths,
    lockfile: Option<Lockfile>,
    records: &[Record],
) -> Result<Loaded, LoadError> {
    let state =
        JournalState::recover(lockfile.clone(), records).map_err(|source| LoadError::Fold {
            journal: paths.journal.display().to_string(),
            source,
        })?;
    Ok(Loaded { lockfile, state })
}

/// Writes down what is known after a run and returns the lockfile that is on disk now.
///
/// A lockfile that would say the same again is not written. A journal with suspects stays: the next run settles them.
pub fn conclude(
    paths: &Paths,
    mut journal: FileJournal,
    folded: &Folded,
    at: Timestamp,
) -> Result<Option<Lockfile>, ConcludeError> {
    let (Some(known), Some(run)) = (&folded.lockfile, &folded.run) else {
        return Ok(folded.lockfile.clone());
    };
    let before = match lockfile::read(&paths.lockfile) {
        // A lockfile that became unusable under the run is replaced like any other; it is kept among the previous.
        Err(lockfile::ReadError::Problem { .. } | lockfile::ReadError::NotText { .. }) => None,
        result => result?,
    };
    let now = match before {
        Some(before) if before == *known => before,
        _ => {
            let next = known.clone().next();
            lockfile::write(&paths.lockfile, &paths.previous, &next)?;
            next
        }
    };
    if !folded.ended {
        let run = run.clone();
        journal.append(&[Record::Ended { run, at }])?;
    }
    if folded.is_settled() {
        journal.archive(&paths.runs, run)?;
    }
    Ok(Some(now))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::state::{Effect, samples};

    struct Lab {
        _dir: tempfile::TempDir,
        paths: Paths,
    }

    fn lab() -> Lab {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let paths = Paths::new(&dir.path().join("lab.toml"), None, false);
        paths.prepare().expect("the folder can be made");
        Lab { _dir: dir, paths }
    }

    /// Runs `records` against the lab's files as the engine does, without the end.
    fn run(paths: &Paths, records: &[Record]) -> (FileJournal, Folded) {
        let (loaded, mut journal) = load_for_run(paths).expect("the files fit together");
        let mut state = loaded.state;
        for record in records {
            state.apply(record).expect("it is legal");
        }
        journal.append(records).expect("it can be written");
        (journal, state.into_folded())
    }

    fn making(name: &str, serial: u64, id: &str) -> Vec<Record> {
        let resource = samples::full().resources.pop_first().expect("there is one");
        let (address, recorded) = resource;
        let recorded = crate::state::Recorded {
            id: crate::model::CloudId::new(id),
            ..recorded
        };
        let made = Effect::Made {
            resources: vec![(address, recorded)],
        };
        vec![
            samples::begun(name, serial),
            Record::Intent(samples::intent(1, "node.sim")),
            Record::Effect {
                seq: 1,
                effect: made,
            },
        ]
    }

    #[test]
    fn after_a_run_the_lockfile_knows_all_and_the_journal_is_gone() {
        let lab = lab();
        let paths = &lab.paths;
        let (journal, folded) = run(paths, &making("r1", 0, "i-1"));
        let written = conclude(paths, journal, &folded, samples::at(9)).expect("it is written");
        assert_eq!(
            written.as_ref().map(|l| (l.serial, l.resources.len())),
            Some((1, 1))
        );
        assert!(!paths.journal.exists());
        assert!(paths.runs.join("r1.jsonl").exists());
        let loaded = load(paths).expect("the files fit together");
        assert_eq!(loaded.lockfile, written);
        assert_eq!(loaded.state.folded().lockfile, written);

        // A run that changes nothing leaves the file alone.
        let text = fs::read(&paths.lockfile).expect("it is there");
        let (journal, folded) = run(paths, &[samples::begun("r2", 1)]);
        conclude(paths, journal, &folded, samples::at(9)).expect("it is written");
        assert_eq!(fs::read(&paths.lockfile).expect("it is there"), text);
    }

    #[test]
    fn suspects_keep_the_journal() {
        let lab = lab();
        let paths = &lab.paths;
        let mut records = making("r1", 0, "i-1");
        records.push(Record::Intent(samples::intent(2, "node.sim")));
        let (journal, folded) = run(paths, &records);
        conclude(paths, journal, &folded, samples::at(9)).expect("it is written");
        let loaded = load(paths).expect("the files fit together");
        assert_eq!(loaded.state.folded().open.len(), 1);
        assert!(loaded.state.folded().ended);
        assert_eq!(loaded.state.folded().lockfile, loaded.lockfile);

        let cleared = Record::Effect {
            seq: 2,
            effect: Effect::Cleared,
        };
        let (journal, folded) = run(paths, &[samples::begun("r2", 1), cleared]);
        conclude(paths, journal, &folded, samples::at(9)).expect("it is written");
        assert!(!paths.journal.exists());
        assert_eq!(load(paths).expect("they fit").lockfile, loaded.lockfile);
    }

    #[test]
    fn a_cut_between_any_two_steps_of_the_end_loses_nothing() {
        for cut in 0..3 {
            let lab = lab();
            let paths = &lab.paths;
            let (mut journal, folded) = run(paths, &making("r1", 0, "i-1"));
            let next = folded.lockfile.clone().expect("a run began").next();
            if cut > 0 {
                lockfile::write(&paths.lockfile, &paths.previous, &next).expect("it is written");
            }
            if cut > 1 {
                let run = crate::model::RunId::new("r1");
                let end = Record::Ended {
                    run,
                    at: samples::at(9),
                };
                journal.append(&[end]).expect("it is written");
            }
            drop(journal);
            let loaded = load(paths).expect("the files fit together");
            let resources = loaded.state.into_folded().lockfile.map(|l| l.resources);
            assert_eq!(resources.as_ref(), Some(&next.resources), "{cut}");
        }
    }

    #[test]
    fn a_journal_of_another_lab_is_refused() {
        let lab = lab();
        let paths = &lab.paths;
        let mut other = samples::lockfile();
        other.lab.id = crate::model::LabId::new("other");
        lockfile::write(&paths.lockfile, &paths.previous, &other).expect("it is written");
        let (mut journal, _) = FileJournal::open(&paths.journal).expect("it can be created");
        journal
            .append(&making("r1", 0, "i-1"))
            .expect("it is written");
        let error = load(paths).expect_err("they do not fit");
        assert!(matches!(error, LoadError::Fold { .. }), "{error}");
    }
}
