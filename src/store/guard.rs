//! One run at a time: an OS lock on a file, which dies with the process that holds it.
//!
//! The text in the file only says who holds the lock. A text without a lock is left over and means nothing.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Holder;
use super::disk::{self, Content};
use crate::port::Clock;

/// How often a waiting run looks again.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A description of a holder is some 200 bytes.
const TEXT_LIMIT: u64 = 4096;

/// The right to work on a lab. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Guard {
    /// The lock belongs to the open file.
    file: File,
}

/// The right to work on a lab was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Another run has it.
    #[error("work on this lab: another run is at it{}", holder.as_ref().map(|h| format!(": {h}")).unwrap_or_default())]
    Held {
        /// The guard's file.
        path: PathBuf,
        /// Who has it, if that could be read.
        holder: Option<Box<Holder>>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The guard's file could not be opened or created.
    #[error("open the guard {}", path.display())]
    Open {
        /// The guard's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system could not lock the file.
    #[error("lock the guard {}", path.display())]
    Lock {
        /// The guard's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is locked, and the holder could not be written to it.
    #[error("write who holds the guard to {}", path.display())]
    Describe {
        /// The guard's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Guard {
    /// Obtains the guard, waiting up to `timeout` for whoever has it. `waiting` is told once per holder that is
    /// waited for.
    pub async fn acquire(
        path: &Path,
        holder: &Holder,
        timeout: Duration,
        clock: &dyn Clock,
        waiting: &mut (dyn FnMut(Option<&Holder>) + Send),
    ) -> Result<Self, GuardError> {
        let mut waited = Duration::ZERO;
        let mut told: Option<Option<Holder>> = None;
        loop {
            if let Some(guard) = Self::attempt(path, holder)? {
                return Ok(guard);
            }
            let other = read_holder(path);
            if waited >= timeout {
                return Err(GuardError::Held {
                    path: path.to_owned(),
                    holder: other.map(Box::new),
                    waited,
                });
            }
            if told.as_ref() != Some(&other) {
                waiting(other.as_ref());
                told = Some(other);
            }
            let pause = LOOK_EVERY.min(timeout.saturating_sub(waited));
            clock.sleep(pause).await;
            waited += pause;
        }
    }

    /// Takes the guard if it is free.
    fn attempt(path: &Path, holder: &Holder) -> Result<Option<Self>, GuardError> {
        let open = |source| GuardError::Open {
            path: path.to_owned(),
            source,
        };
        let file = disk::open_private(path).map_err(open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => {
                return Err(GuardError::Lock {
                    path: path.to_owned(),
                    source,
                });
            }
        }
        // Someone may have removed the file between its opening and its locking: then the lock guards nothing.
        if !is_at(&file, path).map_err(open)? {
            return Ok(None);
        }
        let mut guard = Self { file };
        guard
            .describe(&holder.to_text())
            .map_err(|source| GuardError::Describe {
                path: path.to_owned(),
                source,
            })?;
        Ok(Some(guard))
    }

    fn describe(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The lock goes with the file; the text is only tidied up.
        let _ = self.file.set_len(0);
    }
}

/// Who is said to hold the guard.
fn read_holder(path: &Path) -> Option<Holder> {
    match disk::read(path, TEXT_LIMIT) {
        Ok(Content::Bytes(text)) => Holder::from_text(&text),
        _ => None,
    }
}

/// Whether the open file is the one that `path` names.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::port::{TestClock, TokioClock};

    const NO_WAIT: Duration = Duration::ZERO;
    const CHILD: &str = "ROBOINFRA_TEST_GUARD";

    fn holder(command: &str) -> Holder {
        Holder::here("anna", command, Timestamp::UNIX_EPOCH)
    }

    fn acquire(path: &Path, command: &str, timeout: Duration) -> Result<Guard, GuardError> {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        block_on(Guard::acquire(
            path,
            &holder(command),
            timeout,
            &clock,
            &mut |_| {},
        ))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    #[test]
    fn the_second_is_told_who_has_it_and_the_third_gets_it() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("guard");
        let first = acquire(&path, "roboinfra apply", NO_WAIT).expect("it is free");
        let error = acquire(&path, "roboinfra destroy", Duration::from_secs(2)).expect_err("held");
        let GuardError::Held {
            holder: Some(other),
            waited,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(**other, holder("roboinfra apply"));
        assert_eq!(*waited, Duration::from_secs(2));
        assert!(
            error.to_string().contains("`roboinfra apply`, process"),
            "{error}"
        );
        drop(first);
        let _third = acquire(&path, "roboinfra destroy", NO_WAIT).expect("it is free again");
    }

    #[test]
    fn a_text_that_a_dead_process_left_means_nothing() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("guard");
        for text in [
            holder("roboinfra apply and a longer text").to_text(),
            "garbage".to_owned(),
        ] {
            fs::write(&path, text).expect("it is written");
            let guard = acquire(&path, "me", NO_WAIT).expect("nobody holds it");
            assert_eq!(read_holder(&path), Some(holder("me")));
            drop(guard);
            assert_eq!(read_holder(&path), None);
        }
    }

    #[test]
    fn a_waiting_run_is_told_once_and_gets_it_when_it_is_free() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("guard");
        let mut first = Some(acquire(&path, "first", NO_WAIT).expect("it is free"));
        let told = AtomicUsize::new(0);
        block_on(async {
            let me = holder("second");
            let mut waiting = |other: Option<&Holder>| {
                assert_eq!(other.map(|h| h.command.as_str()), Some("first"));
                told.fetch_add(1, Ordering::SeqCst);
            };
            let patience = Duration::from_secs(30);
            let second = Guard::acquire(&path, &me, patience, &TokioClock, &mut waiting);
            let release = async {
                tokio::time::sleep(LOOK_EVERY * 2).await;
                drop(first.take());
            };
            let (second, ()) = tokio::join!(second, release);
            second.expect("it was set free");
        });
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn only_one_of_many_threads_has_it_at_a_time() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("guard");
        let inside = AtomicUsize::new(0);
        let entered = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_guard) = acquire(&path, "thread", NO_WAIT) {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            entered.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(entered.load(Ordering::SeqCst) > 0);
    }

    #[test]
    fn a_guard_that_cannot_be_opened_is_named() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        for path in [lab.path().to_owned(), lab.path().join("none/guard")] {
            let error = acquire(&path, "me", NO_WAIT).expect_err("there is no file");
            assert!(matches!(error, GuardError::Open { .. }), "{error}");
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
        }
    }

    /// Not a test: what the process of the next test does.
    #[test]
    #[ignore = "the child of another test"]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test binary takes no arguments of its own"
    )]
    fn child_holds_the_guard() {
        let path = std::env::var_os(CHILD).expect("the parent names the file");
        let _guard = acquire(Path::new(&path), "child", NO_WAIT).expect("it is free");
        println!("\nheld");
        let mut line = String::new();
        // Until the parent goes away.
        let _ = io::stdin().read_line(&mut line);
    }

    #[test]
    fn it_dies_with_its_process() {
        let lab = tempfile::tempdir().expect("a folder for the test");
        let path = lab.path().join("guard");
        let mut child = Command::new(std::env::current_exe().expect("this test's binary"))
            .args(["--exact", "store::guard::tests::child_holds_the_guard"])
            .args(["--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        let held = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "held");
        assert!(held, "the child did not get the guard");

        let error = acquire(&path, "me", NO_WAIT).expect_err("the child holds it");
        let GuardError::Held {
            holder: Some(other),
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(other.pid, child.id());
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert_eq!(
            read_holder(&path).map(|h| h.command),
            Some("child".to_owned())
        );
        let _mine = acquire(&path, "me", NO_WAIT).expect("the holder is dead");
    }
}
