//! All that a plan is made from.

use std::collections::BTreeSet;

use super::types::Mode;
use crate::inventory::Inventory;
use crate::lab::Lab;
use crate::model::Address;
use crate::state::Lockfile;

/// All that a plan is made from. Same input, same plan, byte for byte.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What the plan is for.
    pub mode: Mode,
    /// The lab as the profile wants it, also when it is to be destroyed.
    pub lab: &'a Lab,
    /// What is remembered.
    pub recorded: Option<&'a Lockfile>,
    /// What was seen.
    pub observed: &'a Inventory,
    /// The only addresses to change, with what they need; empty for all.
    pub targets: &'a BTreeSet<Address>,
}
