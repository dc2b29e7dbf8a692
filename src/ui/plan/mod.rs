//! The plan as its user reads it.

mod bill;
mod changes;
mod hosts;
mod launches;
mod notices;
mod reasons;
mod report;
#[cfg(test)]
mod samples;
mod view;

pub(super) use launches::ladders;
pub use report::{Place, PlanReport};
#[cfg(test)]
pub(super) use samples::{edges, now, sample};
pub(super) use view::header;
pub use view::plan_view;
