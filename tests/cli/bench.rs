//! A folder with a profile, and the binary in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The cheapest lab there is: one machine, no address of its own.
pub(crate) const PROFILE: &str = r#"version = 1

[lab]
name   = "bench"
region = "us-east-1"

[network]
zones = ["us-east-1a"]

[access]
operators = ["my-ip"]

[access.port.ssh]
port = 22
from = "operators"

[node.box]
types       = ["g5.xlarge"]
image       = "ubuntu-22.04"
root_volume = { size_gib = 100 }
bootstrap   = []
"#;

/// No command of these tests takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let ran = Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    /// The same, after making sure of its code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// The same, after making sure that stderr says all of this.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        // Long messages are wrapped.
        let said = self.err.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(said.contains(text), "{text:?} is not in:\n{}", self.err);
        }
        self
    }

    /// The lines of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            let parsed = serde_json::from_str(line);
            assert!(parsed.is_ok(), "{parsed:?} in {line:?}");
            parsed.expect("that was asserted")
        };
        self.out.lines().map(parse).collect()
    }
}

/// A folder with a profile in it.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// With [`PROFILE`] as `lab.toml`.
    pub(crate) fn new() -> Self {
        let bench = Self::empty();
        bench.write("lab.toml", PROFILE);
        bench
    }

    /// With nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for the test"),
        }
    }

    /// With a lab that has been applied in the sandbox.
    pub(crate) fn applied() -> Self {
        let bench = Self::new();
        bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("the folder can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// The command, in this folder and an empty environment, without a terminal.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roboinfra"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("LANG", "C.UTF-8")
            .env("USER", "anna")
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_with(words, &[])
    }

    pub(crate) fn run_with(&self, words: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command(words);
        command.envs(environment.iter().copied());
        finish(command.spawn().expect("the binary is built"))
    }

    /// Every file of the folder with its bytes; without what only says that somebody was here.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the folder can be listed") {
                let path = entry.expect("the folder can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).expect("the file can be read");
                    found.insert(path, bytes);
                }
            }
        }
        found
    }

    /// Makes sure that a failing command left every file there was as it was.
    #[track_caller]
    pub(crate) fn harmless(&self, words: &[&str], code: i32) -> Ran {
        let before = self.files();
        let ran = self.run(words).ends(code);
        let after = self.files();
        for (path, bytes) in before {
            // The world counts the calls of scenarios; the guard names its last holder while it is held.
            let is_book = path.ends_with("world.log") || path.ends_with("guard");
            if !is_book {
                let now = after.get(&path);
                assert!(now == Some(&bytes), "{} was changed", path.display());
            }
        }
        ran
    }
}

/// Waits for the end, but not for ever.
pub(crate) fn finish(mut child: Child) -> Ran {
    let watched = child.id();
    let (ended, watch) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if watch.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            signal(watched, "KILL");
        }
    });
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("it can be waited for");
    drop(ended);
    watchdog.join().expect("the watchdog does not fail");
    Ran::of(&output)
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(status.expect("kill is there").success() || name == "KILL");
}

/// Waits until a file has some text.
#[track_caller]
pub(crate) fn until(path: &Path, text: &str) {
    let begun = Instant::now();
    while !fs::read_to_string(path).is_ok_and(|content| content.contains(text)) {
        let shown = path.display();
        assert!(begun.elapsed() < PATIENCE, "{shown} never had {text:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
