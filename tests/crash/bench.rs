//! A folder with a lab, the binary in it, and cases that run side by side.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::labs::AT_ONCE;

/// The binary.
pub(crate) const ROBOINFRA: &str = env!("CARGO_BIN_EXE_roboinfra");

/// No command of these tests takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Cases wait more than they compute.
const WORKERS: usize = 12;

/// A folder with a lab in it.
pub(crate) struct Bench {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) said: String,
}

impl Ran {
    /// Whether SIGKILL ended it.
    pub(crate) fn was_killed(&self) -> bool {
        self.signal == Some(9)
    }

    /// What it said, with line breaks and wrapping taken out.
    pub(crate) fn words(&self) -> String {
        self.said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// An error unless it ended with `code`.
    pub(crate) fn ends(&self, code: i32, what: &str) -> Result<(), String> {
        if self.said.contains("panicked") {
            return Err(format!("{what} panicked:\n{}", self.said));
        }
        if self.code == Some(code) {
            Ok(())
        } else {
            let (was, signal) = (self.code, self.signal);
            Err(format!(
                "{what}: exit code {was:?}, signal {signal:?} instead of {code}\n{}",
                self.said
            ))
        }
    }

    /// An error unless it says all of this.
    pub(crate) fn says(&self, texts: &[&str]) -> Result<(), String> {
        let words = self.words();
        match texts.iter().find(|text| !words.contains(**text)) {
            None => Ok(()),
            Some(text) => Err(format!("{text:?} is not in:\n{}", self.said)),
        }
    }
}

/// A new folder, in memory where there is such a place: thousands of cases sync thousands of files.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder for the test")
}

impl Bench {
    /// A lab of which nothing exists.
    pub(crate) fn new(profile: &str) -> Self {
        let bench = Self { folder: folder() };
        bench.write("lab.toml", profile);
        bench.scenario("");
        bench
    }

    /// A copy of a lab with its world.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { folder: folder() };
        copy_folder(self.path(), copy.path());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the lab's private files.
    pub(crate) fn home(&self) -> PathBuf {
        self.path().join(".roboinfra/sandbox")
    }

    pub(crate) fn lockfile(&self) -> PathBuf {
        self.home().join("roboinfra.lock")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.home().join("journal.jsonl")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("the folder can be written");
    }

    /// Sets what goes wrong from now on.
    pub(crate) fn scenario(&self, faults: &str) {
        self.write("scenario.toml", &format!("{AT_ONCE}{faults}"));
    }

    /// Runs `roboinfra WORDS` to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_under(&[], words)
    }

    /// The same under another program, such as strace with its options.
    pub(crate) fn run_under(&self, wrapper: &[String], words: &[&str]) -> Ran {
        let mut program = wrapper.iter().map(String::as_str).chain([ROBOINFRA]);
        let first = program.next().expect("there is a program");
        let mut command = Command::new(first);
        command.args(program).args(words);
        if !words.contains(&"--sandbox") && words.first() != Some(&"--version") {
            let (profile, scenario) = (
                self.path().join("lab.toml"),
                self.path().join("scenario.toml"),
            );
            command
                .arg("--file")
                .arg(profile)
                .arg("--sandbox")
                .arg("--scenario")
                .arg(scenario);
        }
        finish(command, self.path())
    }
}

/// Runs a command in a folder; it writes into two files there, which nobody else has.
pub(crate) fn finish(mut command: Command, folder: &Path) -> Ran {
    let said = [folder.join("stdout"), folder.join("stderr")];
    let [out, err] = [0, 1].map(|at| File::create(&said[at]).expect("the folder can be written"));
    let mut child = command
        .current_dir(folder)
        .env_remove("CI")
        // Where a lease has to run out, it does so soon.
        .env("ROBOINFRA_LEASE", "3")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .expect("the command starts");
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("it is ours");
        }
        pause(Duration::from_millis(5));
    };
    let patient = began.elapsed() <= PATIENCE;
    let ran = Ran {
        code: status.code(),
        signal: status.signal(),
        said: said
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned())
            .concat(),
    };
    let said = &ran.said;
    assert!(patient, "not done within {PATIENCE:?}: {command:?}\n{said}");
    ran
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test waits for a process, and has no other clock"
)]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the copy can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has one").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

/// What a matrix came to.
pub(crate) struct Matrix {
    name: String,
    began: Instant,
    cases: usize,
    /// Items for which there was nothing to strike.
    spared: usize,
    failures: Vec<String>,
}

impl Matrix {
    /// Runs one case for each item, side by side. A case says whether there was anything to strike.
    pub(crate) fn over<T: Sync>(
        name: &str,
        items: &[T],
        case: impl Fn(&T) -> (bool, Result<(), String>) + Sync,
    ) -> Self {
        let (began, next, cases) = (Instant::now(), AtomicUsize::new(0), AtomicUsize::new(0));
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                        let (struck, result) = case(item);
                        cases.fetch_add(usize::from(struck), Ordering::SeqCst);
                        if let Err(failure) = result {
                            failures
                                .lock()
                                .expect("no case panics while it reports")
                                .push(failure);
                        }
                    }
                });
            }
        });
        Self {
            name: name.to_owned(),
            began,
            cases: cases.into_inner(),
            spared: items.len(),
            failures: failures.into_inner().expect("all cases have ended"),
        }
        .counted()
    }

    fn counted(mut self) -> Self {
        self.spared -= self.cases;
        self
    }

    /// The same for places counted from 1, of which an uninterrupted run has `count`; every one of them and a few more,
    /// or a sample. A run may make a call more or less than another: it waits for what takes time.
    pub(crate) fn up_to(
        name: &str,
        count: usize,
        stride: usize,
        case: impl Fn(usize) -> (bool, Result<(), String>) + Sync,
    ) -> Self {
        let beyond = if stride == 1 { 4 } else { 0 };
        let places: Vec<usize> = (1..=count + beyond).step_by(stride).collect();
        let mut matrix = Self::over(name, &places, |place| case(*place));
        if stride == 1 && matrix.spared == 0 {
            matrix
                .failures
                .push(format!("{name}: there may be more than {count} places"));
        }
        matrix
    }

    /// Says how it went, and what failed.
    pub(crate) fn report(self, at_least: usize) -> Result<(), String> {
        let Self {
            name,
            began,
            cases,
            spared: _,
            mut failures,
        } = self;
        let (failed, took) = (failures.len(), began.elapsed().as_secs_f64());
        let passed = cases.saturating_sub(failed);
        println!("matrix {name}: {cases} cases, {passed} passed, {took:.1} s");
        failures.sort();
        failures.truncate(3);
        if failed > 0 {
            let some = failures.join("\n----\n");
            Err(format!(
                "{name}: {failed} of {cases} failed, such as\n{some}"
            ))
        } else if cases < at_least {
            Err(format!("{name}: only {cases} cases: nothing was struck"))
        } else {
            Ok(())
        }
    }
}

/// Fails if any of the matrices did, after all of them.
#[track_caller]
pub(crate) fn all_passed(matrices: impl IntoIterator<Item = Result<(), String>>) {
    let failures: Vec<String> = matrices.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n====\n"));
}
