//! The logs of steps, kept beside the lab as they come from the hosts.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::event::{HostEvent, HostNews};
use crate::model::Address;

/// Writes logs.
#[derive(Debug)]
pub(super) struct HostLogs {
    folder: PathBuf,
}

impl HostLogs {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Where the log of a host's step lies.
    pub(super) fn path(folder: &Path, address: &Address, step: &str) -> PathBuf {
        folder.join(address.as_str()).join(format!("{step}.log"))
    }

    /// Keeps a part of a log. A log that cannot be kept is no reason to stop: it is on the host as well.
    pub(super) fn write(&mut self, event: &HostEvent) {
        if let HostNews::Log {
            step,
            offset,
            bytes,
        } = &event.news
        {
            let _lost = self.put(&event.address, step, *offset, bytes);
        }
    }

    /// At its place in the file, so that a log that is read again from its beginning is the same file.
    fn put(&self, address: &Address, step: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let path = Self::path(&self.folder, address, step);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path.parent().unwrap_or(&self.folder))?;
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        if offset == 0 {
            file.set_len(0)?;
        }
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_whole_however_often_it_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut logs = HostLogs::new(folder.path());
        let mut write = |offset, bytes: &str| {
            logs.write(&HostEvent {
                address: Address::new("node.sim.0"),
                news: HostNews::Log {
                    step: "base".to_owned(),
                    offset,
                    bytes: bytes.as_bytes().to_vec(),
                },
            });
        };
        write(0, "hello ");
        write(6, "world");
        write(0, "hello ");
        write(6, "again");
        let path = HostLogs::path(folder.path(), &Address::new("node.sim.0"), "base");
        assert_eq!(std::fs::read_to_string(path).expect("a log"), "hello again");
    }
}
