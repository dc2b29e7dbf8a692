//! What one run is about.

use crate::inventory::Inventory;
use crate::lab::Lab;
use crate::model::RunId;
use crate::plan::Plan;
use crate::port::Scope;
use crate::state::Lockfile;

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its identity.
    pub id: &'a RunId,
    /// The lab as the profile wants it.
    pub lab: &'a Lab,
    /// What to do.
    pub plan: &'a Plan,
    /// What is remembered.
    pub recorded: Option<&'a Lockfile>,
    /// What was seen when it was planned.
    pub observed: &'a Inventory,
    /// Where to look for what a lost call made.
    pub scope: &'a Scope,
    /// Seeds the jitter of waits.
    pub seed: u64,
    /// The number of the first intent; above all of unfinished runs.
    pub first_seq: u64,
}
