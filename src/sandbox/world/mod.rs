//! What exists in the emulated account: entities, their indexes, and the log that keeps them.
//!
//! Owns: the values and what can be looked up about them. Does not own: what an action may do with them.

mod access;
mod buckets;
mod compute;
mod entity;
mod ids;
mod keys;
mod log;
mod network;
mod storage;
mod store;
mod watch;

pub(crate) use access::{FaultState, InstanceProfile, KeyPair, Role, ServiceLinkedRole, Token};
pub(crate) use buckets::{Bucket, Object};
pub(crate) use compute::{
    Instance, LaunchTemplate, MetadataOptions, NextState, Phase, PlacementGroup, SpotRequest,
    StateReason,
};
pub(crate) use entity::{Entity, Record};
pub(crate) use ids::{IdSource, Kind, kind_of, mix};
pub(crate) use keys::{Edge, Tags};
pub(crate) use log::{Line, Loaded, Log};
pub(crate) use network::{
    Address, Gateway, Interface, InterfaceAttachment, Route, RouteAssociation, RouteTable,
    RuleSource, SecurityGroup, SgRule, Subnet, Vpc,
};
pub(crate) use storage::{
    Attachment, Image, ImageDevice, Modification, Snapshot, Volume, VolumeState,
};
pub(crate) use store::Store;
pub(crate) use watch::{Alarm, Dashboard};
