//! State in a bucket: a run is killed at a call, and another machine, which has none of its files, takes over. Nothing is
//! made twice, nothing is left over, and what there is in the end is what the uninterrupted run leads to.

use std::collections::BTreeMap;
use std::fs;

use roboinfra::store::lockfile;

use super::bench::{Bench, Matrix, all_passed};
use super::labs::fleet;
use super::world::World;

const BUCKET: &str = "lab-state";
const NEVER: &str = "[[fault]]\nkind = \"kill\"\nnth = 1000000\n";
const APPLY: &[&str] = &["apply", "--yes", "--quiet", "--lock-timeout", "60s"];
const DESTROY: &[&str] = &["destroy", "--yes", "--quiet", "--lock-timeout", "60s"];

/// What there is, what there ever was, and what the shared lockfile remembers.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    world: Vec<String>,
    counts: BTreeMap<String, usize>,
    remembered: Vec<String>,
}

fn outcome(bench: &Bench) -> Result<Outcome, String> {
    let world = World::read(bench);
    let known = lockfile::read(&bench.home().join("shared.lock"));
    let known = known.map_err(|error| error.to_string())?;
    let known = known.ok_or("there is no copy of the shared lockfile")?;
    let ids = world.ids();
    let remembered = known.resources.iter().map(|(address, recorded)| {
        let there = ids.contains(recorded.id.as_str()) || !recorded.id.as_str().contains('-');
        format!("{address} {} {there}", recorded.kind.label())
    });
    Ok(Outcome {
        remembered: remembered.collect(),
        world: world.normal(),
        counts: world.counts(),
    })
}

/// Another machine: it has the profile, and sees the same account.
fn elsewhere(bench: &Bench) -> Bench {
    let profile = fs::read_to_string(bench.path().join("lab.toml")).expect("it is there");
    let other = Bench::new(&profile);
    fs::create_dir_all(other.home()).expect("the folder can be written");
    fs::copy(
        bench.home().join("world.log"),
        other.home().join("world.log"),
    )
    .expect("it can be copied");
    other
}

/// The fleet with shared state, before its first apply.
fn nothing() -> Bench {
    let profile = format!("{}[state]\nbucket = \"{BUCKET}\"\n", fleet().profile);
    let bench = Bench::new(&profile);
    bench
        .run(&["init", "--state-bucket", BUCKET])
        .ends(0, "init")
        .expect("the bucket is made");
    bench
}

fn killed(
    name: &str,
    before: &Bench,
    words: &[&str],
    when: &str,
    stride: usize,
) -> Result<(), String> {
    let whole = before.copy();
    // A rule that never fires counts the calls.
    whole.scenario(NEVER);
    let began = World::read(&whole).calls;
    whole.run(words).ends(0, "uninterrupted")?;
    let calls = usize::try_from(World::read(&whole).calls - began).expect("few");
    let expected = outcome(&whole)?;
    Matrix::up_to(
        &format!("{name}, killed {when} a call, taken over elsewhere"),
        calls,
        stride,
        |place| {
            let dead = before.copy();
            dead.scenario(&format!(
                "[[fault]]\nkind = \"kill\"\nwhen = \"{when}\"\nnth = {place}\n"
            ));
            let struck = dead.run(words).was_killed();
            let what = format!("{name}, killed {when} call {place}");
            (struck, taken_over(&dead, words, &expected, &what))
        },
    )
    .report(2)
}

fn taken_over(dead: &Bench, words: &[&str], expected: &Outcome, what: &str) -> Result<(), String> {
    let other = elsewhere(dead);
    other.run(words).ends(0, what)?;
    let found = outcome(&other)?;
    if found != *expected {
        return Err(format!(
            "{what}: it is not as after the uninterrupted run\n{found:#?}\ninstead of\n{expected:#?}"
        ));
    }
    if words == APPLY {
        let plan = other.run(&["plan", "--detailed-exitcode"]);
        plan.ends(0, &format!("{what}: the plan after it"))?;
    }
    Ok(())
}

fn everywhere(stride: usize) {
    let nothing = nothing();
    let applied = nothing.copy();
    applied
        .run(APPLY)
        .ends(0, "uninterrupted")
        .expect("it passes");
    all_passed(["before", "after"].into_iter().flat_map(|when| {
        [
            killed("shared apply", &nothing, APPLY, when, stride),
            killed("shared destroy", &applied, DESTROY, when, stride),
        ]
    }));
}

#[test]
fn a_sample_of_takeovers() {
    everywhere(17);
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_takeovers() {
    everywhere(1);
}
