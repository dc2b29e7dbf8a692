//! From a lockfile beside the profile into the bucket, and back; and state by hand.

use crate::account::{Account, LOCK, profile};
use crate::bench::PROFILE;

const LOCAL: &str = ".roboinfra/sandbox/roboinfra.lock";

fn serial(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix("serial = "));
    line.and_then(|serial| serial.parse().ok())
        .expect("a serial")
}

#[test]
fn a_lab_moves_in_and_out_and_nothing_in_the_cloud_changes() {
    let account = Account::new();
    let anna = account.machine();
    anna.bench.write("lab.toml", PROFILE);
    anna.run(&["apply", "--yes"]).ends(0);
    assert!(anna.path(LOCAL).exists());

    // Naming the bucket is all it takes; looking changes nothing yet.
    anna.bench.write("lab.toml", profile());
    anna.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert_eq!(account.object(LOCK), None);
    anna.run(&["apply", "--yes"])
        .ends(0)
        .says(&["The lockfile has moved into s3://lab-state/roboinfra/bench/roboinfra.lock"]);
    assert!(!anna.path(LOCAL).exists());
    let bert = account.machine();
    bert.run(&["plan", "--detailed-exitcode"]).ends(0);

    let pulled = bert.run(&["state", "pull"]).ends(0).out;
    assert_eq!(Some(pulled.as_bytes()), account.object(LOCK).as_deref());
    bert.run(&["state", "pull", "--out", "pulled.lock"]).ends(0);
    assert_eq!(bert.bench.read("pulled.lock"), pulled);
    bert.run(&["state", "pull", "--out", "pulled.lock"]).ends(1);

    bert.run(&["state", "pull", "--move"])
        .ends(0)
        .says(&["Take [state] out of the profile"]);
    assert_eq!(account.object(LOCK), None);
    bert.bench.write("lab.toml", PROFILE);
    bert.run(&["plan", "--detailed-exitcode"]).ends(0);
    // Anna's profile still names the bucket: she builds no second lab.
    anna.run(&["apply", "--yes"])
        .ends(1)
        .says(&["this folder has seen a shared lockfile", "take [state] out"]);
    let clara = account.machine();
    clara
        .run(&["apply", "--yes"])
        .ends(1)
        .says(&["exists in us-east-1 already", "state rebuild"]);
    bert.run(&["destroy", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
}

#[test]
fn two_lockfiles_that_disagree_are_a_conflict() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes"]).ends(0);
    let shared = account.object(LOCK).expect("it is there");

    // An older copy is pointed out, and not used.
    anna.bench.write(LOCAL, &shared);
    anna.run(&["apply", "--yes"]).ends(0).says(&["is not used"]);
    assert_eq!(account.object(LOCK).as_deref(), Some(&shared[..]));

    // A newer one may hold what the shared one lacks.
    anna.bench.write("other.toml", PROFILE);
    let local = ["-f", "other.toml"];
    for _ in 0..2 {
        anna.run(&[&["stop"][..], &local].concat()).ends(0);
        anna.run(&[&["start"][..], &local].concat()).ends(0);
    }
    let resized = PROFILE.replace("g5.xlarge", "g5.2xlarge");
    anna.bench.write(
        "other.toml",
        resized.replace("[node.box]", "[node.box]\ncount = 2"),
    );
    anna.run(&[&["apply", "--yes"][..], &local].concat())
        .ends(0);
    let newer = std::fs::read(anna.path(LOCAL)).expect("it is there");
    assert!(serial(&newer) > serial(&shared));
    for words in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        anna.run(words)
            .ends(1)
            .says(&["is newer than s3://lab-state/", "state push"]);
    }
    assert_eq!(account.object(LOCK).as_deref(), Some(&shared[..]));
    anna.run(&["state", "push"]).ends(0);
    let bert = account.machine();
    bert.bench.write(
        "lab.toml",
        profile()
            .replace("g5.xlarge", "g5.2xlarge")
            .replace("[node.box]", "[node.box]\ncount = 2"),
    );
    bert.finds_a_whole_lab();
}

#[test]
fn what_a_push_would_lose_is_named_first() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes", "--target", "network.vpc"])
        .ends(0);
    anna.run(&["state", "pull", "--out", "old.lock"]).ends(0);
    anna.run(&["apply", "--yes"]).ends(0);
    let shared = account.object(LOCK).expect("it is there");
    let refused = anna.run(&["state", "push", "old.lock"]).ends(1);
    refused.says(&[
        "would be lost: it has serial",
        "remembers node.box.0 as i-",
        "--force",
    ]);
    anna.run(&["state", "push"])
        .ends(1)
        .says(&["there is no lockfile"]);
    assert_eq!(account.object(LOCK).as_deref(), Some(&shared[..]));
    anna.run(&["state", "push", "old.lock", "--force"]).ends(0);
    let pushed = account.object(LOCK).expect("it is there");
    assert!(serial(&pushed) > serial(&shared), "it is newer than both");
    // The tags know better: nothing was lost, and nothing is made twice.
    anna.run(&["apply", "--yes"]).ends(0);
    anna.finds_a_whole_lab();
}

#[test]
fn by_hand_needs_shared_state() {
    let account = Account::new();
    let anna = account.machine();
    anna.bench.write("lab.toml", PROFILE);
    for words in [&["state", "pull"][..], &["state", "push"]] {
        anna.run(words).ends(1).says(&["is not shared", "[state]"]);
    }
    anna.run(&["state", "unlock"])
        .ends(1)
        .says(&["nothing to unlock"]);
}
