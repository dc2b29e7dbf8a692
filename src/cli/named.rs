//! What somebody means who names a host: `sim`, `sim.0`, `node.sim.0`, `arm1` or `edge.arm1`.
//!
//! Owns: from what is typed to an address, and what is said where there is no such host. Does not own: which hosts there
//! are.

use super::error::CliError;
use crate::model::{Address, NodeName};
use crate::profile::{Profile, did_you_mean};

/// The address of what is named: a host, or a group of them. A node comes before an edge host of the same name.
pub(super) fn address(profile: &Profile, asked: &str) -> Address {
    let group = asked.split('.').next().unwrap_or(asked);
    if ["node", "edge"].contains(&group) {
        return Address::new(asked);
    }
    let is_edge = NodeName::try_from(group)
        .is_ok_and(|name| profile.edge.contains_key(&name) && !profile.nodes.contains_key(&name));
    Address::of(&[if is_edge { "edge" } else { "node" }, asked])
}

/// No host answers to this name: its machines do not run, or there are none.
pub(super) fn nobody(profile: &Profile, asked: &str) -> CliError {
    let address = address(profile, asked);
    let groups = profile.nodes.keys();
    let mut groups = groups.map(|name| Address::of(&["node", name.as_str()]));
    if groups.any(|group| address.is_within(&group)) {
        CliError::new(format!("no machine runs at {address}"))
            .hint("roboinfra status{lab} shows what there is")
            .hint("roboinfra start{lab} starts what is stopped")
    } else {
        unknown(profile, asked)
    }
}

/// There is nothing of this name.
pub(super) fn unknown(profile: &Profile, asked: &str) -> CliError {
    let word = asked
        .trim_start_matches("node.")
        .trim_start_matches("edge.");
    let word = word.split('.').next().unwrap_or(word);
    let groups = profile.nodes.keys().chain(profile.edge.keys());
    let groups = groups.map(NodeName::as_str).filter(|group| *group != word);
    let help = did_you_mean(word, groups);
    CliError::new(format!("there is no host {asked}"))
        .hint(help.unwrap_or_else(|| "roboinfra status{lab} shows what there is".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{parse, starters};

    #[test]
    fn a_host_is_named_with_or_without_its_kind() {
        let edge = |name: &str| {
            format!(
                "\n[edge.{name}]\nhost = \"10.0.0.9\"\nuser = \"robot\"\nplatform = \"linux\"\n"
            )
        };
        let text = format!("{}{}{}", starters()[0].text, edge("arm1"), edge("sim"));
        let profile = parse(&text).profile.expect("a profile");
        for (asked, expected) in [
            ("sim", "node.sim"),
            ("sim.0", "node.sim.0"),
            ("node.sim.0", "node.sim.0"),
            ("node", "node"),
            ("arm1", "edge.arm1"),
            ("edge.arm1", "edge.arm1"),
            ("edge.sim", "edge.sim"),
            ("gone.1", "node.gone.1"),
            ("", "node."),
        ] {
            assert_eq!(address(&profile, asked).as_str(), expected, "{asked}");
        }
        let told = unknown(&profile, "sim.7");
        assert_eq!(told.message, "there is no host sim.7");
        assert!(told.hints[0].contains("status"), "{:?}", told.hints);
        for (asked, said, help) in [
            (
                "sim",
                "no machine runs at node.sim",
                "starts what is stopped",
            ),
            (
                "node.sim.7",
                "no machine runs at node.sim.7",
                "starts what is stopped",
            ),
            ("smi.0", "there is no host smi.0", "did you mean `sim`?"),
            (
                "edge.arm2",
                "there is no host edge.arm2",
                "did you mean `arm1`?",
            ),
            ("nobody", "there is no host nobody", "status"),
        ] {
            let told = nobody(&profile, asked);
            assert_eq!(told.message, said);
            assert!(
                told.hints.iter().any(|hint| hint.contains(help)),
                "{:?}",
                told.hints
            );
        }
    }
}
