//! Digests: of a spec, to tell drift from a changed profile; of the world, to tell whether a saved plan still fits.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::inventory::Inventory;
use crate::model::{Spec, hex};

/// A short digest of a spec as it was applied.
pub fn spec_digest(spec: &Spec) -> String {
    digest_of(spec)[..16].to_owned()
}

/// A digest of everything that was seen, but not of when.
pub fn fingerprint(inventory: &Inventory) -> String {
    let mut sightings: Vec<_> = inventory.sightings.iter().collect();
    sightings.sort_by(|a, b| (a.seen.kind(), &a.id).cmp(&(b.seen.kind(), &b.id)));
    digest_of(&(sightings, &inventory.unreadable))
}

/// A digest of a text.
pub(super) fn text_digest(text: &str) -> String {
    hex(Sha256::digest(text))
}

fn digest_of(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("plain values with text keys always serialise");
    hex(Sha256::digest(json))
}
