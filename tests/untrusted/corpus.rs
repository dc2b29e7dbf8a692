//! The corpus of the fuzzers, whole and cut, through the same checks.

use std::path::Path;

use crate::checks;

/// Checks every file of a corpus, as it is, cut in the middle, and with a byte changed.
fn hold(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("every target has a corpus") {
        let path = entry.expect("the corpus can be listed").path();
        let bytes = std::fs::read(&path).expect("the corpus can be read");
        files += 1;
        check(&bytes);
        for part in 1..8 {
            let at = bytes.len() * part / 8;
            check(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0x15;
            check(&changed);
        }
    }
    assert!(files >= 3, "{target} has {files} inputs");
}

#[test]
fn profiles() {
    hold("profile", checks::profile::check);
}

#[test]
fn lockfiles() {
    hold("lockfile", checks::lockfile::check);
}

#[test]
fn journals() {
    hold("journal", checks::journal::check);
}

#[test]
fn requests() {
    hold("requests", checks::requests::check);
}

#[test]
fn scenarios() {
    hold("scenario", checks::scenario::check);
}
