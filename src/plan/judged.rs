//! What was decided about one resource.

use super::types::Change;
use crate::inventory::{Seen, Sighting};
use crate::model::{Op, Spec, Tags, Zone};

/// A decided resource, with what the steps are made from.
pub(super) struct Judged<'a> {
    pub(super) change: Change,
    /// What puts the differences right, in order.
    pub(super) fixes: Vec<Op>,
    /// The tags to set on it.
    pub(super) tags: Tags,
    /// What it should be, if it should be.
    pub(super) spec: Option<&'a Spec>,
    /// What was seen of it, if it was.
    pub(super) sighting: Option<&'a Sighting>,
}

impl<'a> Judged<'a> {
    /// A decision that takes no operations.
    pub(super) fn new(
        change: Change,
        spec: Option<&'a Spec>,
        sighting: Option<&'a Sighting>,
    ) -> Self {
        Self {
            change,
            fixes: Vec::new(),
            tags: Tags::new(),
            spec,
            sighting,
        }
    }
}

/// The zone of what was seen, where it has one.
pub(super) fn zone_of(sighting: &Sighting) -> Option<Zone> {
    match &sighting.seen {
        Seen::Instance(seen) => seen.zone.clone(),
        Seen::Volume(seen) => seen.zone.clone(),
        Seen::Subnet(seen) => seen.zone.clone(),
        _ => None,
    }
}
