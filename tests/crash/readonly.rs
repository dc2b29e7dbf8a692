//! A folder that cannot be written: what only looks works, what would act stops before it does anything.
//!
//! Root may write where permissions forbid it, so the folder is mounted read-only, in a mount namespace of the
//! command's own. The account is a sandbox behind a socket: with `--sandbox` its world would lie in that folder.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::bench::{Bench, ROBOINFRA, Ran, finish};
use super::labs::fleet;

/// Mounts the folder `$0` read-only, but for its folder `$1` if that is named, and runs the rest in it.
const READ_ONLY: &str = r#"
mount --bind "$0" "$0" && cd "$0" || exit 99
if [ -n "$1" ]; then mount --bind "$1" "$1" || exit 99; fi
mount -o remount,bind,ro "$0" || exit 99
shift; exec "$@"
"#;

/// A sandbox behind a socket; it ends with this value.
struct Server {
    child: Child,
    endpoint: String,
    _world: Bench,
}

impl Server {
    fn start() -> Self {
        let world = Bench::new("");
        let mut child = Command::new(ROBOINFRA)
            .args(["sandbox", "serve", "--port", "0", "--world"])
            .arg(world.path().join("world.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let line = stdout
            .lines()
            .map_while(Result::ok)
            .find(|line| line.contains("http://"));
        let line = line.expect("it says where it listens");
        let at = line.find("http://").expect("it is in the line");
        let endpoint: String = line[at..]
            .chars()
            .take_while(|c| !c.is_whitespace())
            .collect();
        Self {
            child,
            endpoint,
            _world: world,
        }
    }

    /// Runs a command against it; under `wrapper`, if there is one.
    fn run(&self, bench: &Bench, wrapper: &[&str], words: &[&str]) -> Ran {
        let mut all = wrapper.iter().chain([&ROBOINFRA]).chain(words);
        let mut command = Command::new(all.next().expect("there is a program"));
        command
            .args(all)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        finish(command, bench.path())
    }

    /// Runs a command in the folder mounted read-only, but for its folder `but`.
    fn read_only(&self, bench: &Bench, but: &str, words: &[&str]) -> Ran {
        let folder = bench.path().display().to_string();
        let wrapper = ["unshare", "-rm", "sh", "-c", READ_ONLY, &folder, but];
        self.run(bench, &wrapper, words)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

/// Whether a folder can be mounted read-only here. A test that cannot be done says so.
fn can_mount() -> bool {
    let bench = Bench::new("");
    let folder = bench.path().display().to_string();
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", READ_ONLY, &folder, "", "touch", "file"])
        .output();
    let can = tried
        .is_ok_and(|output| output.status.code() == Some(1) && !bench.path().join("file").exists());
    if !can {
        println!("SKIPPED: no mount namespace can be made here: no folder is read-only");
    }
    can
}

#[test]
fn a_read_only_folder_stops_what_would_act_and_nothing_else() -> Result<(), String> {
    if !can_mount() {
        return Ok(());
    }
    let (server, bench) = (Server::start(), Bench::new(&fleet().profile));
    let looks: [&[&str]; 2] = [&["plan"], &["status"]];
    let acts: [&[&str]; 4] = [
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["stop"],
        &["state", "rebuild"],
    ];
    for applied in [false, true] {
        if applied {
            server
                .run(&bench, &[], &["apply", "--yes", "--quiet"])
                .ends(0, "apply")?;
        }
        let look = || server.run(&bench, &[], &["plan", "--json", "--detailed-exitcode"]);
        let before = look();
        for words in looks {
            server
                .read_only(&bench, "", words)
                .ends(0, &format!("{words:?} applied: {applied}"))?;
        }
        for words in acts {
            let ran = server.read_only(&bench, "", words);
            ran.ends(1, &format!("{words:?} applied: {applied}"))?;
            ran.says(&[
                "Read-only file system",
                "nothing was changed",
                "run the same command again",
            ])?;
        }
        let after = look();
        assert_eq!(before.code, after.code, "nothing was changed");
        let lines = [before, after].map(|ran| ran.said.lines().count());
        assert_eq!(lines[0], lines[1], "nothing was changed");
    }
    server
        .run(&bench, &[], &["destroy", "--yes", "--quiet"])
        .ends(0, "destroy")
}

/// The lockfile cannot be replaced at the end of a run that could do everything else.
#[test]
fn a_lockfile_that_cannot_be_replaced_is_made_up_for_by_the_journal() -> Result<(), String> {
    if !can_mount() {
        return Ok(());
    }
    let (server, bench) = (Server::start(), Bench::new(&fleet().profile));
    std::fs::create_dir(bench.path().join(".roboinfra")).expect("it can be made");
    let apply = ["apply", "--yes", "--quiet"];
    let ran = server.read_only(&bench, ".roboinfra", &apply);
    ran.ends(1, "apply")?;
    ran.says(&[
        "Read-only file system",
        "the journal",
        "run the same command again",
    ])?;
    assert!(!bench.path().join("roboinfra.lock").exists());
    server.run(&bench, &[], &apply).ends(0, "apply again")?;
    server
        .run(&bench, &[], &["plan", "--detailed-exitcode"])
        .ends(0, "plan")?;
    let ran = server.read_only(&bench, ".roboinfra", &["destroy", "--yes", "--quiet"]);
    ran.ends(1, "destroy")?;
    server
        .run(&bench, &[], &["destroy", "--yes", "--quiet"])
        .ends(0, "destroy again")
}
