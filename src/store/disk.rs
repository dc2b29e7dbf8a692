//! What the files of this module need from the file system and `std` has in more than one call.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Owner only.
const PRIVATE_DIR: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// A file's content, or why there is none.
#[derive(Debug)]
pub(super) enum Content {
    Missing,
    TooBig(u64),
    Bytes(Vec<u8>),
}

/// Creates a folder, and its parents, that only its owner can look into.
pub(super) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIR)
        .create(path)
}

/// Creates a file that only its owner can read; fails if there is one.
pub(super) fn create_private_file(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path)
}

/// Opens a file for reading and appending; creates it for its owner only if there is none.
pub(super) fn open_private_append(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(PRIVATE_FILE)
        .open(path)
}

/// Opens a file for reading and writing and leaves its content; creates it for its owner only if there is none.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(path)
}

/// Makes the names in a folder durable: after a file in it was created, renamed or removed.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Content> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Missing),
        Err(error) => return Err(error),
    };
    read_open(&file, limit)
}

/// Reads an open file of at most `limit` bytes from where it stands.
pub(super) fn read_open(file: &File, limit: u64) -> io::Result<Content> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.len() > limit {
        return Ok(Content::TooBig(metadata.len()));
    }
    let mut bytes = Vec::new();
    // A file may grow while it is read, and a device has no length.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(match u64::try_from(bytes.len()) {
        Ok(length) if length <= limit => Content::Bytes(bytes),
        _ => Content::TooBig(limit + 1),
    })
}

/// Writes a new file whole and syncs it. What was left at `path` by a run that was cut is removed first.
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private_file(path)?;
    let written = (|| {
        file.write_all(bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()
    })();
    if written.is_err() {
        // Half a file helps nobody; if it cannot be removed, the next write does it.
        let _ = fs::remove_file(path);
    }
    written
}

/// The folder a file lies in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes all but the newest `count` files of a folder whose names end in `.extension`.
pub(super) fn keep_newest(folder: &Path, extension: &str, count: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push((entry.metadata()?.modified()?, path));
        }
    }
    files.sort();
    let old = files.len().saturating_sub(count);
    files
        .into_iter()
        .take(old)
        .try_for_each(|(_, path)| fs::remove_file(path))
}

/// `path` with its file name put between `before` and `after`.
pub(super) fn sibling(path: &Path, before: &str, after: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{before}{name}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_files_stay() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        for age in 1..=4_u64 {
            let file = File::create(dir.path().join(format!("{age}.log"))).expect("it is created");
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000 - age);
            file.set_modified(time).expect("its time is set");
        }
        File::create(dir.path().join("other.txt")).expect("it is created");
        keep_newest(dir.path(), "log", 2).expect("the folder can be read");
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .expect("the folder can be read")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        assert_eq!(names, ["1.log", "2.log", "other.txt"]);
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let path = dir.path().join("file");
        fs::write(&path, [7; 11]).expect("it is written");
        let read = |path: &Path, limit| match read(path, limit).expect("it can be read") {
            Content::Missing => "missing".to_owned(),
            Content::TooBig(size) => format!("too big: {size}"),
            Content::Bytes(bytes) => format!("{}", bytes.len()),
        };
        assert_eq!(read(&path, 11), "11");
        assert_eq!(read(&path, 10), "too big: 11");
        assert_eq!(read(&dir.path().join("none"), 10), "missing");
        assert_eq!(read(Path::new("/dev/zero"), 10), "too big: 11");
        assert!(super::read(dir.path(), 10).is_err());
    }
}
