//! What somebody means who names a host: `sim`, `sim.0`, `node.sim.0`, `arm1` or `edge.arm1`.
//!
//! Owns: from what is typed to an address, and what is said where there is no such host. Does not own: which hosts there
//! are.

use super::error::CliError;
use crate::model::{Address, NodeName};
use crate::profile::{Profile, did_you_mean};

/// The address of a host, or of a group of them. A node comes before an edge host of the same name.
pub(super) fn host(profile: &Profile, asked: &str) -> Address {
    if asked == "edge" || asked.starts_with("edge.") || is_edge(profile, asked) {
        within("edge", asked)
    } else {
        machine(asked)
    }
}

/// The address of a machine of the lab, or of a group of them.
pub(super) fn machine(asked: &str) -> Address {
    within("node", asked)
}

fn within(kind: &str, asked: &str) -> Address {
    let whole = asked == kind
        || asked
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('.'));
    if whole {
        Address::new(asked)
    } else {
        Address::of(&[kind, asked])
    }
}

fn is_edge(profile: &Profile, asked: &str) -> bool {
    let name = NodeName::try_from(group(asked));
    name.is_ok_and(|name| profile.edge.contains_key(&name) && !profile.nodes.contains_key(&name))
}

fn is_node(profile: &Profile, asked: &str) -> bool {
    let name = NodeName::try_from(group(asked));
    name.is_ok_and(|name| profile.nodes.contains_key(&name))
}

/// The name without its kind and its number.
fn group(asked: &str) -> &str {
    let name = ["node.", "edge."]
        .iter()
        .find_map(|kind| asked.strip_prefix(kind))
        .unwrap_or(asked);
    name.split('.').next().unwrap_or(name)
}

/// No host answers to this name: its machines do not run, or there is none.
pub(super) fn no_host(profile: &Profile, asked: &str) -> CliError {
    let address = host(profile, asked);
    if is_node(profile, asked) && address.is_within(&Address::of(&["node"])) {
        return CliError::new(format!("no machine runs at {address}"))
            .hint(SHOWN)
            .hint("roboinfra start{lab} starts what is stopped");
    }
    let known = profile.nodes.keys().chain(profile.edge.keys());
    CliError::new(format!("there is no host {asked}")).hint(instead(asked, known))
}

/// The lab has no machine of this name.
pub(super) fn no_machine(profile: &Profile, asked: &str) -> CliError {
    if is_edge(profile, asked) {
        return CliError::new(format!("{asked} is an edge host"))
            .hint("start and stop are for the machines of the lab");
    }
    CliError::new(format!("there is no machine {asked}")).hint(instead(asked, profile.nodes.keys()))
}

const SHOWN: &str = "roboinfra status{lab} shows what there is";

fn instead<'a>(asked: &str, known: impl Iterator<Item = &'a NodeName>) -> String {
    let word = group(asked);
    let others = known.map(NodeName::as_str).filter(|name| *name != word);
    did_you_mean(word, others).unwrap_or_else(|| SHOWN.to_owned())
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
            assert_eq!(host(&profile, asked).as_str(), expected, "{asked}");
        }
        assert_eq!(machine("arm1.0").as_str(), "node.arm1.0");
        assert_eq!(machine("node.edge").as_str(), "node.edge");
        let starts = "starts what is stopped";
        for (asked, said, help) in [
            ("sim", "no machine runs at node.sim", starts),
            ("node.sim.7", "no machine runs at node.sim.7", starts),
            ("smi.0", "there is no host smi.0", "did you mean `sim`?"),
            (
                "edge.arm2",
                "there is no host edge.arm2",
                "did you mean `arm1`?",
            ),
            ("nobody", "there is no host nobody", "status"),
        ] {
            told(&no_host(&profile, asked), said, help);
        }
        for (asked, said, help) in [
            ("sim.7", "there is no machine sim.7", "status"),
            (
                "node.smi",
                "there is no machine node.smi",
                "did you mean `sim`?",
            ),
            ("arm1", "arm1 is an edge host", "machines of the lab"),
            ("arm2", "there is no machine arm2", "status"),
        ] {
            told(&no_machine(&profile, asked), said, help);
        }
    }

    fn told(error: &CliError, said: &str, help: &str) {
        assert_eq!(error.message, said);
        let mut hints = error.hints.iter();
        assert!(hints.any(|hint| hint.contains(help)), "{:?}", error.hints);
    }
}
