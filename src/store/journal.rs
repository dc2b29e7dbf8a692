//! The journal on disk: a record is on the disk before `append` returns.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::disk::{self, Content};
use crate::model::RunId;
use crate::port::{Journal, JournalError};
use crate::state::{Check, JournalProblem, JournalText, Record, append_line, read_lines};

/// A record takes up to some 400 bytes and a run writes a few per resource; what is larger is something else.
const LIMIT: u64 = 256 << 20;

/// How many journals of past runs are kept.
const KEPT_RUNS: usize = 20;

/// The journal could not be read or made ready for writing.
#[derive(Debug, thiserror::Error)]
pub enum JournalReadError {
    /// The file could not be opened, or not be created.
    #[error("open the journal {}", path.display())]
    Open {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file could not be read.
    #[error("read the journal {}", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not a journal, or not any more.
    #[error("use the journal {}", path.display())]
    Text {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: JournalTextError,
    },
    /// A record whose write was cut off could not be removed from the end.
    #[error("cut the torn end off the journal {}", path.display())]
    Mend {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is wrong with a journal's text.
#[derive(Debug, thiserror::Error)]
pub enum JournalTextError {
    /// It is larger than any journal.
    #[error("it has {0} bytes, and a journal has at most {LIMIT}")]
    TooBig(u64),
    /// One of its lines is wrong.
    #[error(transparent)]
    Line(#[from] JournalProblem),
}

/// The journal of an ended run could not be put away. It stays in place, which changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It could not be moved.
    #[error("move the journal to {}", path.display())]
    Move {
        /// Where it was to go.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It was moved, and that may not survive a loss of power.
    #[error("make the folder {} durable", path.display())]
    Durable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A journal in a file, open for appending. Whoever has one holds the lab's guard.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
    /// How long the file is up to the last record that is safe.
    length: u64,
    check: Check,
    /// Whether an earlier write left the file in a state that nobody knows.
    broken: bool,
}

impl FileJournal {
    /// Opens or creates the journal, cuts off what a run did not write to its end, and returns the records.
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), JournalReadError> {
        let open = |source| JournalReadError::Open {
            path: path.to_owned(),
            source,
        };
        let file = disk::open_private_append(path).map_err(open)?;
        // The file's name must be as durable as what is written to it.
        disk::sync_dir(disk::folder(path)).map_err(open)?;
        let (text, bytes) = read_text(path, &file)?;
        let JournalText {
            records,
            length,
            check,
        } = text;
        if length < bytes {
            file.set_len(length as u64)
                .and_then(|()| file.sync_all())
                .map_err(|source| JournalReadError::Mend {
                    path: path.to_owned(),
                    source,
                })?;
        }
        let journal = Self {
            path: path.to_owned(),
            file,
            length: length as u64,
            check,
            broken: false,
        };
        Ok((journal, records))
    }

    /// Reads the records without changing anything; for commands that only look. No journal is an empty one.
    pub fn read(path: &Path) -> Result<Vec<Record>, JournalReadError> {
        match File::open(path) {
            Ok(file) => read_text(path, &file).map(|(text, _)| text.records),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(JournalReadError::Open {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Puts the journal away as the log of `run`. Only for a journal whose every effect is in the lockfile on disk.
    pub fn archive(self, runs: &Path, run: &RunId) -> Result<(), ArchiveError> {
        let to = runs.join(log_name(run));
        fs::rename(&self.path, &to).map_err(|source| ArchiveError::Move { path: to, source })?;
        for folder in [disk::folder(&self.path), runs] {
            disk::sync_dir(folder).map_err(|source| ArchiveError::Durable {
                path: folder.to_owned(),
                source,
            })?;
        }
        // Old logs take space, nothing more.
        let _ = disk::keep_newest(runs, "jsonl", KEPT_RUNS);
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write to it failed"));
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // The disk may be full half-way through a line: without that half, later records can still be added.
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed sync nobody knows what is on the disk, and a second sync would not tell.
            self.broken = true;
            return Err(error);
        }
        Ok(())
    }
}

impl Journal for FileJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut check = self.check.clone();
        let mut text = String::new();
        for record in records {
            append_line(&mut check, record, &mut text);
        }
        self.write(&text).map_err(|source| JournalError {
            path: self.path.display().to_string(),
            source,
        })?;
        self.check = check;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// What the file holds, and how many bytes it has.
fn read_text(path: &Path, file: &File) -> Result<(JournalText, usize), JournalReadError> {
    let text = |source| JournalReadError::Text {
        path: path.to_owned(),
        source,
    };
    let content = disk::read_open(file, LIMIT).map_err(|source| JournalReadError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    match content {
        Content::Missing => Ok((JournalText::default(), 0)),
        Content::TooBig(bytes) => Err(text(JournalTextError::TooBig(bytes))),
        Content::Bytes(bytes) => match read_lines(&bytes) {
            Ok(lines) => Ok((lines, bytes.len())),
            Err(problem) => Err(text(problem.into())),
        },
    }
}

/// A run's name as a file name, whatever the name is.
fn log_name(run: &RunId) -> String {
    let plain: String = run
        .as_str()
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{plain}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{fold, samples};

    #[test]
    fn records_survive_a_restart() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("journal.jsonl");
        assert_eq!(
            FileJournal::read(&path).expect("no journal is an empty one"),
            []
        );
        let records = samples::journal();
        let (head, tail) = records.split_at(3);
        let (mut journal, found) = FileJournal::open(&path).expect("it can be created");
        assert_eq!(found, []);
        journal.append(head).expect("it can be written");
        journal.append(&[]).expect("nothing is fine");
        assert_eq!(FileJournal::read(&path).expect("it can be read"), head);
        drop(journal);
        let (mut journal, found) = FileJournal::open(&path).expect("it can be opened");
        assert_eq!(found, head);
        journal.append(tail).expect("it can be written");
        assert_eq!(FileJournal::read(&path).expect("it can be read"), records);
    }

    #[test]
    fn torn_at_any_byte_it_goes_on_after_the_last_whole_record() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("journal.jsonl");
        let records = samples::journal();
        let (mut journal, _) = FileJournal::open(&path).expect("it can be created");
        journal.append(&records).expect("it can be written");
        let bytes = fs::read(&path).expect("it is there");
        for end in 0..=bytes.len() {
            fs::write(&path, &bytes[..end]).expect("it is written");
            let looked = FileJournal::read(&path).expect("a torn end is no error");
            assert_eq!(fs::metadata(&path).expect("it is there").len(), end as u64);
            let (mut journal, found) = FileJournal::open(&path).expect("a torn end is no error");
            assert_eq!(found, looked);
            assert_eq!(found, records[..found.len()]);
            fold(None, &found).expect("any part of it folds");
            journal
                .append(&records[found.len()..])
                .expect("it can be written");
            assert_eq!(fs::read(&path).expect("it is there"), bytes, "{end}");
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_nothing_is_changed() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("journal.jsonl");
        let (mut journal, _) = FileJournal::open(&path).expect("it can be created");
        journal
            .append(&samples::journal())
            .expect("it can be written");
        let text = fs::read_to_string(&path).expect("it is there");
        let changed = text.replacen("network.vpc", "network.vpd", 1);
        fs::write(&path, &changed).expect("it is written");
        let error = FileJournal::open(&path).expect_err("a line is wrong");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(
            source.as_deref(),
            Some("line 2 does not match its checksum")
        );
        assert_eq!(fs::read_to_string(&path).expect("it is there"), changed);
    }

    #[test]
    fn an_ended_run_is_put_away_and_old_ones_go() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("journal.jsonl");
        let runs = lab.path().join("runs");
        fs::create_dir(&runs).expect("it is created");
        for index in 0..KEPT_RUNS + 3 {
            let (mut journal, found) = FileJournal::open(&path).expect("it can be created");
            assert_eq!(found, []);
            journal
                .append(&samples::journal())
                .expect("it can be written");
            let run = RunId::new(format!("../{index}"));
            journal.archive(&runs, &run).expect("it can be moved");
        }
        assert!(!path.exists());
        let logs = fs::read_dir(&runs).expect("it is there").count();
        assert_eq!(logs, KEPT_RUNS);
        let last = runs.join(format!("___{}.jsonl", KEPT_RUNS + 2));
        let records = FileJournal::read(&last).expect("a log is a journal");
        assert_eq!(records, samples::journal());
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_journal() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let file = File::options()
            .append(true)
            .open(full)
            .expect("a device to write to");
        let mut journal = FileJournal {
            path: full.to_owned(),
            file,
            length: 0,
            check: Check::default(),
            broken: false,
        };
        let error = journal.append(&samples::journal()).expect_err("it is full");
        assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("/dev/full"), "{error}");
        assert_eq!((journal.length, journal.check), (0, Check::default()));
    }
}
