//! The user's tags on what exists: those that are missing or have another value, and those that the profile had before.
//! Other people's tags are left alone.

use std::collections::BTreeSet;

use super::difference::{Context, Difference, differs};
use crate::inventory::{Seen, Sighting};
use crate::model::{Impact, Kind, Op, Ref, Tags};

/// What the console shows as a name; roboinfra sets it when it makes a thing, and then it is the user's.
const NAME: &str = "Name";

/// Compares the user's tags on something with those of the profile.
pub(super) fn diff(own: &Ref, sighting: &Sighting, context: &Context<'_>) -> Vec<Difference> {
    let kind = sighting.seen.kind();
    if matches!(kind, Kind::Route | Kind::RouteTableAssociation) {
        return Vec::new();
    }
    let wanted = context.tags.iter().filter(|(key, _)| *key != NAME);
    let missing: Tags = wanted
        .filter(|(key, value)| sighting.tags.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let dropped: BTreeSet<String> = context
        .tagged
        .iter()
        .filter(|(key, value)| {
            !context.tags.contains_key(*key) && sighting.tags.get(*key) == Some(value)
        })
        .map(|(key, _)| key.clone())
        .collect();
    let resources = || {
        std::iter::once(own.clone())
            .chain(root_of(sighting))
            .collect()
    };
    let mut tag = (!missing.is_empty()).then(|| Op::Tag {
        kind,
        resources: resources(),
        tags: missing.clone(),
    });
    let mut untag = (!dropped.is_empty()).then(|| Op::Untag {
        kind,
        resources: resources(),
        keys: dropped.clone(),
    });
    let mut found = Vec::new();
    for (key, value) in &missing {
        let before = sighting.tags.get(key).map_or("-", String::as_str);
        let field = format!("tag {key}");
        let mut difference = differs(&field, before, value, Impact::InPlace).with(tag.take());
        difference.asked = context.tagged.get(key) != Some(value);
        found.push(difference);
    }
    for key in &dropped {
        let before = &sighting.tags[key];
        let field = format!("tag {key}");
        let mut difference = differs(&field, before, "-", Impact::InPlace).with(untag.take());
        difference.asked = true;
        found.push(difference);
    }
    found
}

/// A machine's root volume was tagged with it and stays so.
fn root_of(sighting: &Sighting) -> Option<Ref> {
    match &sighting.seen {
        Seen::Instance(seen) => seen.root_volume.clone().map(Ref::Existing),
        _ => None,
    }
}
