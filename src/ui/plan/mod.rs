//! The plan as its user reads it.

mod bill;
mod changes;
mod launches;
mod notices;
mod reasons;
#[cfg(test)]
mod samples;
mod view;

pub use view::{Place, PlanReport, plan_view};
