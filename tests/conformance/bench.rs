//! A folder with a profile, a cloud to run it against, and the command.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// What stands in for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// The sandbox inside the command.
    Sandbox,
    /// The sandbox in a process of its own, as any AWS client sees it.
    Served,
    /// moto's server in a process of its own.
    Moto,
}

/// One test's folder and cloud.
pub(crate) struct Bench {
    pub(crate) cloud: Cloud,
    folder: tempfile::TempDir,
    region: String,
    served: Option<Server>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.out, self.err
        );
        self
    }

    /// Asserts that stdout or stderr contains a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = format!("{}\n{}", self.out, self.err);
        assert!(
            said.contains(text),
            "says {text:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.out,
            self.err
        );
        self
    }
}

/// moto's server: one for all tests of this process; each test has a region of its own.
struct Server {
    url: String,
    process: Child,
}

impl Server {
    fn sandbox() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_roboinfra"))
            .args(["sandbox", "serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut url = String::new();
        let out = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(out)
            .read_line(&mut url)
            .expect("the sandbox prints its URL");
        Self {
            url: url.trim().to_owned(),
            process,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/server.py");
        let mut process = Command::new("python3")
            .args([script, "0", "with-parent"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("the server prints its port");
        let port: u16 = line
            .trim()
            .rsplit(':')
            .next()
            .and_then(|p| p.parse().ok())
            .expect("a port; is moto installed?");
        Server {
            url: format!("http://127.0.0.1:{port}"),
            process,
        }
    })
}

/// Regions that offer g5 and g6, one for each scenario, so that scenarios do not meet.
const REGIONS: [&str; 11] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "eu-central-1",
    "ap-northeast-1",
    "ap-south-1",
    "eu-north-1",
    "ca-central-1",
    "ap-northeast-2",
    "sa-east-1",
    "eu-west-1",
];

impl Bench {
    pub(crate) fn new(cloud: Cloud, name: &str) -> Self {
        let place: usize = name.bytes().map(usize::from).sum();
        let region = if cloud == Cloud::Moto {
            next_region()
        } else {
            REGIONS[place % 3]
        };
        Self {
            cloud,
            folder: tempfile::tempdir().expect("a folder"),
            region: region.to_owned(),
            served: (cloud == Cloud::Served).then(Server::sandbox),
        }
    }

    /// The region of this test.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Writes the profile; `REGION` in it stands for the test's region.
    pub(crate) fn profile(&self, text: &str) {
        let text = text.replace("REGION", &self.region);
        std::fs::write(self.file("lab.toml"), text).expect("the folder is writable");
    }

    /// A file in the test's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lockfile.
    pub(crate) fn lockfile(&self) -> PathBuf {
        self.file(if self.cloud == Cloud::Sandbox {
            ".roboinfra/sandbox/roboinfra.lock"
        } else {
            "roboinfra.lock"
        })
    }

    /// Runs the command in the test's folder.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roboinfra"));
        command
            .current_dir(self.folder.path())
            .args(words)
            .stdin(Stdio::null());
        for name in [
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_SESSION_TOKEN",
            "CI",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        match self.cloud {
            Cloud::Sandbox => drop(command.arg("--sandbox")),
            Cloud::Served | Cloud::Moto => {
                let server = self.served.as_ref().unwrap_or_else(|| server());
                command
                    .env("AWS_ENDPOINT_URL", &server.url)
                    .env("AWS_ACCESS_KEY_ID", "test")
                    .env("AWS_SECRET_ACCESS_KEY", "test")
                    .env("AWS_EC2_METADATA_DISABLED", "true")
                    .env("AWS_CONFIG_FILE", "/dev/null")
                    .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
            }
        }
        let output = command.output().expect("the command starts");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The addresses that the lockfile remembers.
    pub(crate) fn remembered(&self) -> Vec<String> {
        let said = self.run(&["state", "list", "--json"]).exits(0);
        let lines = said
            .out
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines
            .filter_map(|value| Some(value.get("address")?.as_str()?.to_owned()))
            .collect()
    }

    /// The id that the lockfile remembers for an address.
    pub(crate) fn id(&self, address: &str) -> String {
        let said = self.run(&["state", "show", address, "--json"]).exits(0);
        let lines = said
            .out
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let resource = lines
            .into_iter()
            .find(|line| line["address"] == address)
            .expect("the resource");
        resource["id"].as_str().expect("an id").to_owned()
    }
}

/// Each moto test has a region that no other test of this process has.
fn next_region() -> &'static str {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    REGIONS[NEXT.fetch_add(1, Ordering::Relaxed) % REGIONS.len()]
}
