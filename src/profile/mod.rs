//! The lab profile: text in, a validated `Profile` or every problem in it out.
//!
//! Owns: the file format, its JSON Schema and its reference. Does not own: showing problems (`ui`), reading files
//! (`cli`), or what the lab is made of (`lab`).

mod check;
mod codes;
mod keys;
mod not_built;
mod parse;
mod position;
mod problem;
mod quote;
mod read;
mod reference;
mod schema;
mod shape;
mod starters;
mod suggest;
mod syntax;
mod text;
mod types;
mod validate;

#[cfg(test)]
mod tests;

pub use crate::model::SecretSource;
pub use codes::Severity;
pub use not_built::not_built;
pub use parse::{MAX_BYTES, Parsed, parse, parse_with};
pub use position::{Lines, Position};
pub use problem::ProfileProblem;
pub use quote::{is_unsafe, visible};
pub use read::ReadFile;
pub use reference::reference;
pub use schema::schema;
pub use starters::{Starter, starters};
pub use suggest::did_you_mean;
pub use types::{
    AccessPort, Budget, DataVolume, EdgeHost, ExistingNetwork, GpuAction, Idle, MarketChoice,
    Metrics, Moved, Network, Node, Operator, Platform, Profile, Schedule, Source, Stack,
    StateStore, StepSettings, Weekday, Weekly, Zones,
};
