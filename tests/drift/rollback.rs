//! `apply --rollback`.

use crate::account::Account;
use crate::bench::Bench;
use crate::labs::{LAB, applied, ids, planned};

const DENIED: &str = "[[fault]]\nkind = \"denied\"\non = \"AssociateAddress\"\n";

const ROLL_BACK: [&str; 6] = [
    "apply",
    "--rollback",
    "--yes",
    "--sandbox",
    "--scenario",
    "scenario.toml",
];

fn roll_back(bench: &Bench, code: i32) -> crate::bench::Ran {
    bench.run(&ROLL_BACK).ends(code)
}

#[tokio::test]
async fn a_first_apply_that_fails_leaves_nothing() {
    let bench = Bench::empty();
    bench.write("lab.toml", LAB.as_str());
    bench.write("scenario.toml", DENIED);
    let ran =
        roll_back(&bench, 4).says(&["UnauthorizedOperation", "Taking back", "Nothing is left"]);
    let (first, back) = (
        ran.err.find("UnauthorizedOperation"),
        ran.err.find("Taking back"),
    );
    assert!(first < back, "{}", ran.err);
    let account = Account::open(&bench).await;
    assert_eq!(account.count().await, [0, 0, 0, 0]);
    drop(account);
    assert!(ids(&bench).is_empty());
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
}

#[tokio::test]
async fn a_rollback_that_fails_says_what_is_left() {
    let bench = Bench::empty();
    bench.write("lab.toml", LAB.as_str());
    bench.write(
        "scenario.toml",
        DENIED.to_owned() + "[[fault]]\nkind = \"denied\"\non = \"DeleteVolume\"\n",
    );
    roll_back(&bench, 4).says(&["volume.box.0.data", "roboinfra destroy"]);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    let account = Account::open(&bench).await;
    assert_eq!(account.count().await, [0, 0, 0, 0]);
}

/// Runs it until the scenario kills it.
fn killed(bench: &Bench) {
    let ran = bench.run(&ROLL_BACK);
    assert_eq!(ran.code, None, "{}", ran.err);
}

#[tokio::test]
async fn a_rollback_that_is_killed_is_finished_by_the_next() {
    for (call, when) in [
        ("AssociateAddress", "before"),
        ("TerminateInstances", "after"),
        ("ReleaseAddress", "before"),
        ("DeleteSubnet", "after"),
        ("DeleteVpc", "before"),
        ("DeleteVpc", "after"),
    ] {
        let bench = Bench::empty();
        bench.write("lab.toml", LAB.as_str());
        let kill =
            format!("[[fault]]\nkind = \"kill\"\non = \"{call}\"\nwhen = \"{when}\"\ntimes = 1\n");
        bench.write("scenario.toml", kill + DENIED);
        killed(&bench);
        // The lab still has never been applied: the next failure takes all of it away.
        roll_back(&bench, 4).says(&["Nothing is left"]);
        let account = Account::open(&bench).await;
        assert_eq!(account.count().await, [0, 0, 0, 0], "{call} {when}");
        drop(account);
        assert!(ids(&bench).is_empty(), "{call} {when}");
    }
}

#[tokio::test]
async fn what_an_earlier_failed_apply_made_goes_too_and_what_was_imported_stays() {
    let bench = Bench::empty();
    bench.write("lab.toml", LAB.as_str());
    bench.run(&["plan", "--sandbox"]).ends(0);
    let account = Account::open(&bench).await;
    let made = account.ec2.create_volume().availability_zone("us-east-1a");
    let made = made.size(20).send().await.expect("made");
    let volume = made.volume_id().expect("an id").to_owned();
    drop(account);
    let words = ["import", "volume.box.0.data", &volume, "--sandbox", "--yes"];
    bench.run(&words).ends(0);
    bench.write("scenario.toml", DENIED);
    let apply = ["apply", "--yes", "--sandbox", "--scenario", "scenario.toml"];
    bench.run(&apply).ends(4);
    roll_back(&bench, 4).says(&["What was imported stays"]);
    let account = Account::open(&bench).await;
    assert_eq!(account.count().await, [0, 0, 1, 0]);
    drop(account);
    assert_eq!(
        ids(&bench).into_keys().collect::<Vec<_>>(),
        ["volume.box.0.data"]
    );
}

#[test]
fn a_lab_that_was_applied_before_is_not_rolled_back() {
    let bench = applied(&LAB);
    let before = ids(&bench);
    bench.write(
        "lab.toml",
        LAB.replace("[node.box]", "[node.box]\ncount = 2"),
    );
    bench.write("scenario.toml", DENIED);
    // Also where nothing remembers it: what is there was not made by this run.
    for lost in [false, true] {
        if lost {
            std::fs::remove_file(bench.path(".roboinfra/sandbox/roboinfra.lock")).expect("removed");
            bench.run(&["state", "rebuild", "--sandbox"]).ends(0);
        }
        roll_back(&bench, 4).says(&["not rolled back: this lab was applied before"]);
        let after = ids(&bench);
        let stays = |(address, id): (&String, &String)| after.get(address) == Some(id);
        assert!(before.iter().all(stays), "{after:?}");
    }
    bench.write("lab.toml", LAB.as_str());
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert_eq!(planned(&bench), Vec::<String>::new());
}

#[test]
fn a_protected_machine_is_not_taken_back() {
    let bench = Bench::empty();
    bench.write(
        "lab.toml",
        LAB.replace("[node.box]", "[node.box]\nprevent_destroy = true"),
    );
    bench.write("scenario.toml", DENIED);
    roll_back(&bench, 4).says(&["not rolled back", "prevent_destroy = false"]);
    assert!(ids(&bench).contains_key("node.box.0"));
}
