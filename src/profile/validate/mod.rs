//! The second pass: what single values mean, and whether they go together.
//!
//! Owns: the one door from the tree to a `Profile`. Does not own: names of keys and types of values; those are
//! checked before, from the table of keys.

mod access;
mod address;
mod edge;
mod lab;
mod moved;
mod network;
mod node;
mod stack;
mod types;
mod upkeep;
mod volume;
mod whole;

use std::collections::BTreeMap;
use std::ops::Range;

use super::codes::{BAD_NAME, DUPLICATE, VERSION};
use super::problem::Problems;
use super::quote::quote;
use super::read::{At, Fields};
use super::types::Profile;
use crate::model::NodeName;

pub(super) use stack::SECRET_WORDS;

/// Reads the whole file; `None` only where something that must be there could not be read.
pub(super) fn profile(root: &Fields<'_>, problems: &mut Problems) -> Option<Profile> {
    version(root, problems);
    let lab = root
        .section("lab")
        .map(|fields| lab::lab(&fields, problems));
    let region = lab.as_ref().and_then(|lab| lab.region.as_ref());
    let network = network::network(root.section("network").as_ref(), region, problems);
    let access = access::access(root.section("access").as_ref(), problems);
    let stacks = stack::stacks(root, problems);
    let nodes = node::nodes(root, region, problems);
    let edge = edge::edge(root, problems);
    whole::stacks(root, &stacks, problems);
    whole::machines(root, &nodes, &network, problems);
    let upkeep = upkeep::upkeep(root, problems);
    let moved = moved::moved(root, problems);
    let lab = lab?;
    Some(Profile {
        name: lab.name?,
        region: lab.region?,
        tags: lab.tags,
        network,
        operators: access.operators,
        keys: access.keys,
        ports: access.ports,
        nodes,
        stacks,
        metrics: upkeep.metrics,
        idle: upkeep.idle,
        schedule: upkeep.schedule,
        budget: upkeep.budget,
        state: upkeep.state,
        moved,
        edge,
    })
}

fn version(root: &Fields<'_>, problems: &mut Problems) {
    if let Some(version) = root.whole("version").filter(|version| version.value > 1) {
        problems
            .add(
                VERSION,
                &version.span,
                format!("version {} of the profile is not known", version.value),
            )
            .says("newer than this program")
            .advise("this program reads version 1; a newer one may read this file");
    }
}

/// The sections below a key whose names can be names.
fn named<'a>(
    fields: &Fields<'a>,
    key: &str,
    problems: &mut Problems,
) -> Vec<(NodeName, At<&'a str>, Fields<'a>)> {
    let mut good = Vec::new();
    for (at, inner) in fields.named(key) {
        if let Some(name) = name(&at, problems) {
            good.push((name, at, inner));
        }
    }
    good
}

/// A name of a node, port, volume, stack or edge host.
fn name(at: &At<&str>, problems: &mut Problems) -> Option<NodeName> {
    match NodeName::try_from(at.value) {
        Ok(name) => Some(name),
        Err(invalid) => {
            problems
                .add(
                    BAD_NAME,
                    &at.span,
                    format!("{} cannot be a name", quote(at.value)),
                )
                .says("not a name")
                .advise(
                    better_name(at.value).unwrap_or_else(|| format!("a name is {}", invalid.rule)),
                );
            None
        }
    }
}

/// The nearest name that is allowed.
fn better_name(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .take(31)
        .map(|c| c.to_ascii_lowercase())
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect();
    let plain = plain.trim_matches('-');
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    NodeName::try_from(plain)
        .ok()
        .filter(|name| name.as_str() != text)
        .map(|name| format!("try `{name}`"))
}

/// Reports each value that stands in a list a second time.
fn no_duplicates(items: &[At<&str>], what: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for item in items {
        if let Some(first) = seen.get(item.value) {
            problems
                .add(
                    DUPLICATE,
                    &item.span,
                    format!("{} is listed twice in {what}", quote(item.value)),
                )
                .says("again here")
                .see(first, "first here")
                .advise("remove one of the two");
        } else {
            seen.insert(item.value, &item.span);
        }
    }
}
