//! Bootstrap steps of the user's own: planned, run, changed, refused.

use crate::bench::{Bench, PROFILE};

const STEP: &str = "#!/usr/bin/env bash
# roboinfra:step     calibrate
# roboinfra:about    Camera calibration
# roboinfra:needs    base
# roboinfra:reboot   never
# roboinfra:timeout  5m
# roboinfra:proof    the calibration is there
# roboinfra:systems  ubuntu-* debian-*
# roboinfra:inputs   RATE=10
# roboinfra:secrets  FLEET_TOKEN

check() { [[ -e /var/lib/calibration ]]; }

apply() { say \"rate $RATE\"; : >/var/lib/calibration; }
";

const SECTION: &str = r#"
[step.calibrate]
script  = "steps/calibrate.sh"
inputs  = { RATE = "50" }
secrets = { FLEET_TOKEN = "env:FLEET_TOKEN" }
"#;

const TOKEN: [(&str, &str); 1] = [("FLEET_TOKEN", "fleet-hunter2-c51f")];

fn bench() -> Bench {
    let bench = Bench::new();
    let profile = PROFILE.replace("bootstrap   = []", r#"bootstrap   = ["calibrate"]"#);
    bench.write("lab.toml", profile + SECTION);
    std::fs::create_dir(bench.path("steps")).expect("a folder");
    bench.write("steps/calibrate.sh", STEP);
    bench
}

#[test]
fn a_step_of_ones_own_is_planned_run_and_run_again_when_it_changes() {
    let bench = bench();
    let run = |words: &[&str], code| bench.run_with(words, &TOKEN).ends(code);
    let plan = run(&["plan", "--sandbox", "--detailed-exitcode"], 2);
    assert!(
        plan.out.contains("2 steps: base, calibrate"),
        "{}",
        plan.out
    );
    run(&["apply", "--sandbox", "--yes"], 0);
    run(&["plan", "--sandbox", "--detailed-exitcode"], 0);
    let logs = run(&["logs", "node.box.0", "calibrate", "--sandbox"], 0);
    assert!(logs.out.contains("simulated"), "{}", logs.out);
    bench.write(
        "steps/calibrate.sh",
        STEP.replace("rate $RATE", "now at $RATE"),
    );
    let plan = run(&["plan", "--sandbox", "--detailed-exitcode"], 2);
    assert!(plan.out.contains("calibrate"), "{}", plan.out);
    run(&["apply", "--sandbox", "--yes"], 0);
    run(&["plan", "--sandbox", "--detailed-exitcode"], 0);
    // Another token is another script.
    let other = [("FLEET_TOKEN", "another")];
    bench
        .run_with(&["plan", "--sandbox", "--detailed-exitcode"], &other)
        .ends(2);
    for (path, bytes) in bench.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("hunter2"),
            "the secret is in {}",
            path.display()
        );
    }
}

#[test]
fn a_step_that_is_none_is_refused_before_anything_is_done() {
    let bench = bench();
    bench.write("steps/calibrate.sh", "#!/usr/bin/env bash\necho hello\n");
    for command in ["validate", "plan", "apply", "policy"] {
        let words: &[&str] = match command {
            "apply" => &["apply", "--sandbox", "--yes"],
            "plan" => &["plan", "--sandbox"],
            other => &[other],
        };
        bench.run_with(words, &TOKEN).ends(3).says(&[
            "P0227",
            "there is no header",
            "docs/bootstrap.md",
        ]);
    }
    std::fs::remove_file(bench.path("steps/calibrate.sh")).expect("removed");
    bench
        .run_with(&["plan", "--sandbox"], &TOKEN)
        .ends(3)
        .says(&["there is no file"]);
}

#[test]
fn without_its_secret_a_step_is_refused_by_plan() {
    let bench = bench();
    let ran = bench.run(&["apply", "--sandbox", "--yes"]);
    ran.says(&[
        "step.calibrate: FLEET_TOKEN: there is no",
        "export FLEET_TOKEN",
    ]);
}

