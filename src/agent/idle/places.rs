//! Holds and bootstrap steps: files that say that the machine is to be left alone.

use std::fs;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::signal::Measured;
use super::titles::{self, Process};
use crate::model::Hold;

/// How long a bootstrap that nobody goes on with keeps a machine awake.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);

/// The hold; one that cannot be read stands.
pub(crate) fn hold(path: &Path, now: Timestamp) -> Measured {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Measured::Quiet,
        Err(error) => return Measured::Unknown(format!("the hold {}: {error}", path.display())),
    };
    match Hold::parse(&text) {
        Err(error) => Measured::Unknown(format!("the hold {}: {error}", path.display())),
        Ok(hold) if !hold.stands(now) => Measured::Quiet,
        Ok(hold) => {
            let until = hold.until.map_or_else(
                || "until it is taken away".to_owned(),
                |until| format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
            );
            let by = if hold.by.is_empty() {
                "somebody"
            } else {
                &hold.by
            };
            Measured::Busy(format!("held {until} by {by}"))
        }
    }
}

/// Bootstrap: a step that runs, or one that was stored and is not done yet, for as long as somebody may be about to go on.
pub(crate) fn steps(root: &Path, processes: &[Process], now: Timestamp) -> Measured {
    let runs = processes.iter().find_map(|one| titles::step(&one.title));
    if let Some(step) = runs {
        return Measured::Busy(format!("the step {step} runs"));
    }
    let folder = root.join("var/lib/roboinfra/steps");
    let steps = match fs::read_dir(&folder) {
        Ok(steps) => steps,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Measured::Quiet,
        Err(error) => return Measured::Unknown(format!("{}: {error}", folder.display())),
    };
    let mut words = Vec::new();
    for step in steps.filter_map(Result::ok) {
        let current = step.path().join("current");
        let touched = newest(&current);
        let recent = touched.is_some_and(|at| now.duration_since(at) < UNFINISHED);
        let state = fs::read_to_string(current.join("state")).unwrap_or_default();
        let name = step.file_name().to_string_lossy().into_owned();
        if recent && is_unfinished(&state) {
            words.push(format!("the step {name} is not done yet"));
        }
    }
    words.sort();
    Measured::from_words(&words)
}

/// Whether a step that stands so is going to be started: it was never started, or it waits for a reboot or for something
/// that passes by itself. A step that failed waits for people, and people log in.
fn is_unfinished(state: &str) -> bool {
    let line = state.lines().find_map(|line| line.strip_prefix("state="));
    matches!(line, None | Some("reboot" | "later" | "interrupted"))
}

fn newest(folder: &Path) -> Option<Timestamp> {
    ["script", "state"]
        .iter()
        .filter_map(|name| fs::metadata(folder.join(name)).ok()?.modified().ok())
        .filter_map(|time| Timestamp::try_from(time).ok())
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a point in time")
    }

    #[test]
    fn holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hold");
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(hold(&path, now), Measured::Quiet);
        fs::write(&path, "until=2026-11-21T14:00:00Z\nby=ada\n").expect("a file");
        let expected = "held until 2026-11-21 14:00 UTC by ada".to_owned();
        assert_eq!(hold(&path, now), Measured::Busy(expected));
        assert_eq!(hold(&path, at("2026-11-21T14:00:00Z")), Measured::Quiet);
        fs::write(&path, "2 hours please").expect("a file");
        assert!(matches!(hold(&path, now), Measured::Unknown(_)));
        fs::write(&path, "").expect("a file");
        assert!(matches!(hold(&path, now), Measured::Busy(_)));
        assert!(
            matches!(hold(folder.path(), now), Measured::Unknown(_)),
            "a folder is no hold that can be read"
        );
    }

    #[test]
    fn a_bootstrap_under_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let now = Timestamp::now();
        assert_eq!(steps(root, &[], now), Measured::Quiet);
        fs::create_dir_all(root.join("var/lib/roboinfra")).expect("a folder");
        let folder = root.join("var/lib/roboinfra/steps");
        fs::write(&folder, "").expect("a file");
        assert!(
            matches!(steps(root, &[], now), Measured::Unknown(_)),
            "it cannot be read"
        );
        fs::remove_file(&folder).expect("it is there");
        let current = root.join("var/lib/roboinfra/steps/docker/current");
        fs::create_dir_all(&current).expect("a folder");
        fs::write(current.join("script"), "x").expect("a file");
        assert!(
            matches!(steps(root, &[], now), Measured::Busy(_)),
            "it was just stored"
        );
        let later = now + SignedDuration::from_hours(2);
        assert_eq!(steps(root, &[], later), Measured::Quiet, "nobody went on");
        for (state, busy) in [
            ("done", false),
            ("failed", false),
            ("reboot", true),
            ("running", false),
        ] {
            fs::write(current.join("state"), format!("state={state}\nrc=0\n")).expect("a file");
            let found = steps(root, &[], Timestamp::now());
            assert_eq!(
                matches!(found, Measured::Busy(_)),
                busy,
                "{state}: {found:?}"
            );
        }
        let runner = Process {
            pid: 9,
            title: "bash /var/lib/roboinfra/bin/runner-01 exec base 00 60".to_owned(),
        };
        assert_eq!(
            steps(root, &[runner], now),
            Measured::Busy("the step base runs".to_owned())
        );
    }
}
