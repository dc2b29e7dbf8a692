//! What is typed: usage errors, and the commands that need no lab.

use crate::bench::Bench;

#[test]
fn a_usage_error_is_1_and_not_2() {
    let bench = Bench::new();
    for words in [
        &["nonsense"][..],
        &["plan", "--nonsense"],
        &["plan", "--color", "sometimes"],
        &["plan", "--parallelism", "0"],
        &["plan", "--lock-timeout", "soon"],
        &["plan", "--scenario", "x.toml"],
        &["plan", "-q", "-v"],
        &["state", "show"],
        &["completions", "tcsh"],
        &["man", "nonsense"],
        &["demo", "nonsense"],
    ] {
        let ran = bench.run(words).ends(1);
        assert!(ran.err.starts_with("error: "), "{words:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{words:?}: {}", ran.out);
    }
}

#[test]
fn help_and_version_are_data() {
    let bench = Bench::empty();
    let version = bench.run(&["--version"]).ends(0);
    assert_eq!(
        version.out,
        format!("roboinfra {}\n", env!("CARGO_PKG_VERSION"))
    );
    for words in [&["--help"][..], &["help", "apply"], &["apply", "-h"]] {
        let ran = bench.run(words).ends(0);
        assert!(ran.out.contains("Usage: roboinfra"), "{words:?}");
        assert!(
            ran.out.lines().all(|line| line.chars().count() <= 100),
            "{words:?}"
        );
    }
    bench.run(&[]).ends(1).says(&["Usage: roboinfra"]);
}

#[test]
fn completions_manual_and_schema_go_to_stdout() {
    let bench = Bench::empty();
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef roboinfra"),
        ("fish", "complete -c roboinfra"),
    ] {
        let ran = bench.run(&["completions", shell]).ends(0);
        assert!(ran.out.contains(sign), "{shell}");
        assert!(ran.out.contains("refresh-only"), "{shell}");
    }
    let page = bench.run(&["man"]).ends(0);
    assert!(page.out.contains(".TH roboinfra 1"), "{}", page.out);
    let page = bench.run(&["man", "apply"]).ends(0);
    assert!(page.out.contains("refresh"), "{}", page.out);
    let schema = bench.run(&["schema"]).ends(0);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).expect("it is JSON");
    assert!(schema["properties"]["lab"].is_object());
}

#[test]
fn init_writes_a_profile_once() {
    let bench = Bench::empty();
    bench
        .run(&["init"])
        .ends(0)
        .says(&["roboinfra plan --sandbox"]);
    let written = bench.read("lab.toml");
    bench
        .harmless(&["init", "other"], 1)
        .says(&["lab.toml exists already", "--force"]);
    assert_eq!(bench.read("lab.toml"), written);
    bench
        .run(&["init", "other", "--profile", "single-gpu", "--force"])
        .ends(0);
    assert!(bench.read("lab.toml").contains("\"other\""));
    bench
        .run(&["init", "robots", "--force"])
        .ends(0)
        .says(&["robots is a starter, too", "--profile robots"]);
    bench
        .run(&["init", "other", "--profile", "single-gpu", "--force"])
        .ends(0);
    bench
        .run(&["validate"])
        .ends(0)
        .says(&["lab other", "1 machine."]);
}

#[test]
fn every_starter_is_listed_and_valid() {
    let bench = Bench::empty();
    let listed = bench.run(&["init", "--list"]).ends(0);
    let names: Vec<&str> = listed
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for required in ["digital-twin", "isaac-workstation", "single-gpu"] {
        assert!(names.contains(&required), "{names:?}");
    }
    for name in &names {
        let file = format!("{name}.toml");
        bench
            .run(&["init", "my-lab", "--profile", name, "-f", &file])
            .ends(0);
        bench
            .run(&["validate", "-f", &file])
            .ends(0)
            .says(&["lab my-lab"]);
        bench.run(&["plan", "--sandbox", "-f", &file]).ends(0);
    }
    let lines = bench.run(&["init", "--list", "--json"]).ends(0).json();
    assert_eq!(lines.len(), names.len());
}

#[test]
fn init_says_what_it_cannot_do() {
    let bench = Bench::empty();
    bench
        .run(&["init", "Bad Name"])
        .ends(1)
        .says(&["\"Bad Name\" is not valid"]);
    bench
        .run(&["init", "--profile", "none"])
        .ends(1)
        .says(&["no starter \"none\"", "single-gpu"]);
    bench
        .run(&["init", "-f", "no/such/folder.toml"])
        .ends(1)
        .says(&["could not write no/such/folder.toml"]);
    assert!(bench.files().is_empty());
}
