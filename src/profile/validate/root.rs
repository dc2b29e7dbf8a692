//! The whole file: every section in turn, then what only all of them show.

use super::{access, edge, lab, moved, network, node, own_step, stack, suits, upkeep, whole};
use crate::profile::codes::VERSION;
use crate::profile::problem::Problems;
use crate::profile::read::{Fields, ReadFile};
use crate::profile::types::Profile;

/// Reads the whole file; `None` only where something that must be there could not be read.
pub(in crate::profile) fn profile(
    root: &Fields<'_>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> Option<Profile> {
    version(root, problems);
    let lab = root
        .section("lab")
        .map(|fields| lab::lab(&fields, problems));
    let region = lab.as_ref().and_then(|lab| lab.region.as_ref());
    let network = network::network(root.section("network").as_ref(), region, problems);
    let access = access::access(root.section("access").as_ref(), problems);
    let stacks = stack::stacks(root, files, problems);
    let steps = own_step::steps(root, files, problems);
    let nodes = node::nodes(root, region, &steps, problems);
    let edge = edge::edge(root, &steps, problems);
    own_step::used(root, (&nodes, &edge), &steps, problems);
    whole::stacks(root, &stacks, problems);
    suits::suits(root, (&nodes, &edge), &stacks, problems);
    whole::machines(root, &nodes, &network, problems);
    let upkeep = upkeep::upkeep(root, problems);
    let moved = moved::moved(root, problems);
    let lab = lab?;
    Some(Profile {
        name: lab.name?,
        region: lab.region?,
        tags: lab.tags,
        network,
        operators: access.operators,
        keys: access.keys,
        ports: access.ports,
        nodes,
        stacks,
        steps,
        metrics: upkeep.metrics,
        idle: upkeep.idle,
        schedule: upkeep.schedule,
        budget: upkeep.budget,
        state: upkeep.state,
        moved,
        edge,
    })
}

fn version(root: &Fields<'_>, problems: &mut Problems) {
    if let Some(version) = root.whole("version").filter(|version| version.value > 1) {
        problems
            .add(
                VERSION,
                &version.span,
                format!("version {} of the profile is not known", version.value),
            )
            .says("newer than this program")
            .advise("this program reads version 1; a newer one may read this file");
    }
}
