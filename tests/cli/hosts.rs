//! Hosts on the road: `apply` makes them ready, the lockfile remembers it, `plan` compares.

use crate::bench::{Bench, PROFILE, Ran, finish, signal, until};

const LOCK: &str = "roboinfra.sandbox.lock";

/// [`PROFILE`] with steps for its machine, and an edge host that has two.
fn profile() -> String {
    let steps = r#"bootstrap = ["base", "nvidia-driver", "docker"]"#;
    let edge = "\n[edge.arm]\nhost = \"192.0.2.10\"\nuser = \"robot\"\nplatform = \"linux\"\n\
                bootstrap = [\"base\", \"ros-network\"]\n";
    assert!(PROFILE.contains("bootstrap   = []"));
    PROFILE.replace("bootstrap   = []", steps) + edge
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("lab.toml", profile());
    bench
}

/// A scenario for hosts.
fn scenario(bench: &Bench, text: &str) -> [&'static str; 5] {
    bench.write("hosts.toml", text);
    ["apply", "--sandbox", "--yes", "--scenario", "hosts.toml"]
}

fn apply(bench: &Bench) -> Ran {
    bench.run(&["apply", "--sandbox", "--yes"])
}

fn planned(bench: &Bench, code: i32) -> String {
    bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(code)
        .out
}

fn lock(bench: &Bench) -> roboinfra::state::Lockfile {
    roboinfra::state::decode(&bench.read(&lock_name(bench))).expect("it is sound")
}

/// The sandbox has a lockfile of its own.
fn lock_name(bench: &Bench) -> String {
    let files = bench.files();
    let path = files
        .keys()
        .find(|path| path.ends_with(".roboinfra/sandbox/roboinfra.lock") || path.ends_with(LOCK));
    let path = path.expect("there is a lockfile");
    let folder = bench.path("");
    let name = path.strip_prefix(folder).expect("it is within");
    name.display().to_string()
}

/// Whether a host's record says that these steps are done, and no others.
#[track_caller]
fn has_done(bench: &Bench, host: &str, steps: &[&str]) {
    let hosts = lock(bench).hosts;
    let address = roboinfra::model::Address::new(host);
    let found: Vec<String> = hosts
        .get(&address)
        .map(|host| host.steps.keys().cloned().collect())
        .unwrap_or_default();
    assert_eq!(found, steps, "{host}");
}

#[test]
fn one_apply_makes_machines_and_makes_them_ready() {
    let bench = bench();
    let plan = planned(&bench, 2);
    assert!(
        plan.contains("Then: 2 hosts to make ready, 5 steps."),
        "{plan}"
    );
    assert!(
        plan.contains("3 steps: base, nvidia-driver, docker"),
        "{plan}"
    );
    assert!(
        plan.lines().all(|line| line.chars().count() <= 80),
        "{plan}"
    );
    apply(&bench).ends(0).says(&[
        "created",
        "node.box.0 docker done",
        "edge.arm ros-network done",
        "2 of 2 hosts ready; 5 steps run.",
        "Hosts of the sandbox are played",
        "Next: roboinfra status --sandbox",
    ]);
    has_done(&bench, "node.box.0", &["base", "docker", "nvidia-driver"]);
    has_done(&bench, "edge.arm", &["base", "ros-network"]);
    let known = lock(&bench);
    for (address, host) in &known.hosts {
        let standing = roboinfra::state::Standing::Ready;
        assert_eq!(
            (host.standing, host.lacks.len()),
            (standing, 0),
            "{address}"
        );
    }

    // The second time nothing is to be done, and nothing is said or written.
    assert!(planned(&bench, 0).contains("No changes."));
    let again = apply(&bench).ends(0);
    assert_eq!(again.err, "");
    assert_eq!(lock(&bench), known);
    let shown = bench
        .run(&["state", "show", "node.box.0", "--sandbox"])
        .ends(0);
    assert!(shown.out.contains("host        ready"), "{}", shown.out);
    let json = bench.run(&["state", "list", "--sandbox", "--json"]).ends(0);
    let hosts = json
        .json()
        .into_iter()
        .filter(|line| line["type"] == "host");
    assert_eq!(hosts.count(), 2);
}

