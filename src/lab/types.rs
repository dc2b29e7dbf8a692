//! The desired lab as a value.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::moves::Moves;
use crate::dag::Dag;
use crate::model::{
    Address, CloudId, InstanceType, LabId, LabName, NodeName, PinnedImage, Region, Spec,
    TAG_ADDRESS, TAG_KEEP, TAG_LAB, TAG_LAB_ID, TAG_MANAGED, TAG_PROTECT, TAG_RUN, Tags, Zone,
};

/// What must be known besides the profile to say what the lab is. Most of it is looked up once and pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The lab's identity.
    pub lab_id: LabId,
    /// The operator's own address block.
    pub my_ip: Option<IpNet>,
    /// The zones that offer each type.
    pub zones: BTreeMap<InstanceType, Vec<Zone>>,
    /// Images, by `image_key`.
    pub images: BTreeMap<String, PinnedImage>,
    /// The zones of existing subnets.
    pub subnets: BTreeMap<CloudId, Zone>,
    /// Public keys that may log in, the first one being the key pair's; empty while none has been made.
    pub public_keys: Vec<String>,
}

/// One desired resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it should be.
    pub spec: Spec,
    /// What must be there before it: all it refers to, and what it needs besides.
    pub after: BTreeSet<Address>,
}

/// What a node group runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabStack {
    /// The stack's name in the profile.
    pub name: NodeName,
    /// Its components.
    pub components: BTreeSet<String>,
}

/// The whole desired lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    /// Its name.
    pub name: LabName,
    /// Its identity.
    pub id: LabId,
    /// Its region.
    pub region: Region,
    /// The user's tags.
    pub tags: Tags,
    /// Its resources, by address.
    pub resources: BTreeMap<Address, Resource>,
    /// What each node group runs.
    pub stacks: BTreeMap<NodeName, LabStack>,
    /// What has another address now.
    pub moves: Moves,
    /// The node groups whose machines publish metrics.
    pub publishing: BTreeSet<NodeName>,
    /// The node groups of the profile, each with the line that forbids its deletion if one does.
    pub guards: BTreeMap<NodeName, Option<usize>>,
}

impl Lab {
    /// The same lab with nothing in it: what `destroy` wants.
    pub fn emptied(&self) -> Self {
        Self {
            resources: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// What comes after what.
    pub fn dag(&self) -> Dag<Address> {
        let mut dag = Dag::default();
        for (address, resource) in &self.resources {
            dag.node(address.clone());
            for other in &resource.after {
                dag.edge(address.clone(), other.clone());
            }
        }
        dag
    }

    /// The tags to create the resource at `address` with.
    pub fn tags_for(&self, address: &Address, run: &str) -> Tags {
        let mut tags = self.tags.clone();
        tags.extend(
            [
                ("Name", format!("{}/{address}", self.name)),
                (TAG_LAB, self.name.to_string()),
                (TAG_LAB_ID, self.id.to_string()),
                (TAG_ADDRESS, address.to_string()),
                (TAG_RUN, run.to_owned()),
                (TAG_MANAGED, "true".to_owned()),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        if let Some(Spec::Volume(volume)) =
            self.resources.get(address).map(|resource| &resource.spec)
            && volume.keep
        {
            tags.insert(TAG_KEEP.to_owned(), "true".to_owned());
        }
        if self.guard_of(address).is_some() {
            tags.insert(TAG_PROTECT.to_owned(), "true".to_owned());
        }
        tags
    }

    /// The line of the profile that forbids the deletion of a machine, or of the machines of a group.
    pub fn guard_of(&self, address: &Address) -> Option<usize> {
        *self.guards.get(&group_of(address)?)?
    }

    /// Whether the profile has the group of a machine.
    pub fn has_group_of(&self, address: &Address) -> bool {
        group_of(address).is_some_and(|group| self.guards.contains_key(&group))
    }
}

/// The group of `node.sim` and of `node.sim.0`.
fn group_of(address: &Address) -> Option<NodeName> {
    let name = address.as_str().strip_prefix("node.")?;
    NodeName::try_from(name.split('.').next()?).ok()
}

/// Why a valid profile and the facts together make no lab.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabProblem {
    /// No zone offers any of a group's types.
    #[error(
        "no zone of {region} that the lab may use offers {} for node {node:?}",
        list(types)
    )]
    NotOffered {
        /// The group.
        node: NodeName,
        /// Its types.
        types: Vec<InstanceType>,
        /// The region.
        region: Region,
    },
    /// The image is larger than the root volume asked for.
    #[error(
        "the root volume of node {node:?} has {size_gib} GiB, but its image {image} needs {needs_gib} GiB"
    )]
    RootTooSmall {
        /// The group.
        node: NodeName,
        /// The size asked for.
        size_gib: u32,
        /// The image.
        image: String,
        /// The size the image needs.
        needs_gib: u32,
    },
    /// Something that must be looked up has not been.
    #[error("{0} has not been looked up")]
    Unknown(String),
}

fn list(types: &[InstanceType]) -> String {
    types
        .iter()
        .map(InstanceType::as_str)
        .collect::<Vec<_>>()
        .join(" or ")
}
