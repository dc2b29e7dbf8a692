//! The two labs that are crashed, and how they are changed.

/// A lab and the ways in which its profile changes after it was applied.
pub(crate) struct Subject {
    /// What it is called in reports.
    pub(crate) name: &'static str,
    /// Its profile.
    pub(crate) profile: String,
    /// Changed profiles, each with a word for the change.
    pub(crate) changes: Vec<(&'static str, String)>,
}

/// Nothing takes time, so that the only waits are the program's own.
pub(crate) const AT_ONCE: &str =
    "[times]\nrunning = \"0ms\"\nstopped = \"0ms\"\nterminated = \"0ms\"\n";

const FLEET: &str = r#"
version = 1
[lab]
name = "fleet"
region = "us-east-1"
[network]
zones = ["us-east-1a", "us-east-1b"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.gateway]
types = ["t3.small"]
bootstrap = []
elastic_ip = true
volume.data = { size_gib = 20, mount = "/data", keep = true }
[node.worker]
count = 2
types = ["g5.xlarge", "g6.xlarge"]
bootstrap = []
market = "spot"
volume.scratch = { size_gib = 50, mount = "/scratch" }
"#;

/// The hosts are not the subject: theirs is a record of its own, on the host.
const NO_STEPS: &str = "bootstrap = []";

/// The digital-twin starter, as `roboinfra init` writes it.
pub(crate) fn twin() -> Subject {
    let starter = roboinfra::profile::starters()
        .iter()
        .find(|starter| starter.name == "digital-twin")
        .expect("shipped");
    let text = &changed(
        starter.text,
        &[("[node.sim]", &format!("[node.sim]\n{NO_STEPS}"))],
    );
    Subject {
        name: "twin",
        profile: text.to_owned(),
        changes: vec![
            (
                "resized",
                changed(
                    text,
                    &[
                        (
                            r#"["g5.2xlarge", "g6.2xlarge", "g6e.2xlarge"]"#,
                            r#"["g5.4xlarge"]"#,
                        ),
                        ("\"7400-7500\"", "\"7400-7600\""),
                        ("[node.sim]", "[node.sim]\ncount = 2"),
                    ],
                ),
            ),
            (
                "replaced",
                changed(text, &[(r#"= "ubuntu-22.04""#, r#"= "ubuntu-24.04""#)]),
            ),
        ],
    }
}

/// Spot machines, two groups, data volumes of which one is kept, and an Elastic IP.
pub(crate) fn fleet() -> Subject {
    Subject {
        name: "fleet",
        profile: FLEET.to_owned(),
        changes: vec![(
            "changed",
            changed(
                FLEET,
                &[
                    ("t3.small", "t3.large"),
                    ("203.0.113.7/32", "203.0.113.8/32"),
                    ("count = 2", "count = 3\nimage = \"ubuntu-24.04\""),
                ],
            ),
        )],
    }
}

fn changed(text: &str, replacements: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from:?} stands in the profile");
        text = text.replace(from, to);
    }
    text
}
