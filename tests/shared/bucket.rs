//! The bucket itself: made, missing, somebody else's, elsewhere.

use crate::account::{Account, BUCKET, count, profile};
use crate::bench::Bench;

#[test]
fn a_bucket_is_made_and_made_again() {
    let account = Account::empty();
    let anna = account.machine();
    let words = ["init", "--state-bucket", BUCKET];
    anna.run(&words)
        .ends(0)
        .says(&["Made the bucket lab-state in us-east-1: versioned, encrypted with AES256"]);
    anna.run(&words)
        .ends(0)
        .says(&["Checked the bucket lab-state"]);
    let world = account.world();
    for text in [
        "\"versioning\":\"Enabled\"",
        "aws:SecureTransport",
        "<RestrictPublicBuckets>true",
        "<NoncurrentDays>90",
    ] {
        assert!(count(&world, text) > 0, "{text}");
    }
    // What its owner has changed stays.
    let other = account.machine();
    other
        .bench
        .write("lab.toml", profile().replace(BUCKET, "other-state"));
    other
        .run(&words)
        .ends(0)
        .says(&["To use it, write this into lab.toml"]);
}

#[test]
fn where_there_is_no_profile_one_is_written() {
    let bench = Bench::empty();
    bench
        .run(&["init", "twin", "--sandbox", "--state-bucket", BUCKET])
        .ends(0)
        .says(&["Wrote lab.toml", "Made the bucket"]);
    assert!(
        bench
            .read("lab.toml")
            .contains("[state]\nbucket = \"lab-state\"")
    );
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    bench
        .run(&["init", "--sandbox", "--state-bucket", "No_Bucket"])
        .ends(1);
}

#[test]
fn a_making_that_was_cut_off_is_finished_by_the_next() {
    for place in 1..=9 {
        let account = Account::empty();
        let anna = account.machine();
        let kill = format!("[[fault]]\nkind = \"kill\"\nwhen = \"before\"\nnth = {place}\n");
        anna.bench.write("kill.toml", kill);
        let words = ["init", "--state-bucket", BUCKET];
        anna.run(&[&words[..], &["--scenario", "kill.toml"]].concat());
        anna.run(&words).ends(0);
        let world = account.world();
        assert!(count(&world, "aws:SecureTransport") > 0, "{place}");
        assert!(count(&world, "<NoncurrentDays>90") > 0, "{place}");
    }
}

#[test]
fn somebody_elses_bucket_is_refused() {
    for (fault, on) in [
        ("kind = \"denied\"", "HeadBucket"),
        (
            "kind = \"error\"\ncode = \"BucketAlreadyExists\"\nstatus = 409",
            "CreateBucket",
        ),
    ] {
        let account = Account::empty();
        let anna = account.machine();
        anna.bench.write(
            "theirs.toml",
            format!("[[fault]]\n{fault}\non = \"{on}\"\n"),
        );
        anna.run(&[
            "init",
            "--state-bucket",
            BUCKET,
            "--scenario",
            "theirs.toml",
        ])
        .ends(4)
        .says(&[
            "is somebody else's, or you may not use it",
            "choose another",
        ]);
    }
}

#[test]
fn a_bucket_that_is_missing_or_forbidden_is_said_so() {
    let account = Account::empty();
    let anna = account.machine();
    for words in [
        &["plan"][..],
        &["apply", "--yes"],
        &["state", "list"],
        &["status"],
    ] {
        anna.run(words).ends(1).says(&[
            "there is no bucket lab-state",
            "roboinfra init --state-bucket lab-state",
        ]);
    }
    let account = Account::new();
    let anna = account.machine();
    for (on, words) in [
        ("GetObject", &["plan"][..]),
        ("PutObject", &["apply", "--yes"]),
    ] {
        anna.bench.write(
            "denied.toml",
            format!("[[fault]]\nkind = \"denied\"\non = \"{on}\"\n"),
        );
        anna.run(&[words, &["--scenario", "denied.toml"]].concat())
            .ends(4)
            .says(&["you may not use the shared state", "s3:ListBucket"]);
    }
    anna.run(&["apply", "--yes"]).ends(0);
}

#[test]
fn a_bucket_in_another_region_is_found() {
    let account = Account::new();
    let anna = account.machine();
    let abroad = profile()
        .replace("us-east-1", "eu-central-1")
        .replace("ubuntu-22.04", "ubuntu-24.04");
    anna.bench.write("lab.toml", abroad);
    anna.run(&["apply", "--yes"]).ends(0);
    anna.finds_a_whole_lab();
}

#[test]
fn a_store_that_stumbles_is_asked_again() {
    let account = Account::new();
    let anna = account.machine();
    let stumbles = "[[fault]]\nkind = \"throttle\"\non = \"PutObject\"\ntimes = 2\n\
        [[fault]]\nkind = \"server-error\"\non = \"GetObject\"\ntimes = 2\n\
        [[fault]]\nkind = \"lost-response\"\non = \"PutObject\"\nskip = 1\ntimes = 2\n\
        [[fault]]\nkind = \"error\"\ncode = \"ConditionalRequestConflict\"\nstatus = 409\non = \"PutObject\"\nskip = 3\ntimes = 1\n";
    anna.bench.write("stumbles.toml", stumbles);
    anna.run(&["apply", "--yes", "--scenario", "stumbles.toml"])
        .ends(0);
    account.machine().finds_a_whole_lab();
}
