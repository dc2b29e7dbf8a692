//! The lab's own key pair. The private half is in one file, for its owner only, and nowhere else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use super::disk::{self, Content};

/// A private key of the largest kind takes some 4 kB.
const LIMIT: u64 = 64 << 10;

const OWNER_ONLY: u32 = 0o600;

/// The lab's key could not be made or read. Never holds any of the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is a file where the new key was to go.
    #[error("make the key {}: there is a file of this name", path.display())]
    Exists {
        /// The key's file.
        path: PathBuf,
    },
    /// The system gave no random numbers.
    #[error("make the key {}: the system gives no random numbers", path.display())]
    Random {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key could not be written.
    #[error("write the key {}", path.display())]
    Write {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key could not be read.
    #[error("read the key {}", path.display())]
    Unreadable {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not a private key, or the key could not be written as text.
    #[error("use the key {}: it is not a private key as OpenSSH writes it", path.display())]
    NotAKey {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ssh_key::Error,
    },
    /// The file is larger than any key.
    #[error("use the key {}: it is too large for a key", path.display())]
    TooBig {
        /// The key's file.
        path: PathBuf,
    },
}

/// The public half of the key at `path`, which is made if there is none.
pub fn ensure_key(path: &Path, comment: &str) -> Result<String, KeyError> {
    match public_key(path) {
        Err(KeyError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            generate_key(path, comment)
        }
        result => result,
    }
}

/// Makes an ed25519 key pair, writes the private half to `path` and returns the public half as `KIND BASE64`.
/// Never replaces a file.
pub fn generate_key(path: &Path, comment: &str) -> Result<String, KeyError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(KeyError::Exists {
            path: path.to_owned(),
        });
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|source| KeyError::Random {
        path: path.to_owned(),
        source: io::Error::other(source.to_string()),
    })?;
    let not_a_key = |source| KeyError::NotAKey {
        path: path.to_owned(),
        source,
    };
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment).map_err(not_a_key)?;
    let text = key.to_openssh(LineEnding::LF).map_err(not_a_key)?;
    let public = public_text(&key).map_err(not_a_key)?;
    write_key(path, text.as_bytes())?;
    Ok(public)
}

/// The public half of the private key at `path` as `KIND BASE64`.
pub fn public_key(path: &Path) -> Result<String, KeyError> {
    let unreadable = |source| KeyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = match disk::read(path, LIMIT).map_err(unreadable)? {
        Content::Missing => return Err(unreadable(io::ErrorKind::NotFound.into())),
        Content::TooBig(_) => {
            return Err(KeyError::TooBig {
                path: path.to_owned(),
            });
        }
        Content::Bytes(bytes) => bytes,
    };
    PrivateKey::from_openssh(&bytes)
        .and_then(|key| public_text(&key))
        .map_err(|source| KeyError::NotAKey {
            path: path.to_owned(),
            source,
        })
}

fn public_text(key: &PrivateKey) -> Result<String, ssh_key::Error> {
    let mut public = key.public_key().clone();
    public.set_comment("");
    Ok(public.to_openssh()?.trim_end().to_owned())
}

/// Writes the key beside its place and links it there: a cut leaves no half key, and a link replaces nothing.
fn write_key(path: &Path, text: &[u8]) -> Result<(), KeyError> {
    let write = |source| KeyError::Write {
        path: path.to_owned(),
        source,
    };
    let temporary = disk::sibling(path, ".", ".tmp");
    disk::write_new(&temporary, text, OWNER_ONLY).map_err(write)?;
    let linked = fs::hard_link(&temporary, path);
    let removed = fs::remove_file(&temporary);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(KeyError::Exists {
            path: path.to_owned(),
        }),
        linked => linked
            .and(removed)
            .and_then(|()| disk::sync_dir(disk::folder(path)))
            .map_err(write),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::parse_public_key;

    #[test]
    fn a_key_is_made_once() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("id_ed25519");
        let public = ensure_key(&path, "roboinfra twin").expect("it is made");
        assert!(
            public.starts_with("ssh-ed25519 AAAA") && public.split(' ').count() == 2,
            "{public}"
        );
        assert_eq!(parse_public_key(&public), Ok(public.clone()));
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(lab.path()).expect("it is there").count(), 1);

        assert_eq!(ensure_key(&path, "again").expect("it is read"), public);
        let error = generate_key(&path, "again").expect_err("there is one");
        assert!(matches!(error, KeyError::Exists { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), text);

        let other = ensure_key(&lab.path().join("other"), "").expect("it is made");
        assert_ne!(other, public);
    }

    #[test]
    fn a_link_to_nowhere_is_not_followed() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("id_ed25519");
        std::os::unix::fs::symlink("elsewhere", &path).expect("it is created");
        let error = ensure_key(&path, "").expect_err("there is a file of this name");
        assert!(matches!(error, KeyError::Exists { .. }), "{error}");
        assert!(!lab.path().join("elsewhere").exists());
    }

    #[test]
    fn what_is_no_key_is_not_shown() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("id_ed25519");
        ensure_key(&path, "").expect("it is made");
        let text = fs::read_to_string(&path).expect("it is there");
        let half = &text[..text.len() / 2];
        fs::write(&path, half).expect("it is written");
        let error = ensure_key(&path, "").expect_err("it is half a key");
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("b3BlbnNzaC"), "{shown}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), half);
    }
}
