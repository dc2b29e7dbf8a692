//! Killed at every write to the lab's files: journal, lockfile, guard, key, folders; and records of which only a part
//! has reached the disk.
//!
//! strace kills the process as it enters the Nth system call on one of these files; the call does not happen.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::bench::{Bench, Matrix, Ran, all_passed};
use super::labs::{fleet, twin};
use super::stage::{Stage, others, stages};

/// All by which the program changes files.
pub(crate) const CHANGING: &str =
    "openat,mkdir,write,fsync,fdatasync,rename,linkat,unlink,ftruncate,fchmod,flock";

/// Whether a process can be traced here. A test that cannot be done says so.
pub(crate) fn can_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        println!("SKIPPED: strace is not installed, or may not trace: no write is struck");
    }
    can
}

/// The words that run a command with one of the system calls `calls` on the lab's files struck by `fault`.
pub(crate) fn strace(bench: &Bench, calls: &str, fault: &str) -> Vec<String> {
    let home = bench.home();
    let mut words: Vec<String> = ["strace", "-f", "-qq", "-o"].map(str::to_owned).into();
    words.push(trace(bench));
    let files = [
        "journal.jsonl",
        "roboinfra.lock",
        ".roboinfra.lock.tmp",
        "guard",
        "id_ed25519",
        ".id_ed25519.tmp",
    ];
    let folders = [
        home.join("runs"),
        home.join("previous"),
        bench.path().join(".roboinfra"),
    ];
    let ignore = bench.path().join(".roboinfra/.gitignore");
    let paths = files
        .map(|name| home.join(name))
        .into_iter()
        .chain(folders)
        .chain([home.clone(), ignore]);
    for path in paths {
        words.extend(["-P".to_owned(), path.display().to_string()]);
    }
    words.extend(["-e".to_owned(), format!("trace={calls},write")]);
    words.extend(["-e".to_owned(), format!("inject={calls}:{fault}")]);
    words
}

fn trace(bench: &Bench) -> String {
    bench.path().join("trace").display().to_string()
}

/// Runs the stage's command with a system call struck.
pub(crate) fn struck(stage: &Stage, bench: &Bench, calls: &str, fault: &str) -> Ran {
    bench.run_under(&strace(bench, calls, fault), stage.words)
}

/// Every system call by which an uninterrupted run changes a file: its name, and which of its name it is. Another run
/// may make a few more, because it writes together what happens together.
pub(crate) fn changes(stage: &Stage) -> Vec<(String, usize)> {
    let bench = stage.before.copy();
    let fault = "signal=KILL:when=65535";
    struck(stage, &bench, CHANGING, fault)
        .ends(0, "uninterrupted, under strace")
        .expect("it passes");
    let trace = fs::read_to_string(trace(&bench)).expect("strace wrote it");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for call in trace.lines().filter_map(name_of) {
        *counts.entry(call).or_default() += 1;
    }
    let each = |(call, count): (&str, usize)| {
        let call = call.to_owned();
        (1..=count + 2).map(move |place| (call.clone(), place))
    };
    counts.into_iter().flat_map(each).collect()
}

/// The name of the system call in a line of strace: `PID NAME(`.
fn name_of(line: &str) -> Option<&str> {
    line.split_once('(')?.0.rsplit(' ').next()
}

/// Kills at every `stride`-th change of a file.
fn killed(stage: &Stage, stride: usize) -> Result<(), String> {
    let places: Vec<_> = changes(stage).into_iter().step_by(stride).collect();
    Matrix::over(
        &format!("{}, killed at a write", stage.name),
        &places,
        |(call, place)| {
            let bench = stage.before.copy();
            let ran = struck(stage, &bench, call, &format!("signal=KILL:when={place}"));
            let what = format!("killed at {call} {place}");
            (ran.was_killed(), stage.heals(&bench, &what))
        },
    )
    .report(2)
}

/// Kills between every `stride`-th write of the journal and its sync, and leaves only a part of what was written.
fn torn(stage: &Stage, stride: usize) -> Result<(), String> {
    let syncs = changes(stage)
        .into_iter()
        .filter(|(call, _)| call == "fdatasync")
        .count();
    let name = format!("{}, records half-written", stage.name);
    Matrix::up_to(&name, syncs, stride, |place| {
        let bench = stage.before.copy();
        let ran = struck(
            stage,
            &bench,
            "fdatasync",
            &format!("signal=KILL:when={place}"),
        );
        if !ran.was_killed() {
            return (false, Ok(()));
        }
        let text = fs::read(bench.journal()).expect("it was written to");
        let last = last_write(&bench);
        let result = cuts(&text, last).into_iter().try_for_each(|length| {
            let bench = bench.copy();
            fs::write(bench.journal(), &text[..length]).expect("it can be written");
            let what = format!(
                "write {place} of the journal cut at byte {length} of {}",
                text.len()
            );
            stage.heals(&bench, &what)
        });
        (true, result)
    })
    .report(1)
}

/// Where to cut what was written last: in the middle of each of its lines, and before the last line's end.
fn cuts(text: &[u8], last: usize) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut start = text.len() - last;
    for line in text[start..].split_inclusive(|byte| *byte == b'\n') {
        cuts.push(start + line.len() / 2);
        start += line.len();
    }
    cuts.push(text.len() - 1);
    cuts
}

/// How many bytes the last write had, as strace saw it.
fn last_write(bench: &Bench) -> usize {
    let trace = fs::read_to_string(trace(bench)).expect("strace wrote it");
    let writes = trace.lines().filter(|line| line.contains("write("));
    let length = writes
        .filter_map(|line| line.rsplit_once(" = ")?.1.trim().parse().ok())
        .next_back();
    length.expect("there was a write before a sync")
}

/// Whether strace made a call fail.
pub(crate) fn was_injected(bench: &Bench) -> bool {
    let trace = fs::read_to_string(trace(bench)).unwrap_or_default();
    trace.contains("(INJECTED)")
}

fn everywhere(stages: &[Stage]) {
    if can_trace() {
        all_passed(
            stages
                .iter()
                .flat_map(|stage| [killed(stage, 1), torn(stage, 1)]),
        );
    }
}

/// A few writes of the first apply and of the destroy.
pub(crate) fn sample(stages: &[Stage]) -> Vec<Result<(), String>> {
    if can_trace() {
        vec![torn(&stages[0], 9), killed(&stages[2], 19)]
    } else {
        Vec::new()
    }
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_writes_of_the_twin() {
    everywhere(&stages(&twin()));
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_writes_of_the_fleet() {
    everywhere(&stages(&fleet()));
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_writes_of_other_commands() {
    everywhere(&others(&twin()));
}
