//! Killed before and after every call, and twice; and the answer of every call lost.

use super::bench::{Matrix, all_passed};
use super::labs::{fleet, twin};
use super::stage::{Stage, others, stages};
use super::world::World;

/// Kills at every `stride`-th call.
fn killed(stage: &Stage, when: &str, stride: usize) -> Result<(), String> {
    let name = format!("{}, killed {when} a call", stage.name);
    Matrix::up_to(&name, stage.calls, stride, |place| {
        let bench = stage.before.copy();
        bench.scenario(&format!(
            "[[fault]]\nkind = \"kill\"\nwhen = \"{when}\"\nnth = {place}\n"
        ));
        let struck = stage.run(&bench).was_killed();
        bench.scenario("");
        (
            struck,
            stage.heals(&bench, &format!("killed {when} call {place}")),
        )
    })
    .report(2)
}

/// Kills at every `stride`-th call, and the run that recovers from it as well, somewhere.
fn killed_twice(stage: &Stage, stride: usize) -> Result<(), String> {
    let name = format!("{}, killed twice", stage.name);
    Matrix::up_to(&name, stage.calls, stride, |first| {
        let second = first + 1 + first * 7 % 45;
        let bench = stage.before.copy();
        let kill =
            |when, nth| format!("[[fault]]\nkind = \"kill\"\nwhen = \"{when}\"\nnth = {nth}\n");
        bench.scenario(&format!(
            "{}{}",
            kill("after", first),
            kill("before", second)
        ));
        let struck = stage.run(&bench).was_killed();
        stage.run(&bench);
        bench.scenario("");
        (
            struck,
            stage.heals(
                &bench,
                &format!("killed after call {first} and before call {second}"),
            ),
        )
    })
    .report(2)
}

/// Loses the answer of every `stride`-th call that succeeds.
fn lost(stage: &Stage, stride: usize) -> Result<(), String> {
    let name = format!("{}, an answer lost", stage.name);
    Matrix::up_to(&name, stage.calls, stride, |place| {
        let bench = stage.before.copy();
        bench.scenario(&format!(
            "[[fault]]\nkind = \"lost-response\"\nnth = {place}\n"
        ));
        let ran = stage.run(&bench);
        let struck = World::read(&bench).struck > 0;
        let what = format!("the answer of call {place} lost");
        let result = ran.ends(0, &what);
        (struck, result.and_then(|()| stage.heals(&bench, &what)))
    })
    .report(2)
}

fn everywhere(stages: &[Stage]) {
    all_passed(stages.iter().flat_map(|stage| {
        [
            killed(stage, "before", 1),
            killed(stage, "after", 1),
            killed_twice(stage, 3),
            lost(stage, 1),
        ]
    }));
}

/// A few calls of the first apply and of a change.
pub(crate) fn sample(stages: &[Stage]) -> Vec<Result<(), String>> {
    vec![
        killed(&stages[0], "before", 13),
        killed(&stages[1], "after", 13),
        lost(&stages[0], 19),
    ]
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_calls_of_the_twin() {
    everywhere(&stages(&twin()));
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_calls_of_the_fleet() {
    everywhere(&stages(&fleet()));
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_calls_of_other_commands() {
    everywhere(&others(&twin()));
}
