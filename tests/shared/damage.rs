//! A shared lockfile that is none, and what never goes into a bucket.

use crate::account::{Account, LOCK, profile};

#[test]
fn what_is_no_lockfile_stops_everything_and_stays() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes"]).ends(0);
    let good = account.object(LOCK).expect("it is there");
    let text = String::from_utf8(good.clone()).expect("text");
    let cut = &good[..good.len() / 2];
    let newer = format!(
        "format = 99\n{}",
        text.split_once('\n').expect("it has lines").1
    );
    let other = text.replace("account = \"123456789012\"", "account = \"210987654321\"");
    for (bytes, why) in [
        (&b""[..], "it is empty"),
        (b"\x00\x01\xfe\xff", "it is not text"),
        (cut, "it was cut short"),
        (other.as_bytes(), "does not match its seal"),
        (newer.as_bytes(), "it has format 99"),
    ] {
        account.replace(LOCK, bytes);
        let fresh = account.machine();
        for machine in [&anna, &fresh] {
            for words in [
                &["plan"][..],
                &["apply", "--yes"],
                &["destroy", "--yes"],
                &["state", "list"],
            ] {
                machine
                    .run(words)
                    .ends(1)
                    .says(&[why, "nothing was changed"]);
            }
        }
        assert_eq!(account.object(LOCK).as_deref(), Some(bytes), "{why}");
    }
    // What a newer program wrote is not replaced, whatever is asked.
    anna.bench.write("good.lock", &good);
    anna.run(&["state", "push", "good.lock", "--force"])
        .ends(1)
        .says(&["it has format 99"]);
    account.replace(LOCK, cut);
    anna.run(&["state", "push", "good.lock"]).ends(1);
    anna.run(&["state", "push", "good.lock", "--force"]).ends(0);
    anna.finds_a_whole_lab();
}

#[test]
fn a_rebuild_makes_a_damaged_lockfile_again() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes"]).ends(0);
    account.replace(LOCK, b"lost");
    let bert = account.machine();
    bert.run(&["state", "rebuild"]).ends(0).says(&[
        "keeps older versions",
        "s3://lab-state/roboinfra/bench/roboinfra.lock holds lab bench",
    ]);
    bert.run(&["plan", "--detailed-exitcode"]).ends(0);
    account.remove(LOCK);
    bert.run(&["apply", "--yes"])
        .ends(1)
        .says(&["this folder has seen a shared lockfile"]);
    bert.run(&["state", "rebuild"]).ends(0);
    anna.finds_a_whole_lab();
}

#[test]
fn another_labs_lockfile_is_not_used() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes"]).ends(0);
    let bert = account.machine();
    bert.bench
        .write("lab.toml", profile().replace("us-east-1", "eu-central-1"));
    bert.run(&["apply", "--yes"])
        .ends(1)
        .says(&["for another lab", "region"]);
    // With a place of its own, two labs of one name share the bucket.
    let apart = format!("{}prefix = \"team-b\"\n", profile());
    let bert = account.machine();
    bert.bench
        .write("lab.toml", apart.replace("us-east-1", "eu-central-1"));
    bert.run(&["apply", "--yes"]).ends(0);
    assert!(account.object(&format!("team-b/{LOCK}")).is_some());
    bert.finds_a_whole_lab();
    anna.finds_a_whole_lab();
}

#[test]
fn the_private_key_stays_on_its_machine() {
    let account = Account::new();
    let anna = account.machine();
    anna.run(&["apply", "--yes"]).ends(0);
    let key = anna.bench.read(".roboinfra/sandbox/id_ed25519");
    let body: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    let private = body.last().expect("a body");
    let world = std::fs::read_to_string(account.world()).expect("it is there");
    // Objects are kept in hexadecimal digits.
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    for word in [private, "PRIVATE KEY"] {
        assert!(!world.contains(word), "{word}");
        assert!(!world.contains(&hex(word)), "{word}");
    }
    assert!(world.contains(&hex("node.box.0")), "the lockfile is there");
    let bert = account.machine();
    // Whoever has no key of the lab leaves the one that is there.
    let ran = bert.run(&["apply", "--yes"]).ends(0);
    assert!(ran.out.contains("No changes"), "{}", ran.out);
    assert!(!bert.path(".roboinfra/sandbox/id_ed25519").exists());
    bert.finds_a_whole_lab();
}
