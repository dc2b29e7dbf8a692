//! Small files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Whether a file must outlive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// On disk when this returns.
    Synced,
    /// It outlives this process; that is enough.
    Kept,
}

/// Replaces a file; a reader sees the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8], lasting: Lasting) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    if lasting == Lasting::Synced {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&new, path)?;
    match (lasting, path.parent()) {
        (Lasting::Synced, Some(folder)) => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Renames and removals in a folder are on disk when this returns.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Takes a file away, there or not.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_removed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("it.json");
        replace(&path, b"one", Lasting::Synced).expect("written");
        replace(&path, b"two", Lasting::Kept).expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
        remove(&path).expect("removed");
        remove(&path).expect("it is not there, as asked");
        assert!(replace(&folder.path().join("no/it"), b"", Lasting::Kept).is_err());
    }
}