#[test]
fn a_changed_input_runs_its_step_alone() {
    let bench = bench();
    apply(&bench).ends(0);
    let other = profile().replace(
        "bootstrap = [\"base\", \"nvidia",
        "driver = \"570-server\"\nbootstrap = [\"base\", \"nvidia",
    );
    bench.write("lab.toml", other);
    let plan = planned(&bench, 2);
    assert!(
        plan.contains("~ node.box.0  changed: nvidia-driver; 2 steps done"),
        "{plan}"
    );
    // A saved plan does the same, once.
    bench
        .run(&["plan", "--sandbox", "--out", "lab.plan"])
        .ends(0);
    bench
        .run(&["apply", "--sandbox", "lab.plan"])
        .ends(0)
        .says(&["nvidia-driver done", "2 of 2 hosts ready; 1 step run."]);
    bench
        .run(&["apply", "--sandbox", "lab.plan"])
        .ends(1)
        .says(&["the lockfile", "changed since"]);
    planned(&bench, 0);
    // Somebody who wants a plain terminal may not be asked for nothing.
    bench.write("lab.toml", profile());
    bench
        .run(&["apply", "--sandbox"])
        .ends(1)
        .says(&["nobody to ask"]);
}

#[test]
fn hosts_may_be_left_as_they_are() {
    let bench = bench();
    let left = ["apply", "--sandbox", "--yes", "--no-bootstrap"];
    let ran = bench.run(&left).ends(0);
    assert!(!ran.err.contains("ready"), "{}", ran.err);
    assert!(lock(&bench).hosts.is_empty());
    assert!(planned(&bench, 2).contains("0 to create"));
    // A part of the lab is a part of its hosts.
    bench
        .run(&["apply", "--sandbox", "--yes", "--target", "edge.arm"])
        .ends(1)
        .says(&["nothing at edge.arm"]);
    bench
        .run(&["apply", "--sandbox", "--yes", "--target", "box"])
        .ends(1)
        .says(&["nothing at box", "did you mean `node.box`?"]);
    bench
        .run(&["bootstrap", "--sandbox", "amr"])
        .ends(1)
        .says(&["there is no host amr", "did you mean `arm`?"]);
    bench
        .run(&["bootstrap", "--sandbox", "arm"])
        .ends(0)
        .says(&["1 of 1 host ready; 2 steps run."]);
    has_done(&bench, "edge.arm", &["base", "ros-network"]);
    has_done(&bench, "node.box.0", &[]);
    apply(&bench).ends(0).says(&["3 steps run"]);
}

#[test]
fn a_lab_of_edge_hosts_alone_needs_no_account_and_has_no_bill() {
    let bench = Bench::empty();
    bench.run(&["init", "--profile", "robots"]).ends(0);
    let plan = bench.run(&["plan"]).ends(0).out;
    assert!(plan.starts_with("robots  no cloud\n"), "{plan}");
    assert!(plan.contains("2 hosts to make ready"), "{plan}");
    apply(&bench).ends(0).says(&["2 of 2 hosts ready"]);
    let status = || bench.run(&["status", "--sandbox"]).ends(0).out;
    let before = status();
    assert!(
        before.starts_with("robots  no cloud · sandbox\n"),
        "{before}"
    );
    assert!(
        !before.contains("Cost") && !before.contains("machines"),
        "{before}"
    );
    bench
        .run(&["destroy", "--sandbox", "--yes"])
        .ends(0)
        .says(&["never been in a cloud", "hosts stay"]);
    let first = |text: &str| text.lines().next().map(ToOwned::to_owned);
    assert_eq!(first(&status()), first(&before));
}

