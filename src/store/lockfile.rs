//! The lockfile on disk: it is replaced whole or not at all.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::disk::{self, Content};
use crate::state::{FORMAT, Lockfile, LockfileProblem, decode, encode, format_of, serial_of};

/// A lab of 10,000 resources has a lockfile of about 3 MB; what is larger than this is something else.
const LIMIT: u64 = 64 << 20;

/// A lockfile goes into git: others may read it.
const NEW_MODE: u32 = 0o644;

/// How many replaced lockfiles are kept.
const GENERATIONS: usize = 5;

/// The lockfile could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("read the lockfile {}", path.display())]
    Unreadable {
        /// The lockfile.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any lockfile.
    #[error("use the lockfile {}: it has {bytes} bytes, and a lockfile has at most {LIMIT}", path.display())]
    TooBig {
        /// The lockfile.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is not text.
    #[error("use the lockfile {}: it is not text", path.display())]
    NotText {
        /// The lockfile.
        path: PathBuf,
    },
    /// The text is not a lockfile that can be used.
    #[error("use the lockfile {}", path.display())]
    Problem {
        /// The lockfile.
        path: PathBuf,
        /// Why.
        #[source]
        source: LockfileProblem,
    },
}

/// The lockfile could not be written. Whatever was there is there still.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The one that is there could not be looked at.
    #[error("look at the lockfile {} before replacing it", path.display())]
    Existing {
        /// The lockfile.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The one that is there was written by a newer roboinfra.
    #[error("replace the lockfile {}: it has format {found}, and this roboinfra writes format {FORMAT}", path.display())]
    NewerFormat {
        /// The lockfile.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The new text could not be written beside it.
    #[error("write {}, which is to replace the lockfile", path.display())]
    Text {
        /// The temporary file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The new text could not take its place.
    #[error("replace the lockfile {}", path.display())]
    Replace {
        /// The lockfile.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took its place, and that may not survive a loss of power.
    #[error("make the new lockfile in {} durable", path.display())]
    Durable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Reads the lockfile; `None` if there is none.
pub fn read(path: &Path) -> Result<Option<Lockfile>, ReadError> {
    let owned = || path.to_owned();
    let content = disk::read(path, LIMIT).map_err(|source| ReadError::Unreadable {
        path: owned(),
        source,
    })?;
    let bytes = match content {
        Content::Missing => return Ok(None),
        Content::TooBig(bytes) => {
            return Err(ReadError::TooBig {
                path: owned(),
                bytes,
            });
        }
        Content::Bytes(bytes) => bytes,
    };
    let text = String::from_utf8(bytes).map_err(|_| ReadError::NotText { path: owned() })?;
    decode(&text)
        .map(Some)
        .map_err(|source| ReadError::Problem {
            path: owned(),
            source,
        })
}

/// Replaces the lockfile, durably. The one that was there goes to `previous`, if that can be done.
pub fn write(path: &Path, previous: &Path, lockfile: &Lockfile) -> Result<(), WriteError> {
    let path = &resolve(path)?;
    let mode = check_existing(path, previous)?;
    let temporary = disk::sibling(path, ".", ".tmp");
    disk::write_new(&temporary, encode(lockfile).as_bytes(), mode).map_err(|source| {
        WriteError::Text {
            path: temporary.clone(),
            source,
        }
    })?;
    if let Err(source) = fs::rename(&temporary, path) {
        // The next write removes it if this does not.
        let _ = fs::remove_file(&temporary);
        return Err(WriteError::Replace {
            path: path.clone(),
            source,
        });
    }
    let folder = disk::folder(path);
    disk::sync_dir(folder).map_err(|source| WriteError::Durable {
        path: folder.to_owned(),
        source,
    })
}

/// The file behind a symbolic link, so that the link is not replaced by a file.
fn resolve(path: &Path) -> Result<PathBuf, WriteError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            path.canonicalize().map_err(|source| WriteError::Existing {
                path: path.to_owned(),
                source,
            })
        }
        // What is wrong with the file itself shows when it is looked at.
        _ => Ok(path.to_owned()),
    }
}

/// Checks that the lockfile may be replaced, keeps it, and tells its mode.
fn check_existing(path: &Path, previous: &Path) -> Result<u32, WriteError> {
    let existing = |source| WriteError::Existing {
        path: path.to_owned(),
        source,
    };
    let bytes = match disk::read(path, LIMIT).map_err(existing)? {
        Content::Missing => return Ok(NEW_MODE),
        Content::TooBig(_) => Vec::new(),
        Content::Bytes(bytes) => bytes,
    };
    let text = String::from_utf8_lossy(&bytes);
    if let Some(found) = format_of(&text)
        && found > FORMAT
    {
        return Err(WriteError::NewerFormat {
            path: path.to_owned(),
            found,
        });
    }
    keep(path, previous, serial_of(&text));
    let metadata = fs::metadata(path).map_err(existing)?;
    Ok(metadata.permissions().mode() & 0o777)
}

/// Keeps the lockfile that is about to be replaced. It is a convenience: a failure stops nothing.
fn keep(path: &Path, previous: &Path, serial: Option<u64>) {
    let name = serial.map_or_else(|| "unknown".to_owned(), |serial| format!("{serial:08}"));
    let kept = previous.join(format!("{name}.lock"));
    let _ = fs::remove_file(&kept);
    let _ = fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(|_| ()));
    let _ = disk::keep_newest(previous, "lock", GENERATIONS);
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::state::samples;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
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
        names
    }

    fn with_serial(serial: u64) -> Lockfile {
        Lockfile {
            serial,
            ..samples::lockfile()
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_generations_are_kept() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        let previous = lab.path().join("previous");
        fs::create_dir(&previous).expect("it is created");
        assert_eq!(read(&path).expect("nothing is fine"), None);
        for serial in 1..=8 {
            write(&path, &previous, &with_serial(serial)).expect("it can be written");
            assert_eq!(
                read(&path).expect("it can be read"),
                Some(with_serial(serial))
            );
        }
        assert_eq!(names(lab.path()), ["previous", "roboinfra.lock"]);
        let kept = names(&previous);
        assert_eq!(kept.len(), GENERATIONS);
        let last = read(&previous.join("00000007.lock")).expect("it can be read");
        assert_eq!(last, Some(with_serial(7)));
    }

    #[test]
    fn the_mode_and_a_link_stay() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let target = lab.path().join("shared.lock");
        let link = lab.path().join("roboinfra.lock");
        write(&target, lab.path(), &with_serial(1)).expect("it can be written");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("it is ours");
        std::os::unix::fs::symlink("shared.lock", &link).expect("it is created");
        write(&link, lab.path(), &with_serial(2)).expect("it can be written");
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink()
        );
        assert_eq!(read(&target).expect("it can be read"), Some(with_serial(2)));
        let mode = fs::metadata(&target)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_newer_lockfile_is_never_replaced() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        let newer = "# newer\nformat = 99\nwhatever = true\n";
        fs::write(&path, newer).expect("it is written");
        let error = write(&path, lab.path(), &with_serial(1)).expect_err("it is newer");
        assert!(
            matches!(error, WriteError::NewerFormat { found: 99, .. }),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).expect("it is there"), newer);
        let error = read(&path).expect_err("it is newer");
        assert!(matches!(
            error,
            ReadError::Problem {
                source: LockfileProblem::NewerFormat { found: 99, .. },
                ..
            }
        ));
    }

    #[test]
    fn a_file_that_is_no_lockfile_is_told_apart() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        let say = || {
            let error = read(&path).expect_err("it is no lockfile");
            assert!(error.to_string().contains("roboinfra.lock"), "{error}");
            format!(
                "{error}: {}",
                error.source().map(ToString::to_string).unwrap_or_default()
            )
        };
        fs::write(&path, b"\xff\xfe\x00").expect("it is written");
        assert!(say().contains("not text"));
        fs::write(&path, "").expect("it is written");
        assert!(say().contains("it is empty"));
        let file = fs::File::create(&path).expect("it is created");
        file.set_len(LIMIT + 1).expect("a hole takes no space");
        assert!(say().contains("at most 67108864"));
        fs::remove_file(&path).expect("it is there");
        fs::create_dir(&path).expect("it is created");
        assert!(say().starts_with("read the lockfile"));
    }

    #[test]
    fn cut_at_any_byte_it_is_an_error_and_stays_as_it_is() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        let text = encode(&samples::lockfile());
        for end in 0..text.len() {
            fs::write(&path, &text.as_bytes()[..end]).expect("it is written");
            let error = read(&path).expect_err("a part is not the whole");
            assert!(matches!(error, ReadError::Problem { .. }), "{end}: {error}");
            assert_eq!(fs::metadata(&path).expect("it is there").len(), end as u64);
        }
    }

    #[test]
    fn what_a_cut_write_left_behind_is_no_obstacle() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        fs::write(lab.path().join(".roboinfra.lock.tmp"), "format = 1\nser")
            .expect("it is written");
        write(&path, lab.path(), &with_serial(1)).expect("it can be written");
        assert_eq!(names(lab.path()), ["roboinfra.lock"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_old_lockfile() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("roboinfra.lock");
        write(&path, lab.path(), &with_serial(1)).expect("it can be written");
        // A folder in the way of the temporary file fails for every user, unlike missing permissions for root.
        fs::create_dir(lab.path().join(".roboinfra.lock.tmp")).expect("it is created");
        let error = write(&path, &lab.path().join("none"), &with_serial(2)).expect_err("no");
        assert!(matches!(error, WriteError::Text { .. }), "{error}");
        assert_eq!(read(&path).expect("it can be read"), Some(with_serial(1)));
        fs::remove_dir(lab.path().join(".roboinfra.lock.tmp")).expect("it is there");

        fs::set_permissions(lab.path(), fs::Permissions::from_mode(0o500)).expect("it is ours");
        let refused = fs::write(lab.path().join("probe"), "").is_err();
        let written = write(&path, &lab.path().join("none"), &with_serial(2));
        fs::set_permissions(lab.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        if refused {
            let error = written.expect_err("the folder is read-only");
            assert!(matches!(error, WriteError::Text { .. }), "{error}");
            assert_eq!(read(&path).expect("it can be read"), Some(with_serial(1)));
        }
    }
}
