//! What a profile may ask for that this version reads and checks but does not do yet.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{EdgeHost, Node, Profile};
use crate::assets;
use crate::model::NodeName;

/// One sentence for each part of the profile that is left out.
pub fn not_built(profile: &Profile) -> Vec<String> {
    let Profile {
        name: _,
        region: _,
        tags: _,
        network: _,
        operators: _,
        keys: _,
        ports: _,
        nodes,
        stacks: _,
        metrics,
        idle,
        schedule,
        budget,
        state: _,
        moved: _,
        edge,
    } = profile;
    let mut sentences: Vec<String> = steps_to_come(nodes, edge);
    let others = [
        (
            metrics.is_some(),
            "[metrics] is not acted on yet: no GPU metrics are published",
        ),
        (
            idle.is_some(),
            "[idle] is not acted on yet: an idle machine keeps running",
        ),
        (
            schedule.is_some(),
            "[schedule] is not acted on yet: nothing starts or stops by itself",
        ),
        (
            budget.is_some(),
            "[budget] is not acted on yet: nothing is refused for its cost",
        ),
    ]
    .into_iter()
    .filter(|(asked, _)| *asked)
    .map(|(_, sentence)| sentence.to_owned());
    sentences.extend(others);
    sentences
}

/// Steps that are named and not shipped yet.
fn steps_to_come(
    nodes: &BTreeMap<NodeName, Node>,
    edge: &BTreeMap<NodeName, EdgeHost>,
) -> Vec<String> {
    let of_nodes = nodes.values().flat_map(|node| &node.bootstrap);
    let of_edge = edge.values().flat_map(|host| &host.bootstrap);
    let missing: BTreeSet<&String> = of_nodes
        .chain(of_edge)
        .filter(|name| assets::step(name).is_none())
        .collect();
    missing
        .into_iter()
        .map(|name| format!("the step {name} does nothing yet: it is left out"))
        .collect()
}
