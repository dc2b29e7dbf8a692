//! One field that differs, and what comparisons share.

use std::collections::{BTreeMap, BTreeSet};

use super::types::Binding;
use crate::inventory::Sighting;
use crate::model::{Address, CloudId, Impact, Op, Ref, Tags};

/// One field that differs, and the operations that put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) field: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) impact: Impact,
    pub(super) fixes: Vec<Op>,
    /// Whether the profile was changed here, which the digest of the spec does not tell.
    pub(super) asked: bool,
}

/// What a comparison needs to know besides the two sides.
pub(super) struct Context<'a> {
    /// Ids of resources that exist and stay.
    pub(super) bindings: &'a BTreeMap<Address, Binding>,
    /// What is about to be made.
    pub(super) coming: &'a BTreeSet<Address>,
    /// Everything seen, by id, for what hangs together.
    pub(super) by_id: &'a BTreeMap<&'a CloudId, &'a Sighting>,
    /// The user's tags as they should be.
    pub(super) tags: &'a Tags,
    /// The user's tags as they were applied.
    pub(super) tagged: &'a Tags,
}

impl Context<'_> {
    /// The id that a reference stands for, if that exists and stays.
    pub(super) fn id<'r>(&'r self, reference: &'r Ref) -> Option<&'r CloudId> {
        match reference {
            Ref::Existing(id) => Some(id),
            Ref::Managed(address) => self.bindings.get(address).map(|binding| &binding.id),
        }
    }
}

/// Starts a difference.
pub(super) fn differs(
    field: &str,
    before: impl std::fmt::Display,
    after: impl std::fmt::Display,
    impact: Impact,
) -> Difference {
    Difference {
        field: field.to_owned(),
        before: before.to_string(),
        after: after.to_string(),
        impact,
        fixes: Vec::new(),
        asked: false,
    }
}

impl Difference {
    /// Adds the operations that put it right.
    pub(super) fn with(mut self, fixes: impl IntoIterator<Item = Op>) -> Self {
        self.fixes.extend(fixes);
        self
    }
}

/// Size, operations and throughput of a volume: it grows in place and never shrinks. One call changes all three.
pub(super) fn resized(fields: [(&str, Option<u32>, u32); 3], fix: Op) -> Vec<Difference> {
    let mut fix = Some(fix);
    let mut found = Vec::new();
    for (field, seen, want) in fields {
        let Some(now) = seen.filter(|now| *now != want) else {
            continue;
        };
        if field == "size_gib" && want < now {
            found.push(differs(
                field,
                now,
                format!("{want} (a volume cannot shrink)"),
                Impact::NextLaunch,
            ));
        } else {
            found.push(differs(field, now, want, Impact::InPlace).with(fix.take()));
        }
    }
    found
}
