//! The road from nothing to nothing, and the exit codes on it.

use crate::bench::{Bench, PROFILE};

#[test]
fn the_whole_road() {
    let bench = Bench::new();
    bench
        .run(&["status", "--sandbox"])
        .ends(0)
        .says(&["not been applied yet", "roboinfra plan --sandbox"]);
    bench
        .run(&["state", "list", "--sandbox"])
        .ends(1)
        .says(&["there is no lockfile", "roboinfra apply --sandbox"]);
    let plan = bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(2);
    assert!(
        plan.out.contains("Next: roboinfra apply --sandbox\n"),
        "{}",
        plan.out
    );
    assert!(
        plan.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        plan.out
    );
    bench.run(&["plan", "--sandbox"]).ends(0);
    bench
        .run(&["apply", "--sandbox"])
        .ends(1)
        .says(&["nobody to ask", "--yes"]);
    bench
        .run(&["apply", "--sandbox", "--yes"])
        .ends(0)
        .says(&["Done:", "roboinfra status --sandbox"]);
    let plan = bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(0);
    assert!(plan.out.contains("No changes."), "{}", plan.out);
    assert!(!plan.out.contains("Checks"), "{}", plan.out);
    let again = bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert_eq!(again.err, "", "a run that does nothing says nothing");

    let status = bench.run(&["status", "--sandbox"]).ends(0);
    assert!(status.out.contains("node.box.0  running"), "{}", status.out);
    let list = bench.run(&["state", "list", "--sandbox"]).ends(0);
    assert!(
        list.out.lines().all(|line| !line.contains('…')),
        "{}",
        list.out
    );
    let id = list
        .out
        .lines()
        .find_map(|line| line.strip_prefix("node.box.0"))
        .expect("the node is listed")
        .trim();
    assert!(id.starts_with("i-") && id.len() == 19, "{id}");
    let shown = bench
        .run(&["state", "show", "node.box.0", "--sandbox"])
        .ends(0);
    assert!(shown.out.contains(id), "{}", shown.out);
    bench
        .run(&["state", "show", "node.none", "--sandbox"])
        .ends(1)
        .says(&["remembers no node.none"]);
    let graph = bench.run(&["graph", "--sandbox"]).ends(0);
    assert!(graph.out.contains("node.box.0"), "{}", graph.out);
    let dot = bench.run(&["graph", "--sandbox", "--dot"]).ends(0);
    assert!(
        dot.out.starts_with("digraph") && dot.out.trim_end().ends_with('}'),
        "{}",
        dot.out
    );

    bench.run(&["stop", "--sandbox"]).ends(0).says(&["stopped"]);
    bench
        .run(&["stop", "--sandbox"])
        .ends(0)
        .says(&["Nothing to do"]);
    bench.run(&["start", "box", "--sandbox"]).ends(0);
    bench
        .run(&["start", "bxo", "--sandbox"])
        .ends(1)
        .says(&["there is no machine bxo", "did you mean `box`?"]);
    bench
        .run(&["destroy", "--sandbox"])
        .ends(1)
        .says(&["nobody to ask"]);
    bench
        .run(&["destroy", "--sandbox", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    bench
        .run(&["status", "--sandbox"])
        .ends(0)
        .says(&["Nothing of lab bench exists."]);
}

#[test]
fn a_lab_that_never_was_is_proven_gone_and_gets_no_lockfile() {
    let bench = Bench::new();
    let ran = bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    assert!(ran.out.contains("Nothing to destroy"), "{}", ran.out);
    ran.says(&["Nothing is left"]);
    assert!(!bench.path(".roboinfra/sandbox/roboinfra.lock").exists());
    let ran = bench.run(&["status", "--sandbox"]).ends(0);
    ran.says(&["has not been applied yet"]);
}

#[test]
fn no_capacity_and_no_quota_are_7() {
    for (scenario, code, says) in [
        (
            "[[fault]]\nkind = \"capacity\"\n",
            7,
            "InsufficientInstanceCapacity",
        ),
        ("[quotas]\n\"L-DB2E81BA\" = 0\n", 7, "quota"),
        // Part of the lab is there, and going on helps.
        (
            "[[fault]]\nkind = \"error\"\non = \"CreateRoute\"\ncode = \"InvalidParameterValue\"\nmessage = \"no\"\n",
            6,
            "Done in part",
        ),
    ] {
        let bench = Bench::new();
        bench.write("scenario.toml", scenario);
        let words = ["apply", "--sandbox", "--yes", "--scenario", "scenario.toml"];
        bench.run(&words).ends(code).says(&[says]);
        bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    }
}

#[test]
fn a_scenario_that_is_wrong_is_told_in_one_line() {
    let bench = Bench::new();
    bench.write(
        "scenario.toml",
        "[times]\nrunning = \"6s\"\n\n[latency]\nread = \"80ms\"\n",
    );
    bench
        .harmless(&["plan", "--sandbox", "--scenario", "scenario.toml"], 1)
        .says(&[
            "the scenario scenario.toml is not valid",
            "line 4: unknown field `latency`",
        ]);
    bench
        .harmless(&["plan", "--sandbox", "--scenario", "none.toml"], 1)
        .says(&["could not read the scenario none.toml"]);
}

#[test]
fn next_commands_can_be_typed() {
    let bench = Bench::empty();
    bench.write("my lab.toml", PROFILE);
    let plan = bench
        .run(&[
            "plan",
            "-f",
            "my lab.toml",
            "--sandbox",
            "--lockfile",
            "my.lock",
        ])
        .ends(0);
    assert!(
        plan.out
            .contains("Next: roboinfra apply -f 'my lab.toml' --lockfile my.lock --sandbox\n"),
        "{}",
        plan.out
    );
}

#[test]
fn the_demo_plays_to_its_end_and_leaves_nothing() {
    let bench = Bench::empty();
    let ran = bench.run(&["demo", "single-gpu"]).ends(0);
    let ran = ran.says(&[
        "$ roboinfra plan --sandbox",
        "$ roboinfra destroy --sandbox --yes",
        "Nothing is left",
        "roboinfra init",
    ]);
    let path = bench.path("");
    let path = path.to_string_lossy();
    assert!(
        !ran.out.contains(&*path) && !ran.err.contains(&*path),
        "a path of its own is shown"
    );
    assert!(bench.files().is_empty(), "{:?}", bench.files().keys());
}
