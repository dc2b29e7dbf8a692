//! The lab profile: text in, a validated `Profile` or every problem in it out.
//!
//! Owns: the file format. Does not own: showing problems (`ui`), or what the lab is made of (`lab`).

mod types;

pub use types::{
    AccessPort, Budget, DataVolume, EdgeHost, ExistingNetwork, GpuAction, Idle, MarketChoice,
    Metrics, Moved, Network, Node, Operator, Platform, Profile, Schedule, SecretSource, Source,
    Stack, StateStore, Zones,
};
