//! Two machines at once; one that is killed; one that is frozen.

use crate::account::{Account, LEASE};
use crate::bench::{finish, signal};

#[test]
fn one_acts_and_the_other_is_told_who() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    let first = anna.slow_apply(&account, "30s");
    let holder = format!("`apply`, process {} of anna on ", first.id());
    for words in [&["apply", "--yes"][..], &["destroy", "--yes"], &["stop"]] {
        bert.run(words).ends(5).says(&[
            "another run is at it",
            &holder,
            "since 20",
            "--lock-timeout",
            "state unlock",
        ]);
    }
    // Looking is always allowed.
    bert.run(&["plan"]).ends(0);
    bert.run(&["status"]).ends(0);
    bert.run(&["state", "list"]).ends(0);
    // Interrupted, it gives the lease back: nobody waits for it to run out.
    signal(first.id(), "INT");
    finish(first).ends(130);
    bert.run(&["apply", "--yes"]).ends(0);
    bert.finds_a_whole_lab();
}

#[test]
fn the_other_waits_for_longer_than_a_lease_and_finds_all_done() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    let first = anna.slow_apply(&account, "9s");
    let second = bert.run(&["apply", "--yes", "--lock-timeout", "50s"]);
    let second = second.ends(0).says(&["waiting for `apply`"]);
    assert!(second.out.contains("No changes"), "{}", second.out);
    finish(first).ends(0);
    bert.finds_a_whole_lab();
}

#[test]
fn two_that_begin_together_make_one_lab() {
    let account = Account::new();
    let machines: Vec<_> = (0..3).map(|_| account.machine()).collect();
    let words = ["apply", "--yes", "--lock-timeout", "50s"];
    let runs: Vec<_> = machines
        .iter()
        .map(|machine| machine.start(&words))
        .collect();
    for run in runs {
        finish(run).ends(0);
    }
    machines[1].finds_a_whole_lab();
}

#[test]
fn a_failed_run_gives_its_lease_back() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    anna.bench
        .write("none.toml", "[[fault]]\nkind = \"capacity\"\n");
    anna.run(&["apply", "--yes", "--scenario", "none.toml"])
        .ends(7);
    bert.run(&["apply", "--yes"]).ends(0);
    bert.finds_a_whole_lab();
}

#[test]
fn a_killed_run_is_taken_over_by_another_machine() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    let first = anna.slow_apply(&account, "1s");
    signal(first.id(), "KILL");
    finish(first);
    let told = bert.run(&["apply", "--yes"]).ends(5);
    told.says(&["its lease runs out in", "--lock-timeout 2m takes it over"]);
    bert.run(&["apply", "--yes", "--lock-timeout", "40s"])
        .ends(0)
        .says(&[
            "waiting for `apply`",
            "A run was cut off: `apply`",
            "Looking twice",
        ]);
    // The dead machine comes back with its journal of long ago.
    anna.run(&["plan", "--detailed-exitcode"]).ends(0);
    let again = anna.run(&["apply", "--yes"]).ends(0);
    assert!(again.out.contains("No changes"), "{}", again.out);
    bert.finds_a_whole_lab();
}

#[test]
fn what_a_bootstrap_took_over_is_still_looked_at_twice() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    let first = anna.slow_apply(&account, "1s");
    signal(first.id(), "KILL");
    finish(first);
    // It takes the lease, makes the machines that there are ready, and never looks for what was begun.
    let _ready = bert.run(&["bootstrap", "--lock-timeout", "40s"]);
    bert.run(&["apply", "--yes", "--lock-timeout", "40s"])
        .ends(0)
        .says(&["A run was cut off", "Looking twice"]);
    bert.finds_a_whole_lab();
}

#[test]
fn a_killed_run_is_gone_on_with_at_once_in_its_own_folder() {
    let account = Account::new();
    let anna = account.machine();
    let first = anna.slow_apply(&account, "1s");
    signal(first.id(), "KILL");
    finish(first);
    anna.run(&["apply", "--yes"]).ends(0);
    anna.finds_a_whole_lab();
}

#[test]
fn a_frozen_holder_does_nothing_more_when_it_thaws() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    let first = anna.slow_apply(&account, "4s");
    signal(first.id(), "STOP");
    bert.run(&["destroy", "--yes", "--lock-timeout", "40s"])
        .ends(0)
        .says(&["A run was cut off", "Nothing is left"]);
    signal(first.id(), "CONT");
    finish(first)
        .ends(5)
        .says(&["this run stopped", "the lease was taken over by `destroy`"]);
    bert.run(&["destroy", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
}

#[test]
fn a_lease_that_is_broken_stops_its_holder() {
    let account = Account::new();
    let (anna, bert) = (account.machine(), account.machine());
    bert.run(&["state", "unlock"])
        .ends(0)
        .says(&["nobody holds the lease"]);
    let first = anna.slow_apply(&account, "30s");
    bert.run(&["state", "unlock"])
        .ends(1)
        .says(&["The lease is held by `apply`, process", "--yes"]);
    bert.run(&["state", "unlock", "--yes"])
        .ends(0)
        .says(&["Broken. Its holder stops within"]);
    finish(first)
        .ends(5)
        .says(&["the lease was broken by `state unlock`"]);
    // The rest of the lease is waited out without being asked to.
    bert.run(&["destroy", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
}

#[test]
fn a_lease_that_is_none_is_replaced_on_request() {
    let account = Account::new();
    let anna = account.machine();
    for bytes in [&b""[..], b"\x00\xff\x1b[2J", b"{\"format\": 1}"] {
        account.replace(LEASE, bytes);
        anna.run(&["apply", "--yes"])
            .ends(1)
            .says(&["it is not one that roboinfra wrote", "state unlock"]);
        assert_eq!(account.object(LEASE).as_deref(), Some(bytes));
        anna.run(&["state", "unlock", "--yes"]).ends(0);
        anna.run(&["apply", "--yes"]).ends(0);
    }
    anna.finds_a_whole_lab();
}
