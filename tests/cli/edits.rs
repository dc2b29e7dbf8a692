//! A profile edited while its lab runs: the plan says what follows, apply does it, and then nothing is left to do.

use crate::bench::Bench;

const LAB: &str = r#"version = 1

[lab]
name   = "bench"
region = "us-east-1"
tags   = { project = "warehouse" }

[network]
zones = ["us-east-1a", "us-east-1b"]

[access]
operators = ["203.0.113.0/24"]

[access.port.ssh]
port = 22
from = "operators"

[node.box]
count       = 2
types       = ["g5.2xlarge"]
elastic_ip  = true
root_volume = { size_gib = 100 }
volume.data = { size_gib = 500, mount = "/data" }
"#;

const QUICK: &str = r#"[times]
running    = "5ms"
stopped    = "5ms"
terminated = "5ms"
"#;

const OPTIONS: [&str; 3] = ["--sandbox", "--scenario", "quick.toml"];

fn run(bench: &Bench, words: &[&str]) -> crate::bench::Ran {
    bench.run(&[words, &OPTIONS].concat())
}

fn applied(profile: &str) -> Bench {
    let bench = Bench::empty();
    bench.write("quick.toml", QUICK);
    bench.write("lab.toml", profile);
    run(&bench, &["apply", "--yes"]).ends(0);
    bench
}

/// Applies one profile over the other; the plan says `texts`, and afterwards there is nothing to do.
#[track_caller]
fn edited(before: &str, after: &str, texts: &[&str]) {
    assert_ne!(before, after, "an edit");
    let bench = applied(before);
    bench.write("lab.toml", after);
    let plan = run(&bench, &["plan", "--detailed-exitcode"]).ends(2);
    let said = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in texts {
        assert!(said.contains(text), "{text:?} is not in:\n{}", plan.out);
    }
    run(&bench, &["apply", "--yes"]).ends(0);
    let again = run(&bench, &["plan", "--detailed-exitcode"]);
    assert_eq!(again.code, Some(0), "{}", again.out);
    assert!(again.out.contains("No changes."), "{}", again.out);
    run(&bench, &["destroy", "--yes"])
        .ends(0)
        .says(&["Nothing is left"]);
}

fn with(key: &str) -> String {
    LAB.replace("elastic_ip  = true", &format!("elastic_ip  = true\n{key}"))
}

#[test]
fn tags_are_changed_added_and_taken_off() {
    let other = LAB.replace(
        "project = \"warehouse\"",
        "project = \"mars\", team = \"x\"",
    );
    edited(
        LAB,
        &other,
        &["tag project: warehouse → mars", "tag team: - → x"],
    );
    let none = LAB.replace("tags   = { project = \"warehouse\" }\n", "");
    edited(LAB, &none, &["tag project: warehouse → -"]);
}

#[test]
fn a_placement_group_is_entered_and_left() {
    let cluster = with("placement_group = true");
    edited(
        LAB,
        &cluster,
        &["placement_group: - → the lab's own restarts the machine"],
    );
    edited(&cluster, LAB, &["→ - restarts the machine"]);
}

#[test]
fn shutdown_and_instance_profile_change_in_place() {
    edited(
        LAB,
        &with("shutdown = \"terminate\""),
        &["shutdown: stop → terminate"],
    );
    edited(
        &with("shutdown = \"terminate\""),
        LAB,
        &["shutdown: terminate → stop"],
    );
}

#[test]
fn another_type_restarts_and_another_image_replaces() {
    let g6 = LAB.replace("g5.2xlarge", "g6.2xlarge");
    edited(
        LAB,
        &g6,
        &["type: g5.2xlarge → g6.2xlarge restarts the machine"],
    );
    edited(
        LAB,
        &with("image = \"ubuntu-24.04\""),
        &["forces replacement", "lost for good: the root volume"],
    );
    edited(
        LAB,
        &with("market = \"spot\""),
        &["market: on-demand → spot forces replacement"],
    );
}

#[test]
fn what_cannot_be_done_to_a_volume_is_left_alone_and_is_no_drift() {
    let bench = applied(LAB);
    bench.write("lab.toml", LAB.replace("size_gib = 500", "size_gib = 400"));
    for _ in 0..2 {
        let plan = run(&bench, &["plan", "--detailed-exitcode"]).ends(0);
        assert!(plan.out.contains("cannot shrink"), "{}", plan.out);
        assert!(plan.out.contains("Nothing to do now."), "{}", plan.out);
        assert!(!plan.out.contains("outside roboinfra"), "{}", plan.out);
        run(&bench, &["apply", "--yes"]).ends(0);
    }
}

#[test]
fn a_machine_is_not_ended_when_its_volume_keeps_it_from_coming_back() {
    let bench = applied(LAB);
    let elsewhere = LAB.replace("[\"us-east-1a\", \"us-east-1b\"]", "[\"us-east-1b\"]");
    bench.write("lab.toml", elsewhere);
    let plan = run(&bench, &["plan", "--detailed-exitcode"]).ends(1);
    let said = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("its data, volume.box.0.data, is in us-east-1a, and none of its choices is"),
        "{}",
        plan.out
    );
    assert!(!said.contains("Next:"), "{}", plan.out);
    run(&bench, &["apply", "--yes"])
        .ends(1)
        .says(&["2 of the resources are blocked; nothing was changed"]);
    bench.write("lab.toml", LAB);
    run(&bench, &["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn what_the_profile_keeps_is_no_leftover_even_if_the_cloud_was_not_told() {
    let bench = applied(LAB);
    let kept = LAB.replace(r#"mount = "/data" }"#, r#"mount = "/data", keep = true }"#);
    assert_ne!(kept, LAB);
    bench.write("lab.toml", kept);
    let ran = run(&bench, &["destroy", "--yes"]).ends(0);
    ran.says(&[
        "Nothing is left but what is kept",
        "volume.box.0.data",
        "keep = true in the profile",
    ]);
}
