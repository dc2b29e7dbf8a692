//! The engine: observes, runs the steps of a plan, recovers.
//!
//! Owns: when each step runs, how often a call is sent, what is journalled before and after. Does not own: what to
//! do (`plan` decided that), how the cloud is called (`aws`), or what the user sees (`ui`).

mod confirm;
mod driver;
mod gather;
mod hosts;
mod ledger;
mod lookup;
mod recover;
mod remember;
mod resolve;
mod run;
mod schedule;
mod step;
mod wait;
mod worker;

pub use confirm::confirm;
pub use driver::{Engine, Report, Stop};
pub use gather::{ForLaunch, Gathered, capacity, gather};
pub use hosts::{
    HostJob, Introduced, StepLog, Tending, agents, bootstrap, examine, hold, remember,
};
pub use recover::{Recovery, recover};
pub use run::Run;
