//! The lab of these tests, and what a plan says of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::bench::{Bench, PROFILE, Ran};

/// The usual lab, and its machine has a data volume and an Elastic IP.
pub(crate) static LAB: LazyLock<String> = LazyLock::new(|| {
    format!("{PROFILE}elastic_ip  = true\nvolume.data = {{ size_gib = 20, mount = \"/data\" }}\n")
});

pub(crate) fn applied(profile: &str) -> Bench {
    let bench = Bench::empty();
    bench.write("lab.toml", profile);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    bench
}

/// The ids of all resources by address, as the lockfile has them.
pub(crate) fn ids(bench: &Bench) -> BTreeMap<String, String> {
    let lines = bench
        .run(&["state", "list", "--sandbox", "--json"])
        .ends(0)
        .json();
    let resources = lines.iter().filter(|line| line["type"] == "resource");
    resources
        .map(|line| {
            let text = |key: &str| line[key].as_str().expect("text").to_owned();
            (text("address"), text("id"))
        })
        .collect()
}

/// What is remembered of hosts, by address: the machine, and how many of its steps are done.
pub(crate) fn hosts(bench: &Bench) -> BTreeMap<String, (String, usize)> {
    let lines = bench
        .run(&["state", "list", "--sandbox", "--json"])
        .ends(0)
        .json();
    let hosts = lines.iter().filter(|line| line["type"] == "host");
    hosts
        .map(|line| {
            let text = |key: &str| line[key].as_str().expect("text").to_owned();
            let steps = line["steps"].as_object().map_or(0, serde_json::Map::len);
            (text("address"), (text("machine"), steps))
        })
        .collect()
}

/// What a plan would do: `update node.box.0`, no-ops left out.
pub(crate) fn planned(bench: &Bench) -> Vec<String> {
    let ran = bench.run(&["plan", "--sandbox", "--json"]).ends(0);
    changes(&ran)
}

pub(crate) fn changes(ran: &Ran) -> Vec<String> {
    let lines = ran.json();
    let changes = lines.iter().filter(|line| line["type"] == "change");
    changes
        .filter(|line| line["action"] != "no-op")
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("action"), text("address"))
        })
        .collect()
}

/// The foreign things that a plan tells of.
pub(crate) fn foreign(bench: &Bench) -> Vec<String> {
    let lines = bench.run(&["plan", "--sandbox", "--json"]).ends(0).json();
    let notices = lines.iter().filter(|line| line["topic"] == "foreign");
    notices
        .map(|line| line["text"].as_str().expect("text").to_owned())
        .collect()
}
