//! The copy of the shared lockfile in the lab's folder, and the journal that belongs to it.
//!
//! A journal only makes sense upon the lockfile that it began from. Where the shared lockfile is no longer the one
//! that this folder last saw, another machine has worked since, from what it read in the cloud: the journal is put
//! away, for whatever it says is older than that reading.

use jiff::Timestamp;

use super::conclude::join;
use super::{ConcludeError, FileJournal, LoadError, Loaded, Paths, lockfile};
use crate::model::RunId;
use crate::port::Journal;
use crate::state::{Folded, Lockfile, Record};

/// The files of a folder, ready for a run on shared state.
#[derive(Debug)]
pub struct Ready {
    /// What is known.
    pub loaded: Loaded,
    /// The journal.
    pub journal: FileJournal,
    /// Whether the journal goes on from what this folder did last.
    pub goes_on: bool,
}

/// The folder's files and the shared lockfile could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The folder's files are wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// They could not be written.
    #[error(transparent)]
    Write(#[from] ConcludeError),
    /// The folder has seen a shared lockfile, and there is none now.
    #[error(
        "use the shared state: this folder has seen a shared lockfile, with serial {serial} and {count} resources, and there is none now"
    )]
    Vanished {
        /// Its serial.
        serial: u64,
        /// How much it remembered.
        count: usize,
    },
}

/// The copy, if it can be used at all: it is only a copy.
fn copy(paths: &Paths) -> Option<Lockfile> {
    lockfile::read(&paths.lockfile).ok().flatten()
}

/// The copy could not be put away.
#[derive(Debug, thiserror::Error)]
#[error("put away the copy of the shared lockfile {}", path.display())]
pub struct ForgetError {
    /// The copy.
    pub path: std::path::PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// Puts the copy among the previous lockfiles: the shared one is not what it was a copy of.
pub fn forget_copy(paths: &Paths) -> Result<(), ForgetError> {
    let kept = paths.previous.join("shared.lock");
    match std::fs::rename(&paths.lockfile, kept) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(ForgetError {
            path: paths.lockfile.clone(),
            source,
        }),
        _ => Ok(()),
    }
}

/// What is known, for commands that only look: changes no file.
pub fn load_shared(paths: &Paths, base: Option<&Lockfile>) -> Result<Loaded, LoadError> {
    let records = if copy(paths).as_ref() == base {
        FileJournal::read(&paths.journal)?
    } else {
        Vec::new()
    };
    join(paths, base.cloned(), &records)
}

/// Makes the folder ready for a run that begins from `base`, which was read under the lease; `moved_in` if that is the
/// lockfile beside the profile, which the journal may belong to.
pub fn load_shared_for_run(
    paths: &Paths,
    base: Option<&Lockfile>,
    moved_in: bool,
) -> Result<Ready, CopyError> {
    let seen = copy(paths);
    let goes_on = moved_in || seen.as_ref() == base;
    if let (Some(seen), None) = (&seen, base)
        && !seen.resources.is_empty()
    {
        return Err(CopyError::Vanished {
            serial: seen.serial,
            count: seen.resources.len(),
        });
    }
    let (mut journal, mut records) = FileJournal::open(&paths.journal).map_err(LoadError::from)?;
    if !goes_on && let Some(run) = last_run(&records) {
        journal
            .archive(&paths.runs, &run)
            .map_err(ConcludeError::from)?;
        (journal, records) = FileJournal::open(&paths.journal).map_err(LoadError::from)?;
    }
    match base {
        Some(base) if seen.as_ref() != Some(base) => write(paths, base)?,
        _ => {}
    }
    let loaded = join(paths, base.cloned(), &records)?;
    Ok(Ready {
        loaded,
        journal,
        goes_on,
    })
}

/// Begins anew from `next`, which is in the store: all that the journal says is in it.
pub fn checkpoint(
    paths: &Paths,
    mut journal: FileJournal,
    folded: &Folded,
    next: &Lockfile,
    at: Timestamp,
) -> Result<Ready, CopyError> {
    write(paths, next)?;
    if let Some(run) = &folded.run {
        if !folded.ended {
            let run = run.clone();
            let ended = journal.append(&[Record::Ended { run, at }]);
            ended.map_err(ConcludeError::from)?;
        }
        journal
            .archive(&paths.runs, run)
            .map_err(ConcludeError::from)?;
        journal = FileJournal::open(&paths.journal)
            .map_err(LoadError::from)?
            .0;
    }
    Ok(Ready {
        loaded: join(paths, Some(next.clone()), &[])?,
        journal,
        goes_on: true,
    })
}

