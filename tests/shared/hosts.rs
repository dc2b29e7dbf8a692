//! Work on hosts ends with the lease, like every other work.

use std::process::Child;

use crate::account::{Account, Machine};
use crate::bench::{Bench, finish, signal, until};

const STEPS: &str = r#"bootstrap = ["base", "nvidia-driver", "docker"]"#;

/// A machine whose profile has steps, and an apply that is at the second of them.
fn at_work(account: &Account) -> (Machine, Child) {
    let anna = account.machine();
    with_steps(&anna.bench);
    anna.bench.write("slow.toml", "[hosts]\nstep = \"8s\"\n");
    let child = anna.start(&["apply", "--yes", "--scenario", "slow.toml"]);
    until(&log(&anna, "nvidia-driver"), "simulated");
    (anna, child)
}

fn with_steps(bench: &Bench) {
    let profile = crate::account::profile();
    let changed = profile.replace("bootstrap   = []", STEPS);
    assert_ne!(profile, changed);
    bench.write("lab.toml", changed);
}

fn log(machine: &Machine, step: &str) -> std::path::PathBuf {
    machine.path(&format!(".roboinfra/sandbox/hosts/node.box.0/{step}.log"))
}

#[test]
fn a_lease_that_is_broken_stops_the_work_on_hosts() {
    let account = Account::new();
    let bert = account.machine();
    with_steps(&bert.bench);
    let (anna, first) = at_work(&account);
    bert.run(&["state", "unlock", "--yes"]).ends(0);
    finish(first).ends(5).says(&[
        "this run stopped",
        "the lease was broken by `state unlock`",
        "goes on on the host",
    ]);
    assert!(!log(&anna, "docker").exists(), "it began another step");
    bert.run(&["apply", "--yes"]).ends(0);
    bert.finds_a_whole_lab();
}

#[test]
fn a_frozen_holder_begins_no_step_when_it_thaws() {
    let account = Account::new();
    let bert = account.machine();
    with_steps(&bert.bench);
    let (anna, first) = at_work(&account);
    signal(first.id(), "STOP");
    bert.run(&["apply", "--yes", "--lock-timeout", "40s"])
        .ends(0)
        .says(&["A run was cut off"]);
    let object = account.object(crate::account::LOCK);
    signal(first.id(), "CONT");
    finish(first)
        .ends(5)
        .says(&["this run stopped", "the lease was taken over by"]);
    assert!(!log(&anna, "docker").exists(), "it began another step");
    assert_eq!(account.object(crate::account::LOCK), object);
    bert.finds_a_whole_lab();
}
