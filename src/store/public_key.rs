//! Public keys of people who may log in.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::disk::{self, Content};

/// A public key takes a few hundred bytes.
const LIMIT: u64 = 64 << 10;

/// The kinds of key that OpenSSH takes today, without certificates.
const ALGORITHMS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Why a text is not one public key. Never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyProblem {
    /// There is no key in it.
    #[error("there is no key in it")]
    Empty,
    /// It is the private half.
    #[error(
        "it holds a private key; the public one is in the file of the same name with .pub at its end"
    )]
    Private,
    /// There are several.
    #[error("it holds more than one key")]
    Several,
    /// It is no key, or none that is taken.
    #[error("it is not a public key of the kind ed25519, RSA or ECDSA as OpenSSH writes it")]
    NotAKey,
    /// Its parts do not fit together.
    #[error("the key in it is damaged")]
    Damaged,
}

/// A public key could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// The file could not be read.
    #[error("read the public key {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("use the public key {}", path.display())]
    Problem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PublicKeyProblem,
    },
}

/// Reads a public key as `KIND BASE64`, without its comment.
pub fn read_public_key(path: &Path) -> Result<String, PublicKeyError> {
    let unreadable = |source| PublicKeyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let problem = |source| PublicKeyError::Problem {
        path: path.to_owned(),
        source,
    };
    match disk::read(path, LIMIT).map_err(unreadable)? {
        Content::Missing => Err(unreadable(io::ErrorKind::NotFound.into())),
        Content::TooBig(_) => Err(problem(PublicKeyProblem::NotAKey)),
        Content::Bytes(bytes) => {
            parse_public_key(&String::from_utf8_lossy(&bytes)).map_err(problem)
        }
    }
}

/// Takes one public key out of a text as OpenSSH writes it: `KIND BASE64`, without its comment.
pub fn parse_public_key(text: &str) -> Result<String, PublicKeyProblem> {
    if text.contains("PRIVATE KEY") || text.starts_with("PuTTY-User-Key-File") {
        return Err(PublicKeyProblem::Private);
    }
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().ok_or(PublicKeyProblem::Empty)?;
    if lines.next().is_some() {
        return Err(PublicKeyProblem::Several);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(algorithm), Some(data)) = (words.next(), words.next()) else {
        return Err(PublicKeyProblem::NotAKey);
    };
    if !ALGORITHMS.contains(&algorithm) {
        return Err(PublicKeyProblem::NotAKey);
    }
    let bytes = STANDARD
        .decode(data)
        .map_err(|_| PublicKeyProblem::Damaged)?;
    if is_whole(algorithm, &bytes) {
        Ok(format!("{algorithm} {data}"))
    } else {
        Err(PublicKeyProblem::Damaged)
    }
}

/// Whether the key's data are length-prefixed fields to the last byte, the first naming the algorithm (RFC 4253 6.6).
fn is_whole(algorithm: &str, bytes: &[u8]) -> bool {
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((length, tail)) = rest.split_first_chunk::<4>() else {
            return false;
        };
        let Ok(length) = usize::try_from(u32::from_be_bytes(*length)) else {
            return false;
        };
        let Some((field, tail)) = tail.split_at_checked(length) else {
            return false;
        };
        fields.push(field);
        rest = tail;
    }
    let expected = match algorithm {
        "ssh-ed25519" => 2,
        "sk-ecdsa-sha2-nistp256@openssh.com" => 4,
        _ => 3,
    };
    let is_short = algorithm == "ssh-ed25519" && fields.get(1).is_some_and(|key| key.len() != 32);
    fields.len() == expected && fields[0] == algorithm.as_bytes() && !is_short
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of an algorithm with fields of the given lengths.
    fn key(algorithm: &str, lengths: &[usize]) -> String {
        let mut bytes = Vec::new();
        let fields = lengths.iter().map(|length| vec![7; *length]);
        for field in std::iter::once(algorithm.as_bytes().to_vec()).chain(fields) {
            bytes.extend(u32::try_from(field.len()).expect("short").to_be_bytes());
            bytes.extend(field);
        }
        format!("{algorithm} {}", STANDARD.encode(bytes))
    }

    #[test]
    fn keys_lose_their_comment_and_nothing_else() {
        for (algorithm, lengths) in [
            ("ssh-ed25519", &[32][..]),
            ("ssh-rsa", &[3, 257]),
            ("ecdsa-sha2-nistp256", &[8, 65]),
            ("sk-ssh-ed25519@openssh.com", &[32, 4]),
            ("sk-ecdsa-sha2-nistp256@openssh.com", &[8, 65, 4]),
        ] {
            let key = key(algorithm, lengths);
            for text in [
                key.clone(),
                format!("{key} anna@laptop\n"),
                format!("# mine\r\n\r\n  {key}\tanna and more\r\n"),
            ] {
                assert_eq!(parse_public_key(&text), Ok(key.clone()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let good = key("ssh-ed25519", &[32]);
        let cases = [
            (String::new(), PublicKeyProblem::Empty),
            ("# nothing\n".to_owned(), PublicKeyProblem::Empty),
            (format!("{good}\n{good}\n"), PublicKeyProblem::Several),
            ("hello world".to_owned(), PublicKeyProblem::NotAKey),
            ("ssh-ed25519".to_owned(), PublicKeyProblem::NotAKey),
            (format!("command=\"sh\" {good}"), PublicKeyProblem::NotAKey),
            (key("ssh-dss", &[3]), PublicKeyProblem::NotAKey),
            (good[..good.len() - 4].to_owned(), PublicKeyProblem::Damaged),
            (key("ssh-ed25519", &[31]), PublicKeyProblem::Damaged),
            (key("ssh-ed25519", &[32, 1]), PublicKeyProblem::Damaged),
            (
                good.replacen("ssh-ed25519", "ssh-rsa", 1),
                PublicKeyProblem::Damaged,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_public_key(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_never_shown() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let path = dir.path().join("id");
        let text =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
        std::fs::write(&path, text).expect("it is written");
        let error = read_public_key(&path).expect_err("it is private");
        let shown = format!("{error:?} {error}");
        assert!(
            shown.contains("Private") && !shown.contains("c2VjcmV0"),
            "{shown}"
        );
        let error = read_public_key(&dir.path().join("none")).expect_err("there is none");
        assert!(
            matches!(error, PublicKeyError::Unreadable { .. }),
            "{error}"
        );
    }
}
