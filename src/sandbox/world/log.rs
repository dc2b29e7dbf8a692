//! The world as an append-only file: one line per call that changed something, written before the call is answered.
//!
//! A line is one write, so a killed process leaves either the whole effect of a call or none of it; a torn last line
//! is cut off. Several processes may use one file: each reads what the others added before it handles a call.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::Change;

/// One line: what a call changed in one place.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// A region, `iam`, `s3` or `faults`.
    pub(crate) place: String,
    /// How many ids the place has given so far.
    pub(crate) given: u64,
    pub(crate) changes: Vec<Change>,
}

/// The lines of one call; together on one line of text.
pub(crate) type Loaded = Vec<Line>;

/// The open file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Held shared while the file is in use; held alone to rewrite it.
    users: File,
    /// How far this process has read or written.
    offset: u64,
}

impl Log {
    /// Opens the file, making it if need be.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let users = open(&path.with_extension("lock"))?;
        users.lock_shared()?;
        Ok(Self {
            file: open(path)?,
            path: path.to_owned(),
            users,
            offset: 0,
        })
    }

    /// Locks the file against other processes and reads what they added.
    pub(crate) fn lock_and_read(&mut self) -> io::Result<Vec<Loaded>> {
        self.file.lock()?;
        let length = self.file.metadata()?.len();
        if length == self.offset {
            return Ok(Vec::new());
        }
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        // What follows the last line feed was torn by a crash: its call was never answered.
        let whole = bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let end = self.offset + whole as u64;
        if whole < bytes.len() {
            self.file.set_len(end)?;
        }
        let mut calls = Vec::new();
        for (number, line) in bytes[..whole].split(|b| *b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            calls.push(serde_json::from_slice(line).map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "{}: entry {} after byte {} is damaged: {error}",
                        self.path.display(),
                        number + 1,
                        self.offset
                    ),
                )
            })?);
        }
        self.offset = end;
        Ok(calls)
    }

    /// Lets other processes at the file.
    pub(crate) fn unlock(&mut self) {
        // An unlock that fails leaves the lock to the end of the process, which frees it.
        self.file.unlock().ok();
    }

    /// Appends the lines of one call in one write.
    pub(crate) fn append(&mut self, lines: &Loaded) -> io::Result<()> {
        let text = text_of(lines)?;
        self.file.seek(SeekFrom::Start(self.offset))?;
        self.file.write_all(&text)?;
        self.offset += text.len() as u64;
        Ok(())
    }

    /// Writes the world anew, if no other process uses the file; says whether it did.
    pub(crate) fn compact(&mut self, lines: &Loaded) -> io::Result<bool> {
        self.users.unlock()?;
        let alone = self.users.try_lock().is_ok();
        if alone {
            let fresh = self.path.with_extension("tmp");
            let text = text_of(lines)?;
            let mut file = File::create(&fresh)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.path)?;
            self.file = open(&self.path)?;
            self.offset = text.len() as u64;
            self.users.unlock()?;
        }
        self.users.lock_shared()?;
        Ok(alone)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn text_of(lines: &Loaded) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(lines)?;
    text.push(b'\n');
    Ok(text)
}