#[test]
fn a_step_that_fails_is_told_and_the_next_apply_goes_on() {
    let bench = bench();
    let words = scenario(
        &bench,
        "[[step]]\nstep = \"docker\"\nends = \"failed\"\nsays = \"E: out of luck\"\n",
    );
    bench.run(&words).ends(6).says(&[
        "Done:",
        "node.box.0: the step docker failed (exit code 1)",
        "E: out of luck",
        "The whole log:",
        "edge.arm: ready, 2 steps run",
        "1 of 2 hosts ready",
        "Next: roboinfra apply --sandbox",
    ]);
    has_done(&bench, "node.box.0", &["base", "nvidia-driver"]);
    let plan = planned(&bench, 2);
    assert!(plan.contains("new: docker; 2 steps done"), "{plan}");
    assert!(plan.contains("an earlier run ended at docker"), "{plan}");
    apply(&bench)
        .ends(0)
        .says(&["docker done", "2 of 2 hosts ready; 1 step run."]);
    planned(&bench, 0);
}

#[test]
fn an_interrupted_apply_writes_down_what_is_done_and_the_next_follows() {
    for (name, code) in [("INT", Some(130)), ("KILL", None)] {
        let bench = bench();
        let words = scenario(&bench, "[hosts]\nstep = \"1500ms\"\n");
        let first = bench.command(&words).spawn().expect("the binary is built");
        let log = bench.path(".roboinfra/sandbox/hosts/node.box.0/nvidia-driver.log");
        until(&log, "simulated");
        signal(first.id(), name);
        let first = finish(first);
        assert_eq!(first.code, code, "{}", first.err);
        if name == "INT" {
            first.says(&["goes on on the host", "Next: roboinfra apply --sandbox"]);
            has_done(&bench, "node.box.0", &["base"]);
        }
        let plan = planned(&bench, 2);
        assert!(plan.contains("0 to create"), "{plan}");
        let ran = apply(&bench).ends(0);
        // What was done is not run again, and what ran on the host is not begun a second time.
        assert!(!ran.err.contains("node.box.0 base (1"), "{}", ran.err);
        has_done(&bench, "node.box.0", &["base", "docker", "nvidia-driver"]);
        let log = std::fs::read_to_string(&log).expect("it was followed");
        assert_eq!(log.matches("=== try").count(), 1, "{log}");
        planned(&bench, 0);
    }
}

#[test]
fn a_record_goes_with_its_machine() {
    let bench = bench();
    apply(&bench).ends(0);
    // A machine that is replaced begins anew; an edge host that is not named any more is forgotten.
    let text = profile().replace("ubuntu-22.04", "ubuntu-24.04");
    let text = text.split("\n[edge").next().expect("a head").to_owned();
    bench.write("lab.toml", &text);
    let plan = planned(&bench, 2);
    assert!(plan.contains("another machine"), "{plan}");
    apply(&bench)
        .ends(0)
        .says(&["1 of 1 host ready; 3 steps run."]);
    let hosts: Vec<String> = lock(&bench).hosts.keys().map(ToString::to_string).collect();
    assert_eq!(hosts, ["node.box.0"]);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    assert!(lock(&bench).hosts.is_empty());
}

#[test]
fn edge_hosts_alone_need_no_cloud() {
    let bench = Bench::new();
    let edge = profile();
    let edge = edge.split("[edge").nth(1).expect("an edge host");
    let head = "version = 1\n[lab]\nname = \"bench\"\nregion = \"us-east-1\"\n";
    bench.write("lab.toml", format!("{head}[edge{edge}"));
    // A cloud that refuses everything is never asked.
    bench.write(
        "hosts.toml",
        "[[fault]]\nkind = \"error\"\non = \"*\"\nstatus = 403\ncode = \"AuthFailure\"\n",
    );
    let refusing = ["--sandbox", "--scenario", "hosts.toml"];
    let run = |words: &[&str]| bench.run(&[words, &refusing[..]].concat());
    let plan = run(&["plan", "--detailed-exitcode"]).ends(2);
    assert!(
        plan.out.contains("Then: 1 host to make ready, 2 steps."),
        "{}",
        plan.out
    );
    run(&["apply", "--yes"])
        .ends(0)
        .says(&["1 of 1 host ready; 2 steps run."]);
    run(&["plan", "--detailed-exitcode"]).ends(0);
    assert!(lock(&bench).resources.is_empty());
    has_done(&bench, "edge.arm", &["base", "ros-network"]);
    // The first machine brings an account; what is known of the edge host stays.
    bench.write("lab.toml", profile());
    let lab = lock(&bench).lab;
    apply(&bench)
        .ends(0)
        .says(&["2 of 2 hosts ready; 3 steps run."]);
    let now = lock(&bench).lab;
    assert_eq!((now.id, now.endpoint.as_str()), (lab.id, "sandbox"));
    has_done(&bench, "edge.arm", &["base", "ros-network"]);
}

