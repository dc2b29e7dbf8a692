//! The journal cut at every byte, damaged, or another lab's; and all of a lab's files lost after any call.

use std::fs;

use roboinfra::state::read_lines;

use super::bench::{Bench, Matrix, all_passed};
use super::labs::{fleet, twin};
use super::stage::{APPLY, Stage, finished, stages};
use super::world::World;

/// The lab after a run that was killed after its `call`-th call.
fn killed(stage: &Stage, call: usize) -> (Bench, bool) {
    let bench = stage.before.copy();
    bench.scenario(&format!(
        "[[fault]]\nkind = \"kill\"\nwhen = \"after\"\nnth = {call}\n"
    ));
    let struck = stage.run(&bench).was_killed();
    bench.scenario("");
    (bench, struck)
}

/// The lab after a run that was killed as late as it can be with its journal still there.
fn killed_late(stage: &Stage) -> Bench {
    let places = (0..=stage.calls).rev();
    // A last call that only looks may not be there the next time.
    let mut late = places.map(|call| killed(stage, call));
    late.find(|(bench, struck)| *struck && bench.journal().exists())
        .expect("some call is struck")
        .0
}

/// Follows the advice that the command gives about files it cannot use, if it gives it.
fn follow(bench: &Bench, stage: &Stage, what: &str) -> Result<bool, String> {
    if stage.run(bench).code == Some(0) {
        return Ok(false);
    }
    // Looking at the world lets happen what was due; looking again changes nothing.
    let before = World::read(bench).ids();
    let ran = stage.run(bench);
    ran.ends(1, what)?;
    ran.says(&["roboinfra state rebuild -f"])?;
    if World::read(bench).ids() != before {
        return Err(format!("{what}: something was changed"));
    }
    bench
        .run(&["state", "rebuild"])
        .ends(0, &format!("{what}: rebuild"))?;
    Ok(true)
}

/// Cuts the journal of a run that was killed late after every `stride`-th line. A cut within a line is one before it.
fn cut_after_lines(stage: &Stage, stride: usize) -> Result<(), String> {
    let bench = killed_late(stage);
    let text = fs::read(bench.journal()).expect("it was written to");
    for length in 0..=text.len() {
        let read = read_lines(&text[..length]).expect("a cut is no damage");
        let whole = text[..length]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines = read_lines(&text[..whole]).expect("lines are whole");
        assert_eq!(
            (read.records, read.length),
            (lines.records, whole),
            "{length}"
        );
    }
    let ends = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1);
    let lengths: Vec<usize> = [0].into_iter().chain(ends).step_by(stride).collect();
    Matrix::over(
        &format!("{}, journal cut", stage.name),
        &lengths,
        |length| {
            let bench = bench.copy();
            fs::write(bench.journal(), &text[..*length]).expect("it can be written");
            let what = format!("journal cut at byte {length} of {}", text.len());
            let result = follow(&bench, stage, &what).and_then(|_| stage.recovers(&bench, &what));
            (true, result)
        },
    )
    .report(2)
}

/// Damages every `stride`-th line of the journal but the last.
fn damaged(stage: &Stage, stride: usize) -> Result<(), String> {
    let bench = killed_late(stage);
    let text = fs::read_to_string(bench.journal()).expect("it was written to");
    let lines: Vec<usize> = (0..text.lines().count()).step_by(stride).collect();
    Matrix::over(
        &format!("{}, journal damaged", stage.name),
        &lines,
        |line| {
            let bench = bench.copy();
            let damaged: Vec<String> = text
                .lines()
                .enumerate()
                .map(|(at, text)| {
                    if at == *line {
                        text.replace("\"at\":\"2", "\"at\":\"3")
                            .replace("roboinfra", "robolnfra")
                            .replacen("seq\":", "seq\":9", 1)
                            .replacen("\"address\":\"", "\"address\":\"x", 1)
                    } else {
                        text.to_owned()
                    }
                })
                .collect();
            fs::write(bench.journal(), damaged.join("\n") + "\n").expect("it can be written");
            let what = format!("line {} of the journal damaged", line + 1);
            let result = follow(&bench, stage, &what).and_then(|followed| {
                if followed {
                    stage.recovers(&bench, &what)
                } else {
                    Err(format!("{what}: it was not noticed"))
                }
            });
            (true, result)
        },
    )
    .report(1)
}

/// Kills after every `stride`-th call and removes every file but the world's and the private key, which nobody can make
/// again.
fn all_lost(stage: &Stage, stride: usize) -> Result<(), String> {
    let name = format!("{}, killed and all files lost", stage.name);
    Matrix::up_to(&name, stage.calls, stride, |call| {
        let (bench, struck) = killed(stage, call);
        for entry in fs::read_dir(bench.home()).expect("it can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                fs::remove_dir_all(path).expect("it is ours");
            } else if !["world.", "id_ed25519"]
                .iter()
                .any(|kept| path.to_string_lossy().contains(kept))
            {
                fs::remove_file(path).expect("it is ours");
            }
        }
        let what = format!("killed after call {call} and all files lost");
        let result = follow(&bench, stage, &what).and_then(|_| stage.recovers(&bench, &what));
        (struck, result)
    })
    .report(2)
}

/// The journal of another lab lies in the folder.
pub(crate) fn of_another_lab(stages: &[Stage]) -> Result<(), String> {
    let stage = &stages[1];
    let other = Bench::new(&twin().profile);
    other.scenario("[[fault]]\nkind = \"kill\"\nnth = 40\n");
    other.run(APPLY);
    let bench = stage.before.copy();
    fs::copy(other.journal(), bench.journal()).expect("it can be copied");
    if !follow(&bench, stage, "another lab's journal")? {
        return Err("another lab's journal was not noticed".to_owned());
    }
    stage.recovers(&bench, "another lab's journal")
}

/// A few lines of the journal of the first apply, and a few calls of a change.
pub(crate) fn sample(stages: &[Stage]) -> Vec<Result<(), String>> {
    vec![
        cut_after_lines(&stages[0], 19),
        damaged(&stages[0], 29),
        all_lost(&stages[1], 23),
    ]
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_journals() {
    let fleet = stages(&fleet());
    all_passed(fleet.iter().flat_map(|stage| {
        [
            cut_after_lines(stage, 1),
            damaged(stage, 3),
            all_lost(stage, 1),
        ]
    }));
    all_passed([all_lost(&stages(&twin())[0], 2)]);
}

#[test]
fn a_lost_key_changes_nothing() -> Result<(), String> {
    let (bench, _) = finished(&Bench::new(&twin().profile), APPLY);
    fs::remove_file(bench.home().join("id_ed25519")).expect("it was made");
    bench
        .run(&["plan", "--detailed-exitcode"])
        .ends(0, "without the private key")
}
