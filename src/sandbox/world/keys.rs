//! The keys under which an entity is found besides its id.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// How one entity hangs on another. `rules` says which of these keep the other from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edge {
    SubnetOfVpc,
    GatewayOfVpc,
    MainTableOfVpc,
    TableOfVpc,
    DefaultGroupOfVpc,
    GroupOfVpc,
    InterfaceOfVpc,
    PublicInterfaceOfVpc,
    InterfaceInSubnet,
    InterfaceInGroup,
    RuleOfGroup,
    RuleNamesGroup,
    AssociationOfTable,
    AssociationOfSubnet,
    AttachedGateway,
    AttachedVolume,
    VolumeOfInstance,
    InterfaceOfInstance,
    AddressOfInterface,
    AssociatedAddress,
    ImageOfSnapshot,
    InstanceInPlacementGroup,
    RoleInProfile,
    ProfileHasRole,
    PolicyAttached,
    PolicyInline,
    ObjectInBucket,
}

/// Where an entity is found besides its id.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Keys {
    /// What it hangs on.
    pub(crate) edges: Vec<(Edge, String)>,
    /// Names that only one entity may have.
    pub(crate) names: Vec<String>,
    /// What it counts against, and how much.
    pub(crate) meters: Vec<(String, u64)>,
    /// When its state changes by itself.
    pub(crate) due: Option<Timestamp>,
}

impl Keys {
    pub(super) fn edge(&mut self, edge: Edge, target: &str) {
        self.edges.push((edge, target.to_owned()));
    }

    pub(super) fn name(&mut self, name: String) {
        self.names.push(name);
    }

    pub(super) fn meter(&mut self, name: &str, amount: u64) {
        self.meters.push((name.to_owned(), amount));
    }
}

/// An entity that says where it is found besides its id and tags.
pub(crate) trait Indexed {
    /// Adds its keys; most kinds have some.
    fn index(&self, _keys: &mut Keys) {}
}
