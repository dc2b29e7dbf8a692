//! Runs the lab's own program when a notice comes. It runs as a unit of its own where there is systemd, so that it
//! outlives a daemon that is restarted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::notice::Notice;
use crate::agent::sample::command::{self, Ended, Program};

/// How a hook is started.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    /// Where `run/systemd/system` tells that there is systemd.
    pub(crate) root: PathBuf,
    /// A folder in which programs are looked for first.
    pub(crate) programs: Option<PathBuf>,
}

impl Hooks {
    /// Runs it and waits for its end; this blocks for the time that is left. In words, what became of it.
    pub(crate) fn run(
        &self,
        hook: &Path,
        notice: &Notice,
        left: Duration,
    ) -> Result<String, String> {
        if !hook.is_file() {
            return Err(format!("there is no {}", hook.display()));
        }
        let seconds = left.as_secs().max(1);
        let environment = [
            format!("ROBOINFRA_ACTION={}", notice.kind.name()),
            format!("ROBOINFRA_TIME={}", notice.time),
            format!("ROBOINFRA_SECONDS_LEFT={seconds}"),
        ];
        let mut words: Vec<String> = Vec::new();
        let program = self.systemd_run().map_or_else(
            || command::find("env", self.programs.as_deref()),
            |path| {
                let unit = format!("--unit=roboinfra-hook-{}", notice.kind.name());
                let limit = format!("--property=RuntimeMaxSec={seconds}");
                words.extend([
                    "--wait".to_owned(),
                    "--collect".to_owned(),
                    "--quiet".to_owned(),
                ]);
                words.extend([unit, limit]);
                words.extend(environment.iter().map(|pair| format!("--setenv={pair}")));
                Some(path)
            },
        );
        let program = program.ok_or("there is neither systemd-run nor env")?;
        if words.is_empty() {
            words.extend(environment);
        }
        words.push(hook.display().to_string());
        match Program::new(program, left.max(Duration::from_secs(1))).run(words) {
            Ended::Said { well: true, .. } => Ok("done".to_owned()),
            Ended::Said { well: false, .. } => Err("it failed".to_owned()),
            Ended::TooSlow => Err(format!("it did not end in {seconds} s")),
            other => Err(format!("{other:?}")),
        }
    }

    fn systemd_run(&self) -> Option<PathBuf> {
        if !self.root.join("run/systemd/system").is_dir() {
            return None;
        }
        command::find("systemd-run", self.programs.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::agent::spot::notice::Kind;

    fn program(path: &Path, text: &str) {
        fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn notice() -> Notice {
        Notice {
            kind: Kind::Stop,
            time: "2026-11-21T08:22:00Z".to_owned(),
        }
    }

    #[test]
    fn a_hook_is_told_what_happens_and_how_long_it_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let hook = folder.path().join("hook");
        let told = folder.path().join("told");
        let write = format!(
            "echo $ROBOINFRA_ACTION $ROBOINFRA_TIME $ROBOINFRA_SECONDS_LEFT >{}",
            told.display()
        );
        program(&hook, &write);
        let hooks = Hooks {
            root: folder.path().to_owned(),
            programs: None,
        };
        let left = Duration::from_secs(90);
        assert_eq!(hooks.run(&hook, &notice(), left), Ok("done".to_owned()));
        let told = fs::read_to_string(told).expect("it ran");
        assert_eq!(told, "stop 2026-11-21T08:22:00Z 90\n");
        program(&hook, "exit 3");
        assert!(hooks.run(&hook, &notice(), left).is_err());
        program(&hook, "exec sleep 60");
        let why = hooks
            .run(&hook, &notice(), Duration::ZERO)
            .expect_err("too slow");
        assert!(why.contains("1 s"), "{why}");
        assert!(
            hooks
                .run(Path::new("/no/such/hook"), &notice(), left)
                .is_err()
        );
    }

    #[test]
    fn under_systemd_it_is_a_unit_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("run/systemd/system")).expect("a folder");
        let told = folder.path().join("told");
        program(
            &folder.path().join("systemd-run"),
            &format!("echo \"$@\" >{}", told.display()),
        );
        let hook = folder.path().join("hook");
        program(&hook, "exit 1");
        let hooks = Hooks {
            root: folder.path().to_owned(),
            programs: Some(folder.path().to_owned()),
        };
        assert!(hooks.run(&hook, &notice(), Duration::from_secs(90)).is_ok());
        let told = fs::read_to_string(told).expect("it ran");
        assert!(told.contains("--unit=roboinfra-hook-stop"), "{told}");
        assert!(told.contains("--property=RuntimeMaxSec=90"), "{told}");
        assert!(told.contains("--setenv=ROBOINFRA_ACTION=stop"), "{told}");
    }
}