/// The lockfile that has to be written after a run; `None` if it would say the same again.
pub fn due(paths: &Paths, folded: &Folded) -> Option<Lockfile> {
    let known = folded.lockfile.as_ref()?;
    (copy(paths).as_ref() != Some(known)).then(|| known.clone().next())
}

/// Keeps the lockfile beside the profile among the previous ones: from now on it is in the store.
pub fn put_away(paths: &Paths, moved: &std::path::Path) -> std::io::Result<std::path::PathBuf> {
    let kept = paths.dir.join("before-shared-state.lock");
    std::fs::rename(moved, &kept)?;
    Ok(kept)
}

/// A copy that is damaged is replaced like any other.
fn write(paths: &Paths, lockfile: &Lockfile) -> Result<(), CopyError> {
    lockfile::write(&paths.lockfile, &paths.previous, lockfile)
        .map_err(|error| ConcludeError::from(error).into())
}

fn last_run(records: &[Record]) -> Option<RunId> {
    records.iter().rev().find_map(|record| match record {
        Record::Begun { run, .. } => Some(run.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::samples;

    struct Lab {
        _dir: tempfile::TempDir,
        paths: Paths,
    }

    fn lab() -> Lab {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let paths = Paths::new(&dir.path().join("lab.toml"), None, false).with_shared_state();
        paths.prepare().expect("the folder can be made");
        Lab { _dir: dir, paths }
    }

    fn lockfile(serial: u64) -> Lockfile {
        Lockfile {
            serial,
            ..samples::full()
        }
    }

    /// A run of this folder, cut off after an intent.
    fn cut_off(paths: &Paths, base: &Lockfile) {
        let mut ready = load_shared_for_run(paths, Some(base), false).expect("it is ready");
        let records = [
            samples::begun("r1", base.serial),
            Record::Intent(samples::intent(1, "node.sim")),
        ];
        ready.journal.append(&records).expect("it can be written");
    }

    #[test]
    fn the_same_folder_goes_on_with_its_journal() {
        let lab = lab();
        let base = lockfile(3);
        cut_off(&lab.paths, &base);
        assert_eq!(
            load_shared(&lab.paths, Some(&base))
                .expect("it is there")
                .state
                .folded()
                .open
                .len(),
            1
        );
        let ready = load_shared_for_run(&lab.paths, Some(&base), false).expect("it is ready");
        assert!(ready.goes_on);
        assert_eq!(ready.loaded.state.folded().open.len(), 1);
    }

    #[test]
    fn a_journal_that_others_have_overtaken_is_put_away() {
        let lab = lab();
        cut_off(&lab.paths, &lockfile(3));
        let newer = lockfile(4);
        let looked = load_shared(&lab.paths, Some(&newer)).expect("it is there");
        assert!(looked.state.folded().open.is_empty());
        assert!(lab.paths.journal.exists(), "looking changes nothing");
        let ready = load_shared_for_run(&lab.paths, Some(&newer), false).expect("it is ready");
        assert!(!ready.goes_on);
        assert!(ready.loaded.state.folded().open.is_empty());
        assert!(lab.paths.runs.join("r1.jsonl").exists(), "it is kept");
        assert_eq!(copy(&lab.paths), Some(newer));
    }

    #[test]
    fn a_run_begins_from_what_is_in_the_store() {
        let lab = lab();
        let ready = load_shared_for_run(&lab.paths, None, false).expect("it is ready");
        let folded = ready.loaded.state.folded().clone();
        let first = lockfile(1);
        let ready = checkpoint(&lab.paths, ready.journal, &folded, &first, samples::at(1));
        let ready = ready.expect("it is written");
        assert_eq!(ready.loaded.state.folded().lockfile, Some(first.clone()));
        assert_eq!(due(&lab.paths, ready.loaded.state.folded()), None);
        assert_eq!(copy(&lab.paths), Some(first));
    }

    #[test]
    fn a_lockfile_that_is_gone_from_the_store_is_missed() {
        let lab = lab();
        load_shared_for_run(&lab.paths, Some(&lockfile(7)), false).expect("it is ready");
        let error = load_shared_for_run(&lab.paths, None, false).expect_err("it is gone");
        assert!(
            matches!(error, CopyError::Vanished { serial: 7, .. }),
            "{error}"
        );
        let empty = Lockfile {
            resources: std::collections::BTreeMap::new(),
            ..lockfile(8)
        };
        load_shared_for_run(&lab.paths, Some(&empty), false).expect("it is ready");
        load_shared_for_run(&lab.paths, None, false).expect("nothing was in it");
    }
}
