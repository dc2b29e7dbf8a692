//! Puts the lab together.

use super::collect::Resources;
use super::moves::Moves;
use super::network::{Networking, network};
use super::types::{Facts, Lab, LabProblem, LabStack};
use super::{access, nodes, watch};
use crate::model::LabId;
use crate::model::NodeName;
use crate::profile::Profile;

/// Builds the lab that `profile` asks for, given what was looked up.
pub fn build(profile: &Profile, facts: &Facts) -> Result<Lab, LabProblem> {
    let mut resources = Resources::new();
    if profile.nodes.values().any(|node| node.count > 0) {
        let networking: Networking = network(profile, facts, &mut resources)?;
        let access = access::access(profile, facts, &networking, &mut resources);
        nodes::nodes(profile, facts, &networking, &access, &mut resources)?;
        watch::watch(profile, facts, &access.key, &mut resources);
    }
    Ok(Lab {
        resources,
        ..empty(profile, &facts.lab_id)
    })
}

/// The same lab with nothing in it: what is left to say where a profile cannot be built any more.
pub fn empty(profile: &Profile, lab_id: &LabId) -> Lab {
    Lab {
        name: profile.name.clone(),
        id: lab_id.clone(),
        region: profile.region.clone(),
        tags: profile.tags.clone(),
        resources: Resources::new(),
        stacks: profile
            .nodes
            .iter()
            .filter_map(|(name, node)| Some((name.clone(), stack(profile, node.stack.as_ref()?)?)))
            .collect(),
        moves: Moves::of(profile),
        publishing: profile
            .nodes
            .iter()
            .filter(|(_, node)| profile.metrics.is_some() && watch::publishes(node))
            .map(|(name, _)| name.clone())
            .collect(),
        guards: profile
            .nodes
            .iter()
            .map(|(name, node)| {
                let line = node
                    .prevent_destroy
                    .then(|| node.prevent_destroy_line.unwrap_or(1));
                (name.clone(), line)
            })
            .collect(),
    }
}

fn stack(profile: &Profile, name: &NodeName) -> Option<LabStack> {
    Some(LabStack {
        name: name.clone(),
        components: profile.stacks.get(name)?.components.clone(),
    })
}
