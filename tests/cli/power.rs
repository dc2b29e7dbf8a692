//! Starting and stopping machines where there is no capacity, and where there is nothing to do.

use crate::bench::{Bench, Ran};

const LAB: &str = r#"version = 1

[lab]
name   = "bench"
region = "us-east-1"

[network]
zones = ["us-east-1a"]

[access]
operators = ["203.0.113.0/24"]

[node.box]
count = 2
types = ["g5.2xlarge", "g6.2xlarge"]
bootstrap = []

[node.gate]
types = ["t3.medium"]
bootstrap = []
"#;

const QUICK: &str = r#"[times]
running = "5ms"
stopped = "5ms"
"#;

fn run(bench: &Bench, words: &[&str], scenario: &str) -> Ran {
    bench.write("scenario.toml", format!("{QUICK}{scenario}"));
    // Options before the command and after it belong together.
    let words = [&["--sandbox"], words, &["--scenario", "scenario.toml"]].concat();
    bench.run(&words)
}

fn stopped() -> Bench {
    let bench = Bench::empty();
    bench.write("lab.toml", LAB);
    run(&bench, &["apply", "--yes"], "").ends(0);
    run(&bench, &["stop"], "").ends(0);
    bench
}

fn scarce(kind: &str) -> String {
    format!("\n[[fault]]\nkind = \"capacity\"\non = \"StartInstances\"\ntype = \"{kind}\"\n")
}

#[test]
fn a_type_without_capacity_makes_way_for_the_next_and_holds_nobody_else_up() {
    let bench = stopped();
    run(&bench, &["start"], &scarce("g5.*"))
        .ends(0)
        .says(&["trying it by itself", "node.box.1: trying it as g6.2xlarge"]);
    let status = run(&bench, &["status"], "").ends(0);
    for line in [
        "node.box.0  running  g6.2xlarge",
        "node.box.1  running  g6.2xlarge",
    ] {
        let said = status.out.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&line), "{line}: {}", status.out);
    }
    assert!(!status.out.contains("stopped  "), "{}", status.out);
    // The profile lists that type too: it is no drift.
    run(&bench, &["plan", "--detailed-exitcode"], "").ends(0);
}

#[test]
fn what_cannot_start_is_named_and_the_rest_runs() {
    let bench = stopped();
    run(&bench, &["start"], &scarce("g*")).ends(7).says(&[
        "node.box.0",
        "node.box.1",
        "keeps no place in its zone",
    ]);
    let status = run(&bench, &["status"], "").ends(0);
    let said = status.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("node.gate.0 running"), "{}", status.out);
    assert!(said.contains("node.box.0 stopped"), "{}", status.out);
    run(&bench, &["start", "box"], "").ends(0);
    run(&bench, &["start", "box"], "")
        .ends(0)
        .says(&["every machine runs already"]);
}

#[test]
fn a_scenario_without_the_sandbox_is_a_slip() {
    let bench = Bench::new();
    bench.write("scenario.toml", "");
    bench
        .run(&["plan", "--scenario", "scenario.toml"])
        .ends(1)
        .says(&["--scenario is for the sandbox alone"]);
}
