//! The tags by which a lab finds its own resources.

use std::collections::BTreeMap;

/// Tags of one resource, ordered.
pub type Tags = BTreeMap<String, String>;

/// The lab's name.
pub const TAG_LAB: &str = "roboinfra:lab";
/// The lab's random identity.
pub const TAG_LAB_ID: &str = "roboinfra:lab-id";
/// The resource's address; for instances of one launch, their group's address.
pub const TAG_ADDRESS: &str = "roboinfra:address";
/// The run that created the resource.
pub const TAG_RUN: &str = "roboinfra:run";
/// The index of a launch's first node: a node's index is this plus its launch index. Below zero for a machine that was
/// moved or imported to a lower index than it was launched with.
pub const TAG_FIRST: &str = "roboinfra:first";
/// Always `true`; IAM policies condition on it.
pub const TAG_MANAGED: &str = "roboinfra:managed";
/// On a data volume: `true` if `destroy` leaves it.
pub const TAG_KEEP: &str = "roboinfra:keep";
/// On a machine: what a shutdown from inside does to it, where that is not `stop`. EC2 tells it one machine at a time.
pub const TAG_SHUTDOWN: &str = "roboinfra:shutdown";
/// On a machine: `true` if the profile forbade its deletion when it was last applied.
pub const TAG_PROTECT: &str = "roboinfra:prevent-destroy";
/// On a machine: `true` from before a run stops it to change it until it runs again.
pub const TAG_RESTART: &str = "roboinfra:restart";
