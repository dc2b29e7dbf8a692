//! What programs read is what docs/json.md says, line for line and field for field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bench::{Bench, PROFILE, Ran};

type Fields = BTreeMap<(String, String), BTreeSet<String>>;

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// By format and type, the documented fields: those named in an item's first sentence.
fn documented() -> Fields {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    let mut fields = Fields::new();
    for section in text.split("\n## ").skip(1) {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        let format = quoted(head).next().unwrap_or_default();
        for item in format!("\n{body}").split("\n- ").skip(1) {
            let (name, rest) = item.split_once(": ").expect("an item has fields");
            let name = quoted(name).next().expect("a type");
            let sentence = rest.split(". ").next().unwrap_or(rest);
            let sentence = sentence.split(".\n").next().unwrap_or(sentence);
            fields.insert((format.clone(), name), quoted(sentence).collect());
        }
    }
    fields
}

/// Checks every line of a run against the page and remembers which types it had.
#[track_caller]
fn holds(ran: &Ran, pages: &Fields, met: &mut BTreeSet<(String, String)>) {
    let mut open: Vec<String> = vec![String::new()];
    for line in ran.out.lines() {
        let value: Value = serde_json::from_str(line).expect("a line is JSON");
        let of = |key: &str| value[key].as_str().map(str::to_owned);
        let name = of("type").expect("a line has a type");
        if name == "version" {
            open.push(of("format").expect("a format"));
        }
        // After the events of hosts those of the run are summed up.
        let key = open
            .iter()
            .rev()
            .map(|format| (format.clone(), name.clone()));
        let key = key.clone().find(|key| pages.contains_key(key));
        let key = key.unwrap_or_else(|| unreachable!("{name} is not documented: {line}"));
        let known = &pages[&key];
        for field in value.as_object().expect("an object").keys() {
            let everywhere = matches!(field.as_str(), "type" | "at");
            let of_hosts = field == "address" && key.0 == "roboinfra.hosts/1";
            assert!(
                everywhere || of_hosts || known.contains(field),
                "{field} of {key:?} is not documented: {line}"
            );
        }
        assert!(
            open.len() > 1 || name == "error",
            "no format was named: {line}"
        );
        met.insert(key);
    }
}

#[test]
fn every_line_is_as_the_page_says() {
    let pages = documented();
    let bench = Bench::new();
    let steps = r#"bootstrap = ["base", "nvidia-driver", "gpu-metrics"]
volume.data = { size_gib = 10, mount = "/data" }
elastic_ip = true
[metrics]
namespace = "Twin""#;
    bench.write("lab.toml", PROFILE.replace("bootstrap   = []", steps));
    bench.write("bad.toml", PROFILE.replace("[network]", "[netwrok]"));
    let step = "[[step]]\nstep = \"nvidia-driver\"\nends = \"reboot\"\ntries = 1\n";
    let busy = "[[fault]]\nkind = \"throttle\"\non = \"RunInstances\"\nnth = 1\n";
    bench.write(
        "faults.toml",
        format!("[hosts]\nboot = \"10ms\"\nstep = \"10ms\"\n{step}{busy}"),
    );
    bench.write("none.toml", "[[fault]]\nkind = \"capacity\"\n");
    let mut met = BTreeSet::new();
    let mut run = |words: &[&str]| {
        let ran = bench.run(&[words, &["--sandbox", "--json"]].concat());
        holds(&ran, &pages, &mut met);
    };
    for words in [
        &["validate"][..],
        &["validate", "--file", "bad.toml"],
        &["graph"],
        &["policy"],
        &["policy", "host"],
        &["status"],
        &["plan"],
        &["apply", "--yes", "--scenario", "none.toml"],
        &["apply", "--yes", "--scenario", "faults.toml"],
        &["status"],
        &["metrics"],
        &["state", "list"],
        &["plan"],
        &["bootstrap"],
        &["doctor"],
        &["hold", "node.box.0", "2h"],
        &["state", "show", "node.nobody"],
        &["stop"],
        &["stop"],
        &["start"],
        &["state", "rebuild"],
        &["destroy", "--yes"],
    ] {
        run(words);
    }
    let rare: BTreeSet<&str> = [
        // Of events that take luck, a terminal or an interrupt.
        "waiting",
        "draining",
        "fell-back",
        "log",
        "step-again",
        "drift",
        "unreadable",
        "warning",
    ]
    .into();
    let unmet: Vec<_> = pages
        .keys()
        .filter(|key| !met.contains(*key) && !rare.contains(key.1.as_str()))
        .filter(|key| !key.0.is_empty())
        .collect();
    assert!(unmet.is_empty(), "documented, and never seen: {unmet:?}");
}
