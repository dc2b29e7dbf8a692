//! Digests as the writers make them: without them no fuzzer gets past the first line of a reader.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Lower-case hexadecimal digits of the digest of some parts.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    sha.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// A text with the seal that a lockfile ends with.
pub fn sealed(text: &str) -> String {
    format!(
        "{text}\n[seal]\nsha256 = \"{}\"\n",
        digest(&[text.as_bytes()])
    )
}

/// Each line of a text as a line of a journal, with its checksum.
pub fn chained(text: &[u8]) -> Vec<u8> {
    let mut check = String::new();
    let mut all = Vec::new();
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        check = digest(&[check.as_bytes(), line]);
        check.truncate(16);
        all.extend_from_slice(format!("{{\"v\":1,\"check\":\"{check}\",\"record\":").as_bytes());
        all.extend_from_slice(line);
        all.extend_from_slice(b"}\n");
    }
    all
}
