//! EC2, one file per kind of resource: how it is read, made, changed and deleted.

pub(super) mod address;
pub(super) mod association;
pub(super) mod console;
pub(super) mod gateway;
pub(super) mod group;
pub(super) mod image;
pub(super) mod instance;
pub(super) mod interface;
pub(super) mod key;
pub(super) mod launch;
pub(super) mod offering;
pub(super) mod placement;
pub(super) mod route;
pub(super) mod spot;
pub(super) mod subnet;
pub(super) mod tags;
pub(super) mod volume;
pub(super) mod vpc;
