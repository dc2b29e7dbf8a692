//! `apply --rollback`.

use crate::account::Account;
use crate::bench::Bench;
use crate::labs::{LAB, applied, ids, planned};

const DENIED: &str = "[[fault]]\nkind = \"denied\"\non = \"AssociateAddress\"\n";

fn roll_back(bench: &Bench, code: i32) -> crate::bench::Ran {
    let words = [
        "apply",
        "--rollback",
        "--yes",
        "--sandbox",
        "--scenario",
        "scenario.toml",
    ];
    bench.run(&words).ends(code)
}

#[tokio::test]
async fn a_first_apply_that_fails_leaves_nothing() {
    let bench = Bench::empty();
    bench.write("lab.toml", LAB);
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
    bench.write("lab.toml", LAB);
    bench.write(
        "scenario.toml",
        DENIED.to_owned() + "[[fault]]\nkind = \"denied\"\non = \"DeleteVolume\"\n",
    );
    roll_back(&bench, 4).says(&["volume.box.0.data", "roboinfra destroy"]);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    let account = Account::open(&bench).await;
    assert_eq!(account.count().await, [0, 0, 0, 0]);
}

#[test]
fn a_later_apply_takes_back_only_its_own() {
    let bench = applied(LAB);
    let before = ids(&bench);
    bench.write(
        "lab.toml",
        LAB.replace("[node.box]", "[node.box]\ncount = 2"),
    );
    bench.write("scenario.toml", DENIED);
    roll_back(&bench, 4).says(&["What was there before it stays"]);
    assert_eq!(ids(&bench), before);
    bench.write("lab.toml", LAB);
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