#[test]
fn f_follows_a_log_and_names_the_profile_elsewhere() {
    let bench = bench();
    let run = |words: &[&str], code| bench.run_with(words, &TOKEN).ends(code);
    run(&["apply", "--sandbox", "--yes"], 0);
    for words in [
        &["logs", "node.box.0", "calibrate", "-f"][..],
        &["-f", "lab.toml", "logs", "node.box.0", "-f", "calibrate"],
        &[
            "logs",
            "-F",
            "node.box.0",
            "calibrate",
            "--file",
            "lab.toml",
        ],
    ] {
        let logs = run(&[words, &["--sandbox"]].concat(), 0);
        assert!(logs.out.contains("simulated"), "{}", logs.out);
    }
    for words in [
        &["-f", "none.toml", "logs", "node.box.0"][..],
        &["logs", "node.box.0", "--file", "none.toml"],
        &["status", "-f", "none.toml"],
    ] {
        run(words, 3).says(&["there is no profile none.toml"]);
    }
}

#[test]
fn a_saved_plan_is_of_the_scripts_that_it_was_made_with() {
    let bench = bench();
    let run = |words: &[&str], code| bench.run_with(words, &TOKEN).ends(code);
    run(&["plan", "--sandbox", "--out", "saved"], 0);
    bench.write("steps/calibrate.sh", STEP.replace("rate $RATE", "now"));
    run(&["apply", "saved", "--sandbox", "--yes"], 1).says(&["the scripts of bootstrap steps"]);
    bench.write("steps/calibrate.sh", STEP);
    let other = [("FLEET_TOKEN", "another")];
    bench
        .run_with(&["apply", "saved", "--sandbox", "--yes"], &other)
        .ends(1);
    run(&["apply", "saved", "--sandbox", "--yes"], 0);
}

#[test]
fn a_machine_can_be_stopped_and_destroyed_although_a_script_is_missing() {
    let bench = bench();
    let run = |words: &[&str], code| bench.run_with(words, &TOKEN).ends(code);
    run(&["apply", "--sandbox", "--yes"], 0);
    std::fs::remove_file(bench.path("steps/calibrate.sh")).expect("removed");
    for words in [
        &["status", "--sandbox"][..],
        &["logs", "node.box.0", "calibrate", "--sandbox"],
        &["state", "show", "node.box.0", "--sandbox"],
        &["stop", "--sandbox"],
        &["destroy", "--sandbox", "--yes"],
    ] {
        let ran = run(words, 0);
        if words[0] != "state" {
            ran.says(&["there is no file", "goes on without"]);
        }
    }
    run(&["plan", "--sandbox"], 3);
}

#[test]
fn a_ready_host_stays_so_when_its_secret_cannot_be_read() {
    let bench = bench();
    bench
        .run_with(&["apply", "--sandbox", "--yes"], &TOKEN)
        .ends(0);
    bench
        .run(&["bootstrap", "--sandbox"])
        .ends(6)
        .says(&["cannot begin"]);
    bench.run(&["doctor", "--sandbox"]).ends(0);
    let status = bench.run(&["status", "--sandbox"]).ends(0);
    assert!(!status.out.contains("unfinished"), "{}", status.out);
    bench
        .run_with(&["plan", "--sandbox", "--detailed-exitcode"], &TOKEN)
        .ends(0);
}

#[test]
fn a_secret_is_asked_for_only_where_it_is_taken() {
    let bench = bench();
    let words = ["apply", "--sandbox", "--yes", "--target", "network"];
    let ran = bench.run(&words).ends(0);
    assert!(!ran.out.contains("FLEET_TOKEN"), "{}", ran.out);
    let node = ["plan", "--sandbox", "--target", "node.box.0"];
    let ran = bench.run(&node).ends(0);
    assert!(ran.out.contains("FLEET_TOKEN"), "{}", ran.out);
}

#[test]
fn a_script_that_is_none_fails_in_the_sandbox_as_it_would_on_a_host() {
    let bench = bench();
    bench.write("steps/calibrate.sh", format!("{STEP}if then\n"));
    bench
        .run_with(&["apply", "--sandbox", "--yes"], &TOKEN)
        .ends(6)
        .says(&["bash refuses the script"]);
}
