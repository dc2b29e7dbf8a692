//! One account, and machines that work in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;

use roboinfra::aws::{Bucket, Settings};
use roboinfra::model::Region;
use roboinfra::port::{Expect, ObjectStore, TokioClock};
use roboinfra::sandbox::{Options, Sandbox};
use tempfile::TempDir;

use crate::bench::{Bench, PROFILE, Ran, finish, until};

pub(crate) const BUCKET: &str = "lab-state";
pub(crate) const LOCK: &str = "roboinfra/bench/roboinfra.lock";
pub(crate) const LEASE: &str = "roboinfra/bench/lease.json";

/// An account with a bucket in it.
pub(crate) struct Account {
    folder: TempDir,
}

/// A machine: a folder with the profile, and nothing else.
pub(crate) struct Machine {
    pub(crate) bench: Bench,
}

/// The profile with shared state.
pub(crate) fn profile() -> String {
    format!("{PROFILE}\n[state]\nbucket = \"{BUCKET}\"\n")
}

impl Account {
    /// With the bucket.
    pub(crate) fn new() -> Self {
        let account = Self::empty();
        account
            .machine()
            .run(&["init", "--state-bucket", BUCKET])
            .ends(0);
        account
    }

    /// With nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for the test"),
        }
    }

    pub(crate) fn world(&self) -> PathBuf {
        self.folder.path().join("world.log")
    }

    /// A machine that has never been at work here.
    pub(crate) fn machine(&self) -> Machine {
        let bench = Bench::empty();
        bench.write("lab.toml", profile());
        let home = bench.path(".roboinfra/sandbox");
        std::fs::create_dir_all(&home).expect("the folder can be written");
        std::os::unix::fs::symlink(self.world(), home.join("world.log"))
            .expect("the folder can be written");
        Machine { bench }
    }

    /// An object's content.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        let look = self.with_bucket(async |bucket| bucket.look(key, 1 << 20).await);
        look.expect("it answers").object.map(|object| object.bytes)
    }

    /// Puts something in the place of an object.
    pub(crate) fn replace(&self, key: &str, bytes: &[u8]) {
        self.with_bucket(async |bucket| {
            let there = bucket.look(key, 1 << 20).await.expect("it answers").object;
            let expect = there.map_or(Expect::Absent, |object| Expect::Same(object.tag));
            bucket
                .put(key, bytes, &expect)
                .await
                .expect("it is written");
        });
    }

    /// Removes an object.
    pub(crate) fn remove(&self, key: &str) {
        self.with_bucket(async |bucket| {
            let there = bucket.look(key, 1 << 20).await.expect("it answers").object;
            let tag = there.expect("it is there").tag;
            assert!(bucket.remove(key, &tag).await.expect("it answers"));
        });
    }

    fn with_bucket<T>(&self, work: impl AsyncFnOnce(Bucket) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let sandbox = Sandbox::open(&self.world(), Options::default()).expect("the world");
            let settings = Settings {
                region: Region::new("us-east-1"),
                profile: None,
                endpoint: None,
                endpoint_name: None,
                http_client: Some(sandbox.http_client()),
                credentials: None,
                known_images: |_, _| None,
                clock: Arc::new(TokioClock),
            };
            let bucket = Bucket::connect(&settings, BUCKET).await;
            work(bucket.expect("it connects")).await
        })
    }
}

impl Machine {
    /// The command with leases that last a few seconds only.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.bench.command(words);
        command.arg("--sandbox").env("ROBOINFRA_LEASE", "4");
        command
    }

    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().expect("the binary is built")
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        finish(self.start(words))
    }

    /// An apply whose machine takes its time, seen to have begun its launch.
    pub(crate) fn slow_apply(&self, account: &Account, lasting: &str) -> Child {
        let times = format!("[times]\nrunning = \"{lasting}\"\n");
        self.bench.write("slow.toml", times);
        let child = self.start(&["apply", "--yes", "--scenario", "slow.toml"]);
        until(&account.world(), "g5.xlarge");
        child
    }

    /// The lab is as the profile says, and goes without a trace.
    pub(crate) fn finds_a_whole_lab(&self) {
        self.run(&["plan", "--detailed-exitcode"]).ends(0);
        self.run(&["destroy", "--yes"])
            .ends(0)
            .says(&["Nothing is left"]);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.path(name)
    }
}

/// How often a text stands in a file.
pub(crate) fn count(path: &Path, text: &str) -> usize {
    let content = std::fs::read_to_string(path).expect("it is there");
    content.matches(text).count()
}
