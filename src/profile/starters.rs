//! Profiles to start from, shipped with the program.

use crate::model::{LabName, Region};

/// A profile to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starter {
    /// Its name, as `init` takes it.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// The whole file.
    pub text: &'static str,
}

impl Starter {
    /// The file for a lab of this name in this region.
    pub fn fill(&self, name: &LabName, region: &Region) -> String {
        let quoted = |text: &str| format!("\"{text}\"");
        // The lab's own name and region are the first in every starter; a test reads them back.
        self.text
            .replacen(&quoted(self.name), &quoted(name.as_str()), 1)
            .replacen(&quoted(STARTER_REGION), &quoted(region.as_str()), 1)
    }
}

/// The region that the starters name.
const STARTER_REGION: &str = "us-east-1";

const STARTERS: &[Starter] = &[
    Starter {
        name: "digital-twin",
        about: "one GPU machine with a fixed address for Isaac Sim, ROS 2 and Foxglove",
        text: include_str!("../../profiles/digital-twin.toml"),
    },
    Starter {
        name: "isaac-workstation",
        about: "a remote workstation for Isaac Sim on an L40S, with a disk of its own for projects",
        text: include_str!("../../profiles/isaac-workstation.toml"),
    },
    Starter {
        name: "robots",
        about: "robots and edge computers that exist already, without any cloud",
        text: include_str!("../../profiles/robots.toml"),
    },
    Starter {
        name: "single-gpu",
        about: "the cheapest GPU machine, and nothing else",
        text: include_str!("../../profiles/single-gpu.toml"),
    },
    Starter {
        name: "spot-training",
        about: "four spot machines for training, and a small gateway with a fixed address",
        text: include_str!("../../profiles/spot-training.toml"),
    },
];

/// The profiles to start from.
pub fn starters() -> &'static [Starter] {
    STARTERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::profile::parse;

    #[test]
    fn each_is_valid_and_named_after_itself() {
        for starter in starters() {
            let parsed = parse(starter.text);
            assert_eq!(parsed.problems, [], "{}", starter.name);
            let profile = parsed
                .profile
                .expect("a text without problems is a profile");
            assert_eq!(profile.name.as_str(), starter.name);
        }
    }

    #[test]
    fn every_stack_has_room() {
        for starter in starters() {
            let profile = parse(starter.text).profile.expect("valid");
            for node in profile.nodes.values() {
                let stack = node
                    .stack
                    .as_ref()
                    .and_then(|name| profile.stacks.get(name));
                let Some(stack) = stack else { continue };
                let workload = catalog::workload(stack.components.iter().map(String::as_str));
                assert_eq!(
                    workload.lacking_disk(node.root.size_gib),
                    None,
                    "{}",
                    starter.name
                );
                for type_ in &node.types {
                    let facts = catalog::instance_type(type_).expect("starters use known types");
                    let lacking = workload.lacking(facts);
                    assert!(lacking.is_empty(), "{}: {lacking:?}", starter.name);
                }
            }
        }
    }

    #[test]
    fn filled_with_a_name_and_a_region() {
        let name = LabName::try_from("my-lab").expect("a name");
        for starter in starters() {
            for region in ["us-west-2", "eu-central-1", "ap-northeast-1"].map(Region::new) {
                let parsed = parse(&starter.fill(&name, &region));
                assert_eq!(parsed.problems, [], "{} in {region}", starter.name);
                let profile = parsed
                    .profile
                    .expect("a text without problems is a profile");
                assert_eq!((&profile.name, &profile.region), (&name, &region));
                let original = parse(starter.text).profile.expect("valid");
                assert_eq!(profile.nodes, original.nodes);
            }
        }
    }

    #[test]
    fn a_person_can_read_them() {
        for starter in starters() {
            assert!(starter.text.starts_with("# "), "{}", starter.name);
            for line in starter.text.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", starter.name);
            }
        }
    }
}