#[test]
fn a_program_reads_what_became_of_each_host() {
    let bench = bench();
    let plan = bench.run(&["plan", "--sandbox", "--json"]).ends(0).json();
    let host = plan
        .iter()
        .find(|line| line["type"] == "host" && line["address"] == "node.box.0");
    let host = host.expect("the plan tells of it");
    assert_eq!(host["steps"][1]["step"], "nvidia-driver");
    assert_eq!(host["steps"][1]["plan"], "new");
    let lines = bench
        .run(&["apply", "--sandbox", "--yes", "--json"])
        .ends(0)
        .json();
    let place = |kind: &str| lines.iter().rposition(|line| line["type"] == kind);
    assert!(place("ended") < place("over") && place("over") < place("summary"));
    // Each part of the stream says what it is.
    let formats: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "version")
        .map(|line| &line["format"])
        .collect();
    assert_eq!(
        formats,
        [
            "roboinfra.plan/1",
            "roboinfra.events/1",
            "roboinfra.hosts/1"
        ]
    );
    let verdicts: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "verdict")
        .collect();
    assert_eq!(verdicts.len(), 2);
    assert!(
        verdicts.iter().all(|verdict| verdict["ready"] == true),
        "{verdicts:?}"
    );
}

#[test]
fn what_a_host_was_measured_to_be_decides_and_drift_is_shown_until_it_is_accepted() {
    let bench = bench();
    // All steps pass, and the GPU is not the one that the type has.
    let words = scenario(
        &bench,
        "[hosts.facts]\ngpu_names = \"NVIDIA T4\"\nepoch = \"1000\"\n",
    );
    bench.run(&words).ends(6).says(&[
        "node.box.0: every step is done, but the host does not measure up",
        "GPU: NVIDIA T4 expected: 1 A10G cause:",
        "roboinfra plan --sandbox",
        "clock:",
        "roboinfra ssh edge.arm --sandbox -- timedatectl",
        "0 of 2 hosts ready",
    ]);
    let plan = planned(&bench, 0);
    assert!(plan.contains("was not ready: GPU, clock"), "{plan}");
    // Another look, without a step: the host measures up now.
    apply(&bench).ends(0);
    assert!(!planned(&bench, 0).contains("not ready"));

    let newer = "[hosts.versions]\ndocker = \"27.4.0\"\n";
    bench.write("hosts.toml", newer);
    let doctor = [
        "doctor",
        "--sandbox",
        "--scenario",
        "hosts.toml",
        "node.box",
    ];
    bench.run(&doctor).ends(0);
    let plan = planned(&bench, 0);
    assert!(
        plan.contains("docker: 27.3.1 was left, 27.4.0 was found"),
        "{plan}"
    );
    let known = bench.read(&lock_name(&bench));
    bench.run(&doctor).ends(0);
    assert_eq!(
        bench.read(&lock_name(&bench)),
        known,
        "the same again is no news"
    );
    bench
        .run(&["apply", "--sandbox", "--yes", "--refresh-only"])
        .ends(0);
    assert!(!planned(&bench, 0).contains("was found"));
    let address = roboinfra::model::Address::new("node.box.0");
    assert_eq!(lock(&bench).hosts[&address].versions["docker"], "27.4.0");
}

