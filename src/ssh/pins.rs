//! The lab's own known_hosts: OpenSSH's format, so that `ssh` itself can use it; one alias for each host.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// The pinned host keys of a lab.
#[derive(Debug, Clone)]
pub struct Pins {
    path: PathBuf,
}

/// What a pinned key says of a key that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCheck {
    /// It is the one.
    Same,
    /// Another one is pinned.
    Other,
    /// None is pinned.
    Unknown,
}

/// The pinned keys could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the host keys in {}", path.display())]
pub struct PinsError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A key's fingerprint as OpenSSH shows it: `SHA256:…`.
pub fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// A key's own name of its kind, which is the first field of its encoding: `ssh-ed25519`.
pub(super) fn kind(key: &[u8]) -> Option<&str> {
    let length = u32::from_be_bytes(key.get(..4)?.try_into().ok()?);
    let end = 4_usize.checked_add(usize::try_from(length).ok()?)?;
    std::str::from_utf8(key.get(4..end)?).ok()
}

impl Pins {
    /// The keys in a file, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compares an offered key with the pinned ones.
    pub fn check(&self, alias: &str, key: &[u8]) -> Result<KeyCheck, PinsError> {
        let pinned = self.of(alias)?;
        Ok(if pinned.is_empty() {
            KeyCheck::Unknown
        } else if pinned.iter().any(|pinned| pinned == key) {
            KeyCheck::Same
        } else {
            KeyCheck::Other
        })
    }

    /// The keys that are pinned under an alias.
    pub fn of(&self, alias: &str) -> Result<Vec<Vec<u8>>, PinsError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.failed(source)),
        };
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                (words.next()? == alias).then_some(())?;
                STANDARD.decode(words.nth(1)?).ok()
            })
            .collect())
    }

    /// Pins a key.
    pub fn add(&self, alias: &str, key: &[u8]) -> Result<(), PinsError> {
        let kind = kind(key).unwrap_or("unknown");
        let line = format!("{alias} {kind} {}\n", STANDARD.encode(key));
        let write = || {
            let mut file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&self.path)?;
            // One write, so that two hosts at once do not mix their lines.
            file.write_all(line.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> PinsError {
        PinsError {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Vec<u8> {
        let mut key = vec![0, 0, 0, 11];
        key.extend(b"ssh-ed25519");
        key.extend([0, 0, 0, 1, byte]);
        key
    }

    #[test]
    fn a_pinned_key_is_the_only_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = Pins::new(folder.path().join("known_hosts"));
        assert_eq!(
            pins.check("i-1", &key(1)).expect("readable"),
            KeyCheck::Unknown
        );
        pins.add("i-1", &key(1)).expect("writable");
        pins.add("i-2", &key(2)).expect("writable");
        assert_eq!(
            pins.check("i-1", &key(1)).expect("readable"),
            KeyCheck::Same
        );
        assert_eq!(
            pins.check("i-1", &key(2)).expect("readable"),
            KeyCheck::Other
        );
        assert_eq!(
            pins.check("i-2", &key(2)).expect("readable"),
            KeyCheck::Same
        );
        assert_eq!(
            pins.check("i-", &key(2)).expect("readable"),
            KeyCheck::Unknown
        );
        let text = fs::read_to_string(pins.path()).expect("text");
        assert!(text.starts_with("i-1 ssh-ed25519 AAAAC3"), "{text}");
        assert!(fingerprint(&key(1)).starts_with("SHA256:"));
        assert_eq!(kind(&[0, 0, 0, 200, 1]), None);
    }
}
