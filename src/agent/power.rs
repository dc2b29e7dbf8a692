//! What people at the machine see, and its end.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::sample::command::{self, Ended, Program};

/// The longest that asking for a shutdown may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Writes a line to every terminal of the machine, those of tmux and of notebooks included; none of them can hold it up.
pub(crate) fn tell_everybody(root: &Path, line: &str) -> usize {
    let Ok(terminals) = fs::read_dir(root.join("dev/pts")) else {
        return 0;
    };
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).expect("flags of open");
    let text = format!("\r\n\u{7}roboinfra: {line}\r\n");
    let numbered = terminals.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        name.to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok())
    });
    numbered
        .filter(|entry| {
            OpenOptions::new()
                .append(true)
                .custom_flags(flags)
                .open(entry.path())
                .and_then(|mut terminal| terminal.write_all(text.as_bytes()))
                .is_ok()
        })
        .count()
}

/// Asks for the machine's shutdown, in one way or the other. This blocks until it is asked for, not until it comes.
pub(crate) fn shut_down(programs: Option<&Path>) -> Result<(), String> {
    let ways: [(&str, &[&str]); 2] = [
        ("systemctl", &["--no-block", "poweroff"]),
        ("shutdown", &["-h", "now"]),
    ];
    let mut why = Vec::new();
    for (name, arguments) in ways {
        let Some(path) = command::find(name, programs) else {
            why.push(format!("there is no {name}"));
            continue;
        };
        match Program::new(path, LIMIT).run(arguments) {
            Ended::Said { well: true, .. } => return Ok(()),
            other => why.push(format!("{name}: {other:?}")),
        }
    }
    Err(why.join("; "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    #[test]
    fn every_terminal_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let terminals = folder.path().join("dev/pts");
        fs::create_dir_all(&terminals).expect("a folder");
        for name in ["0", "17", "ptmx"] {
            fs::write(terminals.join(name), "").expect("a file");
        }
        assert_eq!(tell_everybody(folder.path(), "it ends"), 2);
        let told = fs::read_to_string(terminals.join("17")).expect("a file");
        assert_eq!(told, "\r\n\u{7}roboinfra: it ends\r\n");
        assert_eq!(tell_everybody(Path::new("/no/such/root"), "x"), 0);
    }

    #[test]
    fn the_other_way_is_tried_when_the_first_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = folder.path().join("asked");
        program(folder.path(), "systemctl", "exit 1");
        program(
            folder.path(),
            "shutdown",
            &format!("echo \"$@\" >{}", asked.display()),
        );
        let programs = Some(folder.path());
        assert_eq!(shut_down(programs), Ok(()));
        assert_eq!(fs::read_to_string(&asked).expect("asked"), "-h now\n");
        program(folder.path(), "shutdown", "exit 1");
        let why = shut_down(programs).expect_err("both fail");
        assert!(
            why.contains("systemctl") && why.contains("shutdown"),
            "{why}"
        );
    }
}
