//! The real command, killed without warning in the middle of an apply: the next apply finishes, a plan finds nothing
//! to do, and a destroy leaves nothing. And what a run in doubt leaves behind does not stand in the next one's way.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROFILE: &str = r#"
version = 1
[lab]
name = "fleet"
region = "us-east-1"
[network]
zones = ["us-east-1a"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
count = 2
types = ["g5.xlarge", "g6.xlarge"]
elastic_ip = true
volume.data = { size_gib = 50, mount = "/data" }
"#;

/// Machines that come and go quickly, but not at once.
const QUICK: &str = "[times]\nrunning = \"200ms\"\nterminated = \"100ms\"\nvolume = \"100ms\"\n";

/// After so many records the apply is killed. An apply of this lab writes about fifty.
const PLACES: [usize; 12] = [1, 2, 4, 7, 11, 15, 20, 25, 30, 35, 40, 44];

fn lab(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lab.toml"), PROFILE).expect("writable");
    std::fs::write(folder.path().join("scenario.toml"), scenario).expect("writable");
    folder
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roboinfra"));
    command
        .current_dir(folder)
        .args(words)
        .args(["--sandbox", "--scenario", "scenario.toml"])
        .env_remove("CI")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().expect("the command starts")
}

#[track_caller]
fn exits(output: &Output, code: i32, what: &str) -> String {
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{what}\n{said}");
    said
}

/// How many lines the journal has.
fn lines(folder: &Path) -> usize {
    let journal = folder.join(".roboinfra/sandbox/journal.jsonl");
    let text = std::fs::read(journal).unwrap_or_default();
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Applies and kills it once the journal has so many lines; says whether it was killed in time.
fn apply_and_kill(folder: &Path, place: usize) -> bool {
    let mut child = command(folder, &["apply", "--yes", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if lines(folder) >= place {
            // Unix's SIGKILL: nothing of the command runs after it.
            child.kill().expect("it is ours");
            break;
        }
        if child.try_wait().expect("it is ours").is_some() {
            break;
        }
        std::thread::yield_now();
    }
    let status = child.wait().expect("it is ours");
    status.code().is_none()
}

fn killed_at(place: usize) -> bool {
    let folder = lab(QUICK);
    let folder = folder.path();
    let what = format!("killed after {place} records");
    let killed = apply_and_kill(folder, place);
    exits(&run(folder, &["apply", "--yes"]), 0, &what);
    exits(&run(folder, &["plan", "--detailed-exitcode"]), 0, &what);
    let said = exits(&run(folder, &["destroy", "--yes"]), 0, &what);
    assert!(said.contains("othing is left"), "{what}: {said}");
    killed
}

#[test]
fn an_apply_that_is_killed_anywhere_is_finished_by_the_next() {
    let began = Instant::now();
    let killed = std::thread::scope(|scope| {
        let points: Vec<_> = PLACES
            .iter()
            .map(|place| scope.spawn(|| killed_at(*place)))
            .collect();
        let killed = points
            .into_iter()
            .map(|point| point.join().expect("passes"));
        killed.filter(|killed| *killed).count()
    });
    assert!(killed >= 8, "only {killed} applies were killed in time");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_run_that_ends_in_doubt_is_cleared_up_by_the_next() {
    // The answer of CreateVpc is lost, and after the plan's reading VPCs cannot be read.
    let doubt = "[[fault]]\nkind = \"lost-response\"\non = \"CreateVpc\"\n\
                 [[fault]]\nkind = \"denied\"\non = \"DescribeVpcs\"\nskip = 1\ntimes = 1\n";
    let folder = lab(&format!("{doubt}{QUICK}"));
    let folder = folder.path();
    let failed = run(folder, &["apply", "--yes"]);
    exits(&failed, 4, "the look-up is denied");
    assert!(lines(folder) > 0, "the journal keeps the suspect");
    std::fs::write(folder.join("scenario.toml"), QUICK).expect("writable");
    let said = exits(&run(folder, &["apply", "--yes"]), 0, "cleared up");
    assert!(said.contains("cut off"), "{said}");
    exits(&run(folder, &["plan", "--detailed-exitcode"]), 0, "settled");
    exits(&run(folder, &["destroy", "--yes"]), 0, "gone");
}

#[test]
fn exit_codes_of_faults() {
    for (fault, code, word) in [
        ("[[fault]]\nkind = \"capacity\"", 7, "choices"),
        (
            "[quotas]\nL-DB2E81BA = 0",
            7,
            "--quota-code L-DB2E81BA --desired-value 8",
        ),
        (
            "[[fault]]\nkind = \"denied\"\non = \"CreateRole\"",
            4,
            "CreateRole",
        ),
        ("[[fault]]\nkind = \"expired\"", 4, "aws sso login"),
        ("[[fault]]\nkind = \"launch-failure\"", 6, "terminated"),
    ] {
        let folder = lab(&format!("{fault}\n"));
        let said = exits(&run(folder.path(), &["apply", "--yes"]), code, fault);
        assert!(said.contains(word), "{fault}: {said}");
        // With nothing wrong any more it goes on from there.
        std::fs::write(folder.path().join("scenario.toml"), QUICK).expect("writable");
        exits(&run(folder.path(), &["apply", "--yes"]), 0, fault);
        exits(&run(folder.path(), &["destroy", "--yes"]), 0, fault);
    }
}
