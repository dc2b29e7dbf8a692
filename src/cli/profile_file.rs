//! The profile's file and the files that it names.
//!
//! Owns: finding and reading them, with a bound. Does not own: what they mean (`profile`).

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::exit;
use super::settings::Settings;
use crate::profile::{self, Parsed};

/// A profile of a thousand node groups is some 300 KB.
const PROFILE_LIMIT: u64 = 1024 * 1024;

/// A step goes to a host in one piece: so many KiB.
const STEP_KIB: u64 = 256;

/// The profile's text, and what became of it with the files of its steps.
pub(super) fn read_lab(path: &Path, settings: &Settings) -> Result<(String, Parsed), CliError> {
    let text = read_profile(path)?;
    let file = |written: &str| {
        let place = beside(path, settings.home.as_deref(), written);
        read_text(&place, STEP_KIB)
    };
    let parsed = profile::parse_with(&text, &file);
    Ok((text, parsed))
}

/// Where a file is that the profile names: beside the profile, unless it is absolute or in the user's home.
pub(super) fn beside(profile: &Path, home: Option<&Path>, written: &str) -> PathBuf {
    let folder = profile.parent().unwrap_or(Path::new("."));
    match (written.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(written),
    }
}

/// The profile's file as text, or a clear reason why not.
fn read_profile(path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let (what, help) = match error.kind() {
            ErrorKind::NotFound => (
                format!("there is no profile {shown}"),
                Some("make one with `roboinfra init`, or name another with --file"),
            ),
            ErrorKind::IsADirectory => (
                format!("the profile {shown} is a folder"),
                Some("name the file in it with --file"),
            ),
            _ => (format!("could not read the profile {shown}: {error}"), None),
        };
        let told = CliError::new(what).code(exit::PROFILE);
        match help {
            Some(help) => told.hint(help),
            None => told,
        }
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(PROFILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > PROFILE_LIMIT {
        let told =
            CliError::new(format!("the profile {shown} is larger than 1 MiB")).code(exit::PROFILE);
        return Err(told.hint("a lab profile is a few kilobytes: is this the right file?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let told = CliError::new(format!(
            "the profile {shown} is not text: byte {place} is not UTF-8"
        ));
        told.code(exit::PROFILE)
            .hint("a lab profile is a TOML file in UTF-8: is this the right file?")
    })
}

/// The text of a file that the profile names, or why there is none.
pub(super) fn read_text(path: &Path, most_kib: u64) -> Result<String, String> {
    let shown = path.display();
    // Looked at before it is opened: a pipe would be waited for.
    let opened = std::fs::metadata(path).and_then(|found| {
        if found.is_file() {
            std::fs::File::open(path)
        } else {
            Err(std::io::Error::other("it is not a file"))
        }
    });
    let most = most_kib * 1024;
    let mut bytes = Vec::new();
    let read = opened.and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no file {shown}"),
        _ => format!("the file {shown} cannot be read: {error}"),
    })?;
    if bytes.len() as u64 > most {
        return Err(format!("the file {shown} is larger than {most_kib} KiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(format!("the file {shown} is not text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_steps() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("step.sh");
        let too_large = vec![b'x'; 300_000];
        for (bytes, said) in [
            (&b"#!/usr/bin/env bash\n"[..], None),
            (b"a\0b", Some("not text")),
            (b"\xff", Some("not text")),
            (&too_large, Some("larger than 256 KiB")),
        ] {
            std::fs::write(&path, bytes).expect("written");
            match (read_text(&path, STEP_KIB), said) {
                (Ok(text), None) => assert_eq!(text.as_bytes(), bytes),
                (Err(why), Some(said)) => assert!(why.contains(said), "{why}"),
                (read, said) => unreachable!("{read:?} {said:?}"),
            }
        }
        for (path, said) in [
            (folder.path().join("none"), "there is no file"),
            (folder.path().to_owned(), "it is not a file"),
        ] {
            let why = read_text(&path, STEP_KIB).expect_err("no step");
            assert!(why.contains(said), "{why}");
        }
    }

    #[test]
    fn a_path_is_taken_from_the_profile() {
        let (profile, home) = (Path::new("labs/lab.toml"), Some(Path::new("/home/me")));
        for (written, found) in [
            ("steps/a.sh", "labs/steps/a.sh"),
            ("~/a.sh", "/home/me/a.sh"),
            ("/srv/a.sh", "/srv/a.sh"),
        ] {
            assert_eq!(beside(profile, home, written), Path::new(found));
        }
    }
}
