//! The scenarios, each as a user would type it.

use super::allowed::{Behaviour, shows};
use super::bench::{Bench, Cloud};

/// One machine with an Elastic IP, in one zone.
const TWIN: &str = r#"
version = 1
[lab]
name = "twin"
region = "REGION"
[network]
zones = ["REGIONa"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
types = ["g4dn.xlarge", "g4dn.2xlarge"]
bootstrap = []
elastic_ip = true
"#;

fn up(bench: &Bench, profile: &str) {
    bench.profile(profile);
    bench.run(&["apply", "--yes"]).exits(0);
}

fn down(bench: &Bench) {
    bench
        .run(&["destroy", "--yes"])
        .exits(0)
        .says("othing is left");
    bench.run(&["destroy", "--yes"]).exits(0);
}

fn settled(bench: &Bench) {
    bench
        .run(&["plan", "--detailed-exitcode"])
        .exits(0)
        .says("No changes");
}

pub(crate) fn a_lab_comes_and_goes(bench: &Bench) {
    bench.profile(TWIN);
    bench
        .run(&["plan", "--detailed-exitcode"])
        .exits(2)
        .says("12 to create");
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_eq!(bench.remembered().len(), 12);
    bench.run(&["status"]).exits(0).says("running");
    bench.run(&["apply", "--yes"]).exits(0).says("No changes");
    down(bench);
    assert!(bench.remembered().is_empty());
}

pub(crate) fn a_changed_profile_changes_the_lab(bench: &Bench) {
    up(bench, TWIN);
    let node = bench.id("node.sim.0");
    let opened = TWIN.replace(
        "[node.sim]",
        "[access.port.web]\nport = 8210\nfrom = [\"198.51.100.0/24\"]\n[node.sim]",
    );
    bench.profile(&opened);
    bench.run(&["plan"]).exits(0).says("8210");
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    // Back again, on another type and with a second machine: the first stops, changes and starts.
    bench.profile(
        &TWIN
            .replace("\"g4dn.xlarge\", \"g4dn.2xlarge\"", "\"g4dn.2xlarge\"")
            .replace("elastic_ip", "count = 2\nelastic_ip"),
    );
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_eq!(
        bench.id("node.sim.0"),
        node,
        "the machine was changed, not replaced"
    );
    bench.profile(&TWIN.replace("\"g4dn.xlarge\", \"g4dn.2xlarge\"", "\"g4dn.2xlarge\""));
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert!(!bench.remembered().contains(&"node.sim.1".to_owned()));
    down(bench);
}

pub(crate) fn a_lost_machine_is_made_again(bench: &Bench) {
    up(bench, TWIN);
    let node = bench.id("node.sim.0");
    bench
        .run(&["destroy", "--yes", "--target", "node.sim.0"])
        .exits(0);
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_ne!(bench.id("node.sim.0"), node);
    down(bench);
}

pub(crate) fn a_lost_lockfile_is_made_again(bench: &Bench) {
    up(bench, TWIN);
    let before = bench.remembered();
    std::fs::remove_file(bench.lockfile()).expect("there is a lockfile");
    bench.run(&["plan"]).exits(1).says("state rebuild");
    bench
        .run(&["apply", "--yes"])
        .exits(1)
        .says("state rebuild");
    bench.run(&["state", "rebuild"]).exits(0);
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_eq!(bench.remembered(), before);
    down(bench);
}

pub(crate) fn alarms_come_change_and_go(bench: &Bench) {
    let watched = |more: &str| format!("{TWIN}[metrics]\nnamespace = \"Twin\"\n{more}");
    up(bench, &watched(""));
    settled(bench);
    let alarms = || {
        let known = bench.remembered().into_iter();
        known
            .filter(|address| address.starts_with("alarm."))
            .count()
    };
    assert_eq!(alarms(), 5);
    bench.run(&["metrics", "sim"]).exits(0).says("sim.0");
    bench
        .run(&["metrics", "smi"])
        .exits(1)
        .says("did you mean `sim`?");
    let name = bench.id("alarm.sim.0.gpu-hot");
    bench.profile(&watched("gpu_hot_celsius = 70\n"));
    bench.run(&["plan"]).exits(0).says("at least 70");
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_eq!(bench.id("alarm.sim.0.gpu-hot"), name);
    // Tags that come later reach the alarms, and those that go leave them.
    for tags in ["cost = \"42\"", ""] {
        let region = "region = \"REGION\"\n";
        let tagged = format!("{region}tags = {{ {tags} }}\n");
        bench.profile(&watched("gpu_hot_celsius = 70\n").replace(region, &tagged));
        bench.run(&["plan"]).exits(0).says("tag cost");
        bench.run(&["apply", "--yes"]).exits(0);
        settled(bench);
    }
    // A new machine is watched by the alarms of the old.
    bench
        .run(&["destroy", "--yes", "--target", "node.sim.0"])
        .exits(0);
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    std::fs::remove_file(bench.lockfile()).expect("there is a lockfile");
    bench.run(&["state", "rebuild"]).exits(0);
    assert_eq!(alarms(), 5);
    settled(bench);
    bench.profile(&watched("alarms = false\n"));
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    assert_eq!(alarms(), 0);
    down(bench);
    assert!(bench.remembered().is_empty());
}

pub(crate) fn machines_stop_and_start(bench: &Bench) {
    up(bench, TWIN);
    bench.run(&["stop"]).exits(0);
    bench.run(&["status"]).exits(0).says("stopped");
    settled(bench);
    bench.run(&["stop", "sim"]).exits(0).says("Nothing to do");
    bench.run(&["start", "node.sim.0"]).exits(0);
    bench.run(&["status"]).exits(0).says("running");
    bench
        .run(&["start", "nobody"])
        .exits(1)
        .says("there is no machine nobody");
    down(bench);
}

pub(crate) fn an_existing_network_is_left_alone(bench: &Bench) {
    // The first lab's network is the second lab's existing one, so both need one account: each lab at home in the
    // sandbox has its own.
    let served = Bench::new(Cloud::Served, "an_existing_network");
    let bench = if bench.cloud == Cloud::Sandbox {
        &served
    } else {
        bench
    };
    up(bench, TWIN);
    let (vpc, subnet) = (
        bench.id("network.vpc"),
        bench.id("network.subnet.REGIONa"
            .replace("REGION", bench.region())
            .as_str()),
    );
    let existing = format!("[network]\nvpc = \"{vpc}\"\nsubnets = [\"{subnet}\"]");
    let guest = TWIN
        .replace("[network]\nzones = [\"REGIONa\"]", &existing)
        .replace("\"twin\"", "\"guest\"");
    std::fs::write(
        bench.file("guest.toml"),
        guest.replace("REGION", bench.region()),
    )
    .expect("the folder is writable");
    let guest = ["-f", "guest.toml", "--lockfile", "guest.lock"];
    let run = |words: &[&str]| bench.run(&[words, &guest].concat());
    run(&["apply", "--yes"]).exits(0);
    run(&["plan", "--detailed-exitcode"]).exits(0);
    run(&["destroy", "--yes"]).exits(0).says("othing is left");
    settled(bench);
    down(bench);
}

pub(crate) fn a_kept_volume_outlives_the_lab(bench: &Bench) {
    let profile =
        format!("{TWIN}volume.data = {{ size_gib = 50, mount = \"/data\", keep = true }}\n");
    up(bench, &profile);
    let volume = bench.id("volume.sim.0.data");
    settled(bench);
    bench.run(&["destroy", "--yes"]).exits(0).says(&volume);
    bench.run(&["apply", "--yes"]).exits(0);
    assert_eq!(
        bench.id("volume.sim.0.data"),
        volume,
        "the new machine has the old disk"
    );
    settled(bench);
    bench.profile(&profile.replace("keep = true", "keep = false"));
    bench.run(&["apply", "--yes"]).exits(0);
    down(bench);
}

pub(crate) fn spot_machines_come_and_go(bench: &Bench) {
    up(
        bench,
        &TWIN.replace(
            "elastic_ip = true",
            "count = 2\nmarket = \"spot-then-on-demand\"",
        ),
    );
    settled(bench);
    bench.run(&["status"]).exits(0).says("spot");
    if shows(bench.cloud, Behaviour::SpotHasRequest) {
        bench
            .run(&["destroy", "--yes"])
            .exits(0)
            .says("othing is left");
    }
    down(bench);
}

pub(crate) fn a_saved_plan_is_applied_or_refused(bench: &Bench) {
    bench.profile(TWIN);
    bench.run(&["plan", "--out", "lab.plan"]).exits(0);
    bench.run(&["apply", "lab.plan"]).exits(0);
    bench
        .run(&["apply", "lab.plan"])
        .exits(1)
        .says("does not fit any more");
    bench.profile(&TWIN.replace("elastic_ip = true", ""));
    bench.run(&["plan", "--out", "less.plan"]).exits(0);
    bench.profile(TWIN);
    bench
        .run(&["apply", "less.plan"])
        .exits(1)
        .says("the profile");
    settled(bench);
    down(bench);
}

pub(crate) fn a_part_is_aimed_at(bench: &Bench) {
    bench.profile(TWIN);
    bench
        .run(&["apply", "--yes", "--target", "network.vpc"])
        .exits(0);
    assert_eq!(bench.remembered(), ["network.vpc"]);
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    if shows(bench.cloud, Behaviour::GroupInUseStays) {
        let said = bench.run(&["destroy", "--yes", "--target", "access.security-group.sim"]);
        // What stands on a target goes with it.
        said.exits(0);
        assert!(!bench.remembered().contains(&"node.sim.0".to_owned()));
    }
    down(bench);
}

pub(crate) fn a_state_is_shared(bench: &Bench) {
    // Two folders need one account.
    let served = Bench::new(Cloud::Served, "a_state_is_shared");
    let bench = if bench.cloud == Cloud::Sandbox {
        &served
    } else {
        bench
    };
    let bucket = format!("lab-state-{}", bench.region());
    let profile = format!("{TWIN}\n[state]\nbucket = \"{bucket}\"\n");
    bench.profile(&profile);
    bench.run(&["plan"]).exits(1).says("there is no bucket");
    for _ in 0..2 {
        bench.run(&["init", "--state-bucket", &bucket]).exits(0);
    }
    bench.run(&["apply", "--yes"]).exits(0);
    assert!(!bench.lockfile().exists(), "the lockfile is in the bucket");
    settled(bench);
    let node = bench.id("node.sim.0");
    // Another machine has the profile and nothing else.
    std::fs::create_dir(bench.file("elsewhere")).expect("the folder is writable");
    std::fs::copy(bench.file("lab.toml"), bench.file("elsewhere/lab.toml")).expect("writable");
    let there = ["-f", "elsewhere/lab.toml"];
    let other = |words: &[&str]| bench.run(&[words, &there].concat());
    other(&["plan", "--detailed-exitcode"]).exits(0);
    other(&["state", "list"]).exits(0).says(&node);
    other(&["destroy", "--yes"]).exits(0).says("othing is left");
    bench.run(&["apply", "--yes"]).exits(0);
    settled(bench);
    bench.run(&["state", "pull", "--move"]).exits(0);
    bench.profile(TWIN);
    settled(bench);
    down(bench);
}
