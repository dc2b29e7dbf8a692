//! Puts away what cannot be used, so that a rebuild can begin: nothing is thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{FileJournal, JournalReadError, JournalTextError, Paths, disk, lockfile};
use crate::state::{JournalProblem, JournalState, LockfileProblem};

/// A file that was put away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// What it was: the lockfile or the journal.
    pub what: &'static str,
    /// Where it is now.
    pub to: PathBuf,
}

/// A file that cannot be used could not be put away.
#[derive(Debug, thiserror::Error)]
#[error("move {} to {}", from.display(), to.display())]
pub struct SetAsideError {
    /// The file.
    pub from: PathBuf,
    /// Where it was to go.
    pub to: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Puts away a lockfile that is damaged, and a journal that is damaged or does not belong to the lockfile. Files that a
/// newer roboinfra wrote, or that cannot be read at all, stay: they may be good. Only with the guard.
pub fn set_aside(paths: &Paths) -> Result<Vec<SetAside>, SetAsideError> {
    let mut moved = Vec::new();
    let lockfile = match lockfile::read(&paths.lockfile) {
        Ok(lockfile) => lockfile,
        Err(error) if is_damaged(&error) => {
            moved.push(put("lockfile", &paths.lockfile, &paths.previous, "lock")?);
            None
        }
        Err(_) => return Ok(moved),
    };
    let misfit = match FileJournal::read(&paths.journal) {
        Ok(records) => JournalState::recover(lockfile, &records).is_err(),
        Err(JournalReadError::Text { source, .. }) => !matches!(
            source,
            JournalTextError::Line(JournalProblem::NewerFormat { .. })
        ),
        Err(_) => false,
    };
    if misfit {
        moved.push(put("journal", &paths.journal, &paths.runs, "jsonl")?);
    }
    Ok(moved)
}

fn is_damaged(error: &lockfile::ReadError) -> bool {
    match error {
        lockfile::ReadError::Problem { source, .. } => {
            !matches!(source, LockfileProblem::NewerFormat { .. })
        }
        lockfile::ReadError::NotText { .. } | lockfile::ReadError::TooBig { .. } => true,
        lockfile::ReadError::Unreadable { .. } => false,
    }
}

/// Moves a file under a name that is free.
fn put(
    what: &'static str,
    from: &Path,
    folder: &Path,
    extension: &str,
) -> Result<SetAside, SetAsideError> {
    let to = (1..u32::MAX)
        .map(|number| folder.join(format!("damaged-{number}.{extension}")))
        .find(|path| !path.exists())
        .expect("a folder has fewer files than there are numbers");
    fs::rename(from, &to)
        // A lockfile elsewhere may be on another disk.
        .or_else(|_| fs::copy(from, &to).and_then(|_| fs::remove_file(from)))
        .and_then(|()| disk::sync_dir(disk::folder(from)))
        .map_err(|source| SetAsideError {
            from: from.to_owned(),
            to: to.clone(),
            source,
        })?;
    Ok(SetAside { what, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Journal;
    use crate::state::samples;

    fn lab() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let paths = Paths::new(&dir.path().join("lab.toml"), None, false);
        paths.prepare().expect("the folder can be made");
        lockfile::write(&paths.lockfile, &paths.previous, &samples::lockfile())
            .expect("it can be written");
        let (mut journal, _) = FileJournal::open(&paths.journal).expect("it can be created");
        journal
            .append(&samples::journal()[..1])
            .expect("it can be written");
        (dir, paths)
    }

    #[test]
    fn what_is_good_stays_and_what_is_damaged_is_kept_elsewhere() {
        let newer = "format = 99\n";
        let cases: [(Option<&str>, Option<&str>, &[&str]); 5] = [
            (None, None, &[]),
            (Some("half a"), None, &["damaged-1.lock"]),
            (None, Some("not a record\n"), &["damaged-1.jsonl"]),
            (Some(""), Some("\n"), &["damaged-1.lock", "damaged-1.jsonl"]),
            (Some(newer), Some("not a record\n"), &[]),
        ];
        for (lock, journal, expected) in cases {
            let (_dir, paths) = lab();
            for (path, text) in [(&paths.lockfile, lock), (&paths.journal, journal)] {
                if let Some(text) = text {
                    fs::write(path, text).expect("it can be written");
                }
            }
            let moved = set_aside(&paths).expect("it can be moved");
            let names: Vec<_> = moved
                .iter()
                .filter_map(|moved| moved.to.file_name()?.to_str())
                .collect();
            assert_eq!(names, expected, "{lock:?} {journal:?}");
            assert!(moved.iter().all(|moved| moved.to.exists()));
            assert_eq!(set_aside(&paths).expect("nothing is left to move"), []);
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_overwritten() {
        let (_dir, paths) = lab();
        for number in 1..=3 {
            fs::write(&paths.lockfile, format!("damage {number}")).expect("it can be written");
            set_aside(&paths).expect("it can be moved");
        }
        let first = fs::read_to_string(paths.previous.join("damaged-1.lock"));
        assert_eq!(first.expect("it is there"), "damage 1");
        assert!(paths.previous.join("damaged-3.lock").exists());
    }
}