#[test]
fn doctor_says_what_does_not_hold_any_more() {
    let bench = bench();
    apply(&bench).ends(0);
    bench.run(&["doctor", "--sandbox"]).ends(0);
    bench.write(
        "hosts.toml",
        "[hosts.facts]\nproof-docker = \"fails: live-restore is off\"\nreboot_required = \"yes\"\n",
    );
    let told = bench
        .run(&[
            "doctor",
            "--sandbox",
            "--scenario",
            "hosts.toml",
            "node.box.0",
        ])
        .ends(6);
    let said = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "docker: done, and does not hold any more: live-restore is off",
        "expected: docker info answers",
        "roboinfra bootstrap node.box.0 --sandbox",
        "reboot: the system asks for one",
        "roboinfra ssh node.box.0 --sandbox -- sudo systemctl reboot",
    ] {
        assert!(said.contains(text), "{text:?} is not in:\n{}", told.out);
    }
    let lines = bench
        .run(&[
            "doctor",
            "--sandbox",
            "--scenario",
            "hosts.toml",
            "node.box.0",
            "--json",
        ])
        .ends(6)
        .json();
    let verdict = lines
        .iter()
        .find(|line| line["type"] == "verdict")
        .expect("a verdict");
    let findings = verdict["findings"].as_array().expect("a list");
    let reboot = findings
        .iter()
        .find(|finding| finding["what"] == "reboot")
        .expect("it is told");
    assert_eq!(
        (&reboot["binding"], &reboot["good"]),
        (&false.into(), &false.into())
    );
    assert_eq!(
        reboot["next"],
        "roboinfra ssh node.box.0 --sandbox -- sudo systemctl reboot"
    );
}

#[test]
fn the_agent_is_installed_asked_and_held_off() {
    let bench = bench();
    let profile = profile().replace(r#""docker"]"#, r#""docker", "gpu-metrics"]"#);
    let profile = profile + "\n[idle]\nfor = \"45m\"\n[schedule]\nttl = \"12h\"\n";
    bench.write("lab.toml", profile);
    let ran = apply(&bench).ends(0);
    assert!(
        ran.err.contains("sending the program of gpu-metrics"),
        "{}",
        ran.err
    );
    let status = |words: &[&str]| {
        let ran = bench.run(&[&["status", "--sandbox"], words].concat());
        ran.ends(0).out
    };
    let shown = status(&[]);
    assert!(
        shown.contains("busy: a host of the sandbox measures nothing"),
        "{shown}"
    );
    assert!(shown.contains("its lease ends in 1"), "{shown}");
    assert!(!status(&["--no-hosts"]).contains("busy"));
    // A machine's name without the kind of thing that it is.
    let held = bench.run(&["hold", "box.0", "2h", "--sandbox"]).ends(0);
    assert!(
        held.err.contains("node.box.0 is left alone until"),
        "{}",
        held.err
    );
    assert!(status(&["--json"]).contains("\"held_by\":\""));
    let longer = bench.run(&["hold", "node.box", "2d", "--sandbox"]).ends(0);
    assert!(longer.err.contains("Its lease ends in 1"), "{}", longer.err);
    bench
        .run(&["hold", "box.0", "--release", "--sandbox"])
        .ends(0);
    assert!(status(&["--json"]).contains("\"held_by\":null"));
    // Nothing is changed by any of it.
    planned(&bench, 0);
    // What is no agent is refused before anything is done.
    bench.write("agent", "#!/bin/sh\n");
    let refused = bench.run(&["apply", "--sandbox", "--yes", "--agent-binary", "agent"]);
    assert!(
        refused
            .ends(1)
            .err
            .contains("agent is no program for x86_64 or aarch64")
    );
    for wrong in [
        &["hold", "box.0"][..],
        &["hold", "box.0", "2h", "--release"],
        &["hold", "box.0", "0s"],
    ] {
        bench.run(&[wrong, &["--sandbox"]].concat()).ends(1);
    }
    // Where no host is tended, nobody needs one.
    let words = ["apply", "--sandbox", "--yes", "--no-bootstrap"];
    let words = [&words[..], &["--agent-binary", "agent"]].concat();
    bench.run(&words).ends(0);
}
