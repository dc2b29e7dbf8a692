//! Lockfiles and journals that are not what roboinfra wrote: refused, told apart, left as they are.

use std::fs;

use crate::bench::{Bench, PROFILE};

const LOCK: &str = ".roboinfra/sandbox/roboinfra.lock";
const JOURNAL: &str = ".roboinfra/sandbox/journal.jsonl";

/// Every command that reads the lockfile refuses it in the same words.
fn refused(bench: &Bench, says: &[&str]) {
    for words in [
        &["plan", "--sandbox"][..],
        &["apply", "--sandbox", "--yes"],
        &["destroy", "--sandbox", "--yes"],
        &["status", "--sandbox"],
        &["state", "list", "--sandbox"],
        &["stop", "--sandbox"],
    ] {
        let ran = bench.harmless(words, 1).says(says);
        assert!(ran.out.is_empty(), "{words:?}: {}", ran.out);
    }
}

#[test]
fn a_damaged_lockfile_is_refused_and_kept() {
    let bench = Bench::applied();
    let good = bench.read(LOCK);
    let conflict = good.replacen(
        "serial = ",
        "<<<<<<< HEAD\nserial = 7\n=======\nserial = 8\n>>>>>>> theirs\nserial = ",
        1,
    );
    let rebuild = "state rebuild --sandbox";
    for (text, says) in [
        (good[..good.len() / 2].to_owned(), "cut short"),
        (
            good.replace("us-east-1a", "us-east-1b"),
            "does not match its seal",
        ),
        (conflict, "merge conflict marker"),
        (String::new(), "it is empty"),
        ("\u{0}\u{1}\u{2}".to_owned(), "roboinfra.lock"),
    ] {
        bench.write(LOCK, text);
        refused(
            &bench,
            &[
                says,
                rebuild,
                "restore the file from git, or from .roboinfra/sandbox/previous",
            ],
        );
    }
    bench.write(LOCK, good);
    bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(0);
}

#[test]
fn a_lockfile_of_a_newer_version_asks_for_that_version() {
    let bench = Bench::applied();
    let newer = bench.read(LOCK).replace("format = 2", "format = 3");
    bench.write(LOCK, newer);
    refused(
        &bench,
        &["it has format 3", "use the roboinfra that wrote it"],
    );
}

#[test]
fn a_lockfile_of_another_lab_is_refused() {
    let bench = Bench::applied();
    for (written, edited) in [("\"bench\"", "\"other\""), ("us-east-1", "eu-west-1")] {
        let profile = PROFILE.replace(written, edited);
        assert_ne!(profile, PROFILE);
        bench.write("lab.toml", profile);
        for words in [
            &["plan", "--sandbox"][..],
            &["apply", "--sandbox", "--yes"],
            &["destroy", "--sandbox", "--yes"],
        ] {
            bench.harmless(words, 1).says(&[
                written.trim_matches('"'),
                edited.trim_matches('"'),
                "destroy the lab first",
                "--lockfile",
            ]);
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_and_kept() {
    let bench = Bench::applied();
    bench.write(JOURNAL, "this is no record\n{\"nor\": \"this\"}\n");
    for words in [
        &["plan", "--sandbox"][..],
        &["apply", "--sandbox", "--yes"],
        &["status", "--sandbox"],
    ] {
        bench
            .harmless(words, 1)
            .says(&["journal", "line 1", "nothing was changed"]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let bench = Bench::new();
    // A file in the way stops the superuser too.
    bench.write(".roboinfra", "");
    bench
        .harmless(&["apply", "--sandbox", "--yes"], 1)
        .says(&["create the folder .roboinfra"]);
    bench
        .harmless(&["plan", "--sandbox"], 1)
        .says(&[".roboinfra"]);
}

#[test]
fn a_lost_lockfile_is_made_again() {
    let bench = Bench::applied();
    fs::remove_file(bench.path(LOCK)).expect("it is there");
    bench.harmless(&["apply", "--sandbox", "--yes"], 1).says(&[
        "exists in us-east-1 already",
        "roboinfra state rebuild --sandbox",
    ]);
    bench.run(&["state", "rebuild", "--sandbox"]).ends(0);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(0);
    bench
        .run(&["destroy", "--sandbox", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
}

#[test]
fn a_saved_plan_is_done_once_or_refused() {
    let bench = Bench::new();
    bench
        .run(&["plan", "--sandbox", "--out", "lab.plan"])
        .ends(0)
        .says(&["Saved the plan to lab.plan"]);
    bench.write(
        "lab.toml",
        PROFILE.replace("size_gib = 100", "size_gib = 120"),
    );
    bench
        .harmless(&["apply", "--sandbox", "lab.plan"], 1)
        .says(&["does not fit any more", "the profile"]);
    bench.write("lab.toml", PROFILE);
    bench.run(&["apply", "--sandbox", "lab.plan"]).ends(0);
    bench
        .harmless(&["apply", "--sandbox", "lab.plan"], 1)
        .says(&["does not fit any more"]);
    bench.write("lab.plan", "{}");
    bench
        .harmless(&["apply", "--sandbox", "lab.plan"], 1)
        .says(&["lab.plan is not a saved plan"]);
    bench
        .harmless(&["apply", "--sandbox", "none.plan"], 1)
        .says(&["could not read the plan none.plan"]);
}
