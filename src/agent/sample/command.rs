//! Runs a program that may never end. One that does not end in time is killed; one that cannot be killed (it waits in
//! the driver) is left to a thread that waits for it, and is not started again before that.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The most that is read of what a program prints.
const LIMIT: u64 = 256 * 1024;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended by itself, well or not, and printed this.
    Said { text: String, well: bool },
    /// It is not installed.
    NotThere,
    /// It did not end in time.
    TooSlow,
    /// An earlier one has still not ended.
    StillThere,
    /// It could not be started.
    NotStarted(String),
}

/// A program that is run again and again.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    limit: Duration,
    unended: Arc<AtomicBool>,
}

impl Program {
    pub(crate) fn new(path: PathBuf, limit: Duration) -> Self {
        Self {
            path,
            limit,
            unended: Arc::default(),
        }
    }

    /// Runs it; this blocks up to the limit.
    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        if self.unended.load(Ordering::SeqCst) {
            return Ended::StillThere;
        }
        let spawned = Command::new(&self.path)
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ended::NotThere,
            Err(error) => return Ended::NotStarted(error.to_string()),
        };
        let (sender, receiver) = mpsc::channel();
        let stdout = child.stdout.take();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.map(|out| out.take(LIMIT).read_to_end(&mut bytes));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // Nobody listens any more if it took too long.
            let _ = sender.send((text, matches!(read, Some(Ok(_)))));
        });
        let Ok((text, read)) = receiver.recv_timeout(self.limit) else {
            self.abandon(child);
            return Ended::TooSlow;
        };
        let well = self.wait(child);
        Ended::Said {
            text,
            well: well && read,
        }
    }

    /// It has closed its output: it ends now, or it is made to.
    fn wait(&self, mut child: Child) -> bool {
        for _ in 0..20 {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => pause(),
                Err(_) => return false,
            }
        }
        self.abandon(child);
        false
    }

    fn abandon(&self, mut child: Child) {
        let unended = Arc::clone(&self.unended);
        unended.store(true, Ordering::SeqCst);
        thread::spawn(move || {
            let _ = child.kill();
            let _ = child.wait();
            unended.store(false, Ordering::SeqCst);
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program's end is awaited on a thread of its own"
)]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}

/// Where a program lies: in `first`, or in the usual folders.
pub(crate) fn find(name: &str, first: Option<&Path>) -> Option<PathBuf> {
    let usual = ["/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin"];
    first
        .into_iter()
        .chain(usual.iter().map(Path::new))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(limit: Duration) -> Program {
        Program::new("/bin/sh".into(), limit)
    }

    #[test]
    fn what_a_program_says_and_how_it_ends() {
        let shell = shell(Duration::from_secs(20));
        let said = |text: &str, well| Ended::Said {
            text: text.to_owned(),
            well,
        };
        assert_eq!(
            shell.run(["-c", "echo one; echo two >&2"]),
            said("one\n", true)
        );
        assert_eq!(shell.run(["-c", "echo one; exit 3"]), said("one\n", false));
        let none = Program::new("/no/such/program".into(), Duration::from_secs(1));
        assert_eq!(none.run([""; 0]), Ended::NotThere);
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let shell = shell(Duration::from_millis(100));
        assert_eq!(shell.run(["-c", "exec sleep 60"]), Ended::TooSlow);
        // It is killed at once, so soon another may be started.
        let mut again = shell.run(["-c", "echo one"]);
        for _ in 0..100 {
            if again != Ended::StillThere {
                break;
            }
            pause();
            again = shell.run(["-c", "echo one"]);
        }
        assert!(
            matches!(again, Ended::Said { .. } | Ended::TooSlow),
            "{again:?}"
        );
    }

    #[test]
    fn programs_are_looked_for_where_they_may_be() {
        assert_eq!(find("sh", None).is_some(), Path::new("/bin/sh").exists());
        assert_eq!(find("no-such-program", Some(Path::new("/nowhere"))), None);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("sh"), "").expect("a file");
        assert_eq!(
            find("sh", Some(folder.path())),
            Some(folder.path().join("sh"))
        );
    }
}
