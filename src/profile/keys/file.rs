//! The top of the file.

use super::{hosts, lab, upkeep};
use crate::profile::shape::{Section, Shape, key};

/// The whole file.
pub(in crate::profile) static PROFILE: Section = Section {
    path: "",
    doc: "One file describes one lab.",
    keys: &[
        key(
            "version",
            Shape::Whole(1, i64::MAX),
            "1",
            "The version of this format; always 1.",
        )
        .required(),
        key(
            "lab",
            Shape::Table(&lab::LAB),
            "",
            "What the lab is called and where it runs.",
        )
        .required(),
        key("network", Shape::Table(&lab::NETWORK), "", "The network."),
        key(
            "access",
            Shape::Table(&lab::ACCESS),
            "",
            "Who may reach the lab.",
        ),
        key("node", Shape::Named(&hosts::NODE), "", "The machines.")
            .aka(&["nodes", "instance", "host"]),
        key(
            "stack",
            Shape::Named(&hosts::STACK),
            "",
            "The programs that nodes run.",
        )
        .aka(&["stacks"]),
        key(
            "step",
            Shape::Named(&hosts::STEP),
            "",
            "Bootstrap steps of your own, and settings of the shipped ones.",
        )
        .aka(&["steps"]),
        key(
            "metrics",
            Shape::Table(&upkeep::METRICS),
            "",
            "GPU metrics.",
        ),
        key(
            "idle",
            Shape::Table(&upkeep::IDLE),
            "",
            "What idleness leads to.",
        ),
        key(
            "schedule",
            Shape::Table(&upkeep::SCHEDULE),
            "",
            "When the lab runs.",
        ),
        key(
            "budget",
            Shape::Table(&upkeep::BUDGET),
            "",
            "What the lab may cost.",
        ),
        key(
            "state",
            Shape::Table(&upkeep::STATE),
            "",
            "Where state is shared.",
        )
        .aka(&["backend"]),
        key("moved", Shape::Rows(&upkeep::MOVED), "", "Renamed nodes."),
        key(
            "edge",
            Shape::Named(&hosts::EDGE),
            "",
            "Robots and edge computers that exist already.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented_once() {
        for section in PROFILE.descend() {
            assert!(section.doc.ends_with('.'), "{}", section.path);
            let mut names: Vec<_> = section.keys.iter().map(|key| key.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), section.keys.len(), "{}", section.path);
            for key in section.keys {
                assert!(key.doc.ends_with('.'), "{}.{}", section.path, key.name);
                assert!(
                    !key.required || key.default.is_empty(),
                    "{}.{}",
                    section.path,
                    key.name
                );
                let is_section = section.below(key.name).is_some();
                assert_eq!(
                    key.example.is_empty(),
                    is_section,
                    "{}.{}",
                    section.path,
                    key.name
                );
            }
        }
    }
}
