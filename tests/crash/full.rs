//! The disk is full at any write: the run stops and says so, nothing is lost, and with room the same command goes on.

use super::bench::{Matrix, all_passed};
use super::labs::fleet;
use super::stage::{Stage, stages};
use super::writes::{can_trace, changes, struck};

/// What needs room, or may say that there is none.
const NEEDS_ROOM: [&str; 7] = [
    "openat",
    "mkdir",
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "linkat",
];

/// Fails every `stride`-th change of a file with `fault`: once, or from then on.
fn full(stage: &Stage, stride: usize, lasting: bool) -> Result<(), String> {
    let places: Vec<_> = changes(stage)
        .into_iter()
        .filter(|(call, _)| NEEDS_ROOM.contains(&call.as_str()))
        .step_by(stride)
        .collect();
    let (word, sign) = if lasting { ("stays", "+") } else { ("is", "") };
    Matrix::over(
        &format!("{}, the disk {word} full", stage.name),
        &places,
        |(call, place)| {
            let bench = stage.before.copy();
            let fault = format!("error=ENOSPC:when={place}{sign}");
            let ran = struck(stage, &bench, call, &fault);
            let what = format!("no room at {call} {place}{sign}");
            let is_struck = super::writes::was_injected(&bench);
            let result = match ran.code {
                Some(0) => Ok(()),
                _ => ran
                    .ends(1, &what)
                    .and_then(|()| ran.says(&["No space left", "help: ", "again"])),
            };
            let result = result.and_then(|()| stage.heals(&bench, &what));
            (
                is_struck,
                result.map_err(|error| format!("{what}: {error}")),
            )
        },
    )
    .report(2)
}

/// A few writes of the first apply.
pub(crate) fn sample(stages: &[Stage]) -> Vec<Result<(), String>> {
    if can_trace() {
        vec![full(&stages[0], 25, true)]
    } else {
        Vec::new()
    }
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_disks() {
    if can_trace() {
        let stages = stages(&fleet());
        all_passed(
            stages
                .iter()
                .flat_map(|stage| [full(stage, 1, true), full(stage, 2, false)]),
        );
    }
}
