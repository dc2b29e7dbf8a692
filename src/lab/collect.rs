//! The resources of a lab while it is put together.

use std::collections::BTreeMap;

use super::types::Resource;
use crate::model::{Address, Ref, Spec};

/// The resources being collected.
pub(super) type Resources = BTreeMap<Address, Resource>;

/// Adds a resource that comes after all it refers to.
pub(super) fn add(resources: &mut Resources, address: &Address, spec: Spec) -> Ref {
    let after = spec.depends_on().into_iter().cloned().collect();
    resources.insert(address.clone(), Resource { spec, after });
    Ref::to(address)
}
