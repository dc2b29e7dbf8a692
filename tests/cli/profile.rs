//! Profiles that are not profiles: one clear error, code 3, nothing written.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bench::{Bench, PROFILE};

#[test]
fn a_file_that_cannot_be_a_profile_is_one_error() {
    let bench = Bench::empty();
    bench.write("empty.toml", "");
    bench.write("big.toml", vec![b'a'; 10_000_000]);
    bench.write("binary.toml", [0x7f, b'E', b'L', b'F', 0, 0xff, 0xfe, 0]);
    bench.write("latin.toml", b"version = 1\n# caf\xe9\n");
    bench.write("nul.toml", b"version = 1\n\0\n");
    bench.write("broken.toml", "version = 1\n[lab\nname = \"x\"\n");
    fs::create_dir(bench.path("folder.toml")).expect("the folder can be made");
    for (file, says) in [
        ("missing.toml", "there is no profile missing.toml"),
        ("folder.toml", "is a folder"),
        ("empty.toml", "is empty"),
        ("big.toml", "larger than 1 MiB"),
        ("binary.toml", "byte 5 is not UTF-8"),
        ("latin.toml", "byte 17 is not UTF-8"),
        ("nul.toml", "the file is not text"),
        ("broken.toml", "broken.toml:2:5"),
    ] {
        for command in [
            "validate", "plan", "apply", "destroy", "status", "graph", "stop",
        ] {
            let ran = bench
                .harmless(&[command, "--sandbox", "-f", file], 3)
                .says(&[says]);
            assert_eq!(
                ran.err.matches("error").count() - ran.err.matches("1 error").count(),
                1,
                "{}",
                ran.err
            );
            assert!(ran.out.is_empty(), "{command} {file}: {}", ran.out);
        }
    }
    assert!(!bench.path(".roboinfra").exists());
}

#[test]
fn a_profile_that_may_not_be_read_is_said_so() {
    let bench = Bench::new();
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(bench.path("lab.toml"), closed).expect("it is ours");
    if fs::read(bench.path("lab.toml")).is_ok() {
        // The superuser may read everything.
        return;
    }
    bench
        .run(&["validate"])
        .ends(3)
        .says(&["could not read the profile lab.toml: Permission denied"]);
}

#[test]
fn all_problems_are_told_at_once_with_their_place() {
    let bench = Bench::empty();
    let bad = PROFILE
        .replace("\"bench\"", "\"Bench Lab\"")
        .replace("us-east-1\"\n", "mars-north-1\"\n")
        .replace("g5.xlarge", "g5.xlrge")
        .replace("image ", "imgae ");
    bench.write("lab.toml", bad);
    let ran = bench.run(&["validate"]).ends(3).says(&[
        "--> lab.toml:4:10",
        "--> lab.toml:5:10",
        "did you mean `image`?",
        "did you mean `g5.xlarge`?",
        "lab.toml: ",
    ]);
    assert!(ran.out.is_empty());

    let ran = bench.run(&["validate", "--json"]).ends(3);
    let lines = ran.json();
    assert_eq!(lines[0]["format"], "roboinfra.problems/1");
    let problems: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "problem")
        .collect();
    assert!(problems.len() >= 4, "{problems:?}");
    for problem in problems {
        let code = problem["code"].as_str().expect("each has a code");
        assert!(code.starts_with('P') && code.len() == 5, "{code}");
        assert!(problem["line"].as_u64() > Some(0) && problem["column"].as_u64() > Some(0));
    }
    assert_eq!(lines.last().expect("there is a summary")["valid"], false);
}

#[test]
fn a_valid_profile_is_said_so_to_people_and_programs() {
    let bench = Bench::new();
    let ran = bench
        .run(&["validate"])
        .ends(0)
        .says(&["lab.toml is valid: lab bench with 1 machine."]);
    assert!(ran.out.is_empty());
    let lines = bench.run(&["validate", "--json"]).ends(0).json();
    assert_eq!(lines.last().expect("there is a summary")["valid"], true);
    let quiet = bench.run(&["validate", "--quiet"]).ends(0);
    assert!(
        quiet.out.is_empty() && quiet.err.is_empty(),
        "{}",
        quiet.err
    );
}

#[test]
fn a_region_that_does_not_exist_is_a_problem_of_the_profile() {
    let bench = Bench::empty();
    bench.write(
        "lab.toml",
        PROFILE.replace("us-east-1\"\n", "us-nowhere-7\"\n"),
    );
    bench
        .run(&["plan"])
        .ends(3)
        .says(&["AWS has no region `us-nowhere-7`", "lab.toml:5:10"]);
}
