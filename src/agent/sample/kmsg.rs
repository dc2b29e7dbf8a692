//! Reads the kernel's log as it grows.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::xid::{self, Xid};
use crate::agent::condition::{Condition, Found};

/// The most records that one look takes; the rest waits for the next.
const AT_ONCE: usize = 20_000;

/// The kernel's log.
#[derive(Debug)]
pub(crate) struct KernelLog {
    path: PathBuf,
    file: Option<File>,
    caught_up: bool,
}

/// What one look found.
#[derive(Debug, Default)]
pub(crate) struct Logged {
    /// Messages from before the daemon's start: known, but not counted again.
    pub(crate) earlier: Vec<Xid>,
    /// Messages since the last look.
    pub(crate) new: Vec<Xid>,
    /// What is wrong.
    pub(crate) found: Vec<Found>,
}

impl KernelLog {
    /// `root` is where `dev` is found.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            path: root.join("dev/kmsg"),
            file: None,
            caught_up: false,
        }
    }

    /// Takes what has been logged since the last look. This does not block.
    pub(crate) fn read(&mut self) -> Logged {
        let mut logged = Logged::default();
        if self.file.is_none() {
            let flags = rustix::fs::OFlags::NONBLOCK.bits();
            let opened = OpenOptions::new()
                .read(true)
                .custom_flags(i32::try_from(flags).expect("a flag of open"))
                .open(&self.path);
            match opened {
                Ok(file) => self.file = Some(file),
                Err(error) => {
                    let found = Found::new(Condition::NoKernelLog, error.to_string());
                    logged.found.push(found);
                    return logged;
                }
            }
        }
        let messages = self.records();
        if self.caught_up {
            logged.new = messages;
        } else {
            logged.earlier = messages;
        }
        self.caught_up = true;
        logged
    }

    fn records(&mut self) -> Vec<Xid> {
        let mut messages = Vec::new();
        let mut record = [0_u8; 8192];
        let Some(file) = &mut self.file else {
            return messages;
        };
        for _ in 0..AT_ONCE {
            match file.read(&mut record) {
                Ok(0) => break,
                Ok(length) => {
                    let text = String::from_utf8_lossy(&record[..length]);
                    messages.extend(xid::parse(&text));
                }
                // Records that were overwritten before they were read.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_was_logged_before_the_start_is_not_new() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("dev")).expect("a folder");
        let path = folder.path().join("dev/kmsg");
        std::fs::write(&path, "3,1,1,-;NVRM: Xid (PCI:0000:00:1e): 13, x").expect("a file");
        let mut log = KernelLog::new(folder.path());
        let first = log.read();
        assert_eq!((first.earlier.len(), first.new.len()), (1, 0));
        let mut file = OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("the file");
        file.write_all(b"3,2,2,-;NVRM: Xid (PCI:0000:00:1e): 79, x")
            .expect("a record");
        let second = log.read();
        assert_eq!((second.earlier.len(), second.new.len()), (0, 1));
        assert_eq!(second.new[0].code, xid::FELL_OFF);
        assert_eq!(log.read().new, []);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_no_trouble() {
        let logged = KernelLog::new(Path::new("/no/such/root")).read();
        assert_eq!(logged.found[0].condition, Condition::NoKernelLog);
        assert!(logged.found[0].condition.is_harmless());
    }
}
