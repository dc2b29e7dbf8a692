//! All there is to show of a plan.

use crate::model::{AccountId, LabName, Region};
use crate::plan::{Bill, HostPlan, Notice, Plan};
use crate::state::Pins;

/// Where a lab is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub lab: LabName,
    /// Its region.
    pub region: Region,
    /// Its account; empty for a lab of edge hosts alone.
    pub account: AccountId,
    /// `aws`, or what stands in for it; empty for a lab of edge hosts alone.
    pub endpoint: String,
}

impl Place {
    /// Whether the lab is in a cloud, and not one of edge hosts alone.
    pub(in crate::ui) fn has_cloud(&self) -> bool {
        !self.account.as_str().is_empty()
    }
}

/// All there is to show of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    /// Where the lab is.
    pub place: &'a Place,
    /// The plan.
    pub plan: &'a Plan,
    /// What is to be done on hosts.
    pub hosts: &'a [HostPlan],
    /// What it costs.
    pub bill: &'a Bill,
    /// What the preflight found.
    pub notices: &'a [Notice],
    /// Other things to know, each a sentence: what the profile asks for and is not built yet.
    pub warnings: &'a [String],
    /// What was looked up.
    pub pins: &'a Pins,
    /// Commands to type next; the first is the usual one.
    pub next: &'a [String],
    /// Whether to show everything: nothing folded, every check and pin.
    pub verbose: bool,
}
