//! The observed world as a value.
//!
//! Owns: what was seen, when, whose it is, and what could not be read. Does not own: reading it (`aws`) or
//! judging it (`plan`).

mod seen;
mod world;

pub use seen::{
    Seen, SeenAddress, SeenAlarm, SeenAssociation, SeenDashboard, SeenGateway, SeenGroup,
    SeenInstance, SeenKeyPair, SeenPlacementGroup, SeenProfile, SeenRole, SeenRoute,
    SeenRouteTable, SeenSubnet, SeenVolume, SeenVpc,
};
pub use world::{Finding, Identity, Interface, Inventory, Owner, RegionUse, Sighting};
