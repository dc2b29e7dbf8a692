//! Where a lab's files lie.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::disk;

const LOCKFILE: &str = "roboinfra.lock";
const HOME: &str = ".roboinfra";

/// Where a lab's files lie. The lockfile is beside the profile and is committed; everything else is in a private
/// folder beside the lockfile, so that whoever uses the same lockfile meets the same guard and journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The profile.
    pub profile: PathBuf,
    /// The lockfile.
    pub lockfile: PathBuf,
    /// The folder of everything that is not committed.
    pub dir: PathBuf,
    /// The journal.
    pub journal: PathBuf,
    /// The file that a run locks while it is at work.
    pub guard: PathBuf,
    /// Which lease this folder had last, where the state is shared.
    pub lease: PathBuf,
    /// The lab's own private key.
    pub private_key: PathBuf,
    /// The host keys of the lab's machines.
    pub known_hosts: PathBuf,
    /// The logs of the last runs.
    pub runs: PathBuf,
    /// The logs of bootstrap steps, by host.
    pub host_logs: PathBuf,
    /// The last lockfiles that were replaced.
    pub previous: PathBuf,
    /// The sandbox's world.
    pub world: PathBuf,
    /// The `.roboinfra` folder that `dir` is, or lies in.
    home: PathBuf,
}

/// The lab's folder could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A folder could not be created.
    #[error("create the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file that keeps the folder out of git could not be written.
    #[error("write {}", path.display())]
    Ignore {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Paths {
    /// The paths of the lab whose profile is at `profile`. Looks at no file.
    ///
    /// Another lockfile than the usual one has a folder of its own, and so has the sandbox: nothing that happens
    /// there touches the real lab's files.
    pub fn new(profile: &Path, lockfile: Option<&Path>, sandbox: bool) -> Self {
        let usual = beside(profile, LOCKFILE);
        let chosen = lockfile.unwrap_or(&usual);
        let home = beside(chosen, HOME);
        let mut dir = home.clone();
        if chosen.file_name().is_some_and(|name| name != LOCKFILE) {
            let own = disk::sibling(chosen, "", ".d");
            dir.push(own.file_name().unwrap_or_default());
        }
        if sandbox {
            dir.push("sandbox");
        }
        let lockfile = match lockfile {
            None if sandbox => dir.join(LOCKFILE),
            _ => chosen.to_owned(),
        };
        Self {
            profile: profile.to_owned(),
            lockfile,
            journal: dir.join("journal.jsonl"),
            guard: dir.join("guard"),
            lease: dir.join("lease"),
            private_key: dir.join("id_ed25519"),
            known_hosts: dir.join("known_hosts"),
            runs: dir.join("runs"),
            host_logs: dir.join("hosts"),
            previous: dir.join("previous"),
            world: dir.join("world.log"),
            dir,
            home,
        }
    }

    /// The same lab with its lockfile in a bucket: the file here is a copy, and private like the rest.
    #[must_use]
    pub fn with_shared_state(mut self) -> Self {
        self.lockfile = self.dir.join("shared.lock");
        self
    }

    /// The same lab with its lockfile elsewhere.
    #[must_use]
    pub fn with_lockfile(mut self, lockfile: &Path) -> Self {
        lockfile.clone_into(&mut self.lockfile);
        self
    }

    /// Creates the folders, for their owner only, and keeps them out of git.
    pub fn prepare(&self) -> Result<(), PrepareError> {
        for folder in [&self.dir, &self.runs, &self.previous] {
            disk::create_private_dir(folder).map_err(|source| PrepareError::Folder {
                path: folder.clone(),
                source,
            })?;
        }
        let path = self.home.join(".gitignore");
        match fs::File::create_new(&path).and_then(|mut file| file.write_all(b"*\n")) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(PrepareError::Ignore {
                    path,
                    source: error,
                })
            }
            _ => Ok(()),
        }
    }
}

/// A file in the folder of another, named as briefly as the other.
fn beside(path: &Path, name: &str) -> PathBuf {
    match path.parent() {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_lockfile_and_the_sandbox_have_their_own_folder() {
        let cases = [
            ("lab.toml", None, false, "roboinfra.lock", ".roboinfra"),
            (
                "a/lab.toml",
                None,
                false,
                "a/roboinfra.lock",
                "a/.roboinfra",
            ),
            (
                "a/lab.toml",
                None,
                true,
                "a/.roboinfra/sandbox/roboinfra.lock",
                "a/.roboinfra/sandbox",
            ),
            (
                "a/lab.toml",
                Some("b/roboinfra.lock"),
                false,
                "b/roboinfra.lock",
                "b/.roboinfra",
            ),
            (
                "a/lab.toml",
                Some("b/runs"),
                false,
                "b/runs",
                "b/.roboinfra/runs.d",
            ),
            (
                "lab.toml",
                Some("x.lock"),
                true,
                "x.lock",
                ".roboinfra/x.lock.d/sandbox",
            ),
        ];
        for (profile, lockfile, sandbox, expected, dir) in cases {
            let paths = Paths::new(Path::new(profile), lockfile.map(Path::new), sandbox);
            assert_eq!(
                paths.lockfile,
                Path::new(expected),
                "{profile} {lockfile:?}"
            );
            assert_eq!(paths.dir, Path::new(dir), "{profile} {lockfile:?}");
            assert_eq!(paths.journal, Path::new(dir).join("journal.jsonl"));
        }
    }

    #[test]
    fn the_folder_is_private_and_ignored_by_git() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        for sandbox in [true, false, false] {
            let paths = Paths::new(&lab.path().join("lab.toml"), None, sandbox);
            paths.prepare().expect("the folder can be made");
            let mode = fs::metadata(&paths.dir)
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let ignore = lab.path().join(".roboinfra/.gitignore");
        assert_eq!(fs::read_to_string(ignore).expect("it is there"), "*\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        fs::write(lab.path().join(".roboinfra"), "a file").expect("it is written");
        let paths = Paths::new(&lab.path().join("lab.toml"), None, false);
        let error = paths.prepare().expect_err("a file is in the way");
        assert!(error.to_string().ends_with(".roboinfra"), "{error}");
    }
}
