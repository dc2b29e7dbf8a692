//! What a rehearsal asks the sandbox to do badly: rules in a TOML file, and which of them fire on a call.

mod buckets;
mod durations;
mod faults;
mod file;
mod pattern;
mod plot;

pub(crate) use buckets::Buckets;
pub(crate) use faults::{Faults, Situation};
pub use file::{FaultKind, Rule, Scenario, ScenarioError, Times, When};
pub(crate) use pattern::matches;
pub use plot::{Ending, HostPlot, StepPlot};
