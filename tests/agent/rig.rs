//! A machine of the test's own, in a folder: what the daemon reads of `proc`, `dev` and `run`, the programs that it starts,
//! and its file. Nothing of the machine that the tests run on can be shut down: `systemctl` and `shutdown` are scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use roboinfra::model::AgentStatus;
use serde_json::Value;

/// The program: the one of this build, or the one that `ROBOINFRA_AGENT` names, such as one that is shipped.
pub(crate) fn agent() -> PathBuf {
    std::env::var_os("ROBOINFRA_AGENT").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_roboinfra-agent")),
        PathBuf::from,
    )
}

pub(crate) struct Rig {
    folder: tempfile::TempDir,
    /// Sections of the file after the common part.
    pub(crate) sections: String,
    /// Keys of the file's head.
    pub(crate) head: String,
    /// Where the metadata service is; a port that nobody listens on.
    pub(crate) metadata: String,
    nvml: PathBuf,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let rig = Self {
            folder: tempfile::tempdir().expect("a folder"),
            sections: String::new(),
            head: "expected_gpus = 0\n".to_owned(),
            metadata: "http://127.0.0.1:9".to_owned(),
            nvml: PathBuf::from("/no/such/libnvidia-ml.so.1"),
        };
        for (name, text) in [
            ("proc/stat", "cpu  10 0 10 1000 0 0 0 0 0 0\ncpu0 1 1 1 1\n"),
            (
                "proc/meminfo",
                "MemTotal: 16000 kB\nMemAvailable: 12000 kB\n",
            ),
            ("proc/net/dev", "eth0: 0 0 0 0 0 0 0 0 0 0\n"),
            ("proc/loadavg", "0.10 0.10 0.10 1/1 1\n"),
            ("proc/uptime", "1000.0 1000.0\n"),
            ("proc/mounts", "/dev/sda1 / ext4 rw 0 0\n"),
            ("proc/sys/kernel/hostname", "sim-0\n"),
            (
                "proc/sys/kernel/random/boot_id",
                "11111111-2222-3333-4444-555555555555\n",
            ),
            ("dev/kmsg", ""),
            ("dev/pts/0", ""),
            ("plan", ""),
        ] {
            rig.write(name, text);
        }
        rig.program(
            "systemctl",
            &format!("echo \"$@\" >>{}", rig.path("asked").display()),
        );
        rig.program("shutdown", "exit 1");
        rig.program("nvidia-smi", "exit 0");
        rig
    }

    /// A machine with GPUs, behind the library built with these flags.
    pub(crate) fn with_gpus(gpus: u32, flags: &[&str]) -> Self {
        let mut rig = Self::new();
        rig.head = format!("expected_gpus = {gpus}\n");
        rig.plan(&format!("gpus={gpus}\n"));
        rig.nvml = rig.path("libnvidia-ml.so.1");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent/nvml.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"])
            .arg(&rig.nvml)
            .args(flags)
            .arg(source)
            .status();
        assert!(
            built.expect("a C compiler").success(),
            "the library is built"
        );
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What the library is to answer.
    pub(crate) fn plan(&self, text: &str) {
        // In one piece: the library may be reading it.
        self.write("plan.new", text);
        fs::rename(self.path("plan.new"), self.path("plan")).expect("renamed");
    }

    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.path("programs").join(name);
        fs::create_dir_all(self.path("programs")).expect("a folder");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn config(&self) -> PathBuf {
        let root = self.folder.path().display();
        let text = format!(
            "version = 1\nlab = \"twin\"\nnode = \"sim.0\"\nregion = \"us-east-1\"\n{}\n{}\n\
             [paths]\nstate = \"{root}/state\"\nrun = \"{root}/run/roboinfra-agent\"\nhold = \"{root}/hold\"\n\
             metadata = \"{}\"\nroot = \"{root}\"\nnvml = \"{}\"\nprograms = \"{root}/programs\"\n",
            self.head,
            self.sections,
            self.metadata,
            self.nvml.display(),
        );
        let text = if self.sections.contains("[prometheus]") {
            text
        } else {
            format!("{text}[prometheus]\nlisten = \"\"\n")
        };
        self.write("agent.toml", &text);
        self.path("agent.toml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(agent());
        command
            .arg("--config")
            .arg(self.config())
            .env_clear()
            .env("NVML_PLAN", self.path("plan"))
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// One look.
    pub(crate) fn once(&self) -> Value {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command().arg("--once").output().expect("it starts");
        let text = String::from_utf8_lossy(&stdout);
        assert!(
            status.success(),
            "{text}{}",
            String::from_utf8_lossy(&stderr)
        );
        serde_json::from_str(&text).expect("JSON")
    }

    /// The daemon.
    pub(crate) fn start(&self) -> Daemon {
        // What one before it thought says nothing of this one.
        self.write("run/roboinfra-agent/status.json", "");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a file");
        let child = self.command().stdin(Stdio::null()).stderr(log).spawn();
        Daemon {
            child: child.expect("it starts"),
        }
    }

    pub(crate) fn status(&self) -> Option<AgentStatus> {
        serde_json::from_str(&self.read("run/roboinfra-agent/status.json")).ok()
    }

    /// Waits until something is so, and says what the daemon said if it never is.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(seen) = look(self) {
                return seen;
            }
            assert!(
                Instant::now() < end,
                "{what}\n{}\n{:#?}",
                self.read("log"),
                self.status()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a condition, and gives back its words.
    pub(crate) fn trouble(&self, name: &str) -> String {
        self.until(name, |rig| {
            let status = rig.status()?;
            let trouble = status.troubles.into_iter().find(|one| one.name == name)?;
            Some(trouble.detail)
        })
    }

    pub(crate) fn well(&self) {
        self.until("it is well", |rig| {
            rig.status()?.troubles.is_empty().then_some(())
        });
    }
}

/// A running daemon; it ends with this value.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to end, and waits for it.
    pub(crate) fn end(mut self) {
        let told = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(told.expect("kill").success());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is dead");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is asked").is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
