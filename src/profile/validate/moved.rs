//! `[[moved]]`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::model::NodeName;
use crate::profile::codes::{BAD_ADDRESS, DUPLICATE, MOVED_MISFIT, UNDEFINED};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::suggest::did_you_mean;
use crate::profile::types::Moved;

pub(super) fn moved(root: &Fields<'_>, problems: &mut Problems) -> Vec<Moved> {
    let nodes: BTreeSet<&str> = root
        .named("node")
        .into_iter()
        .map(|(at, _)| at.value)
        .collect();
    let mut sources: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut targets: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut moved = Vec::new();
    for row in root.rows("moved") {
        let (from, to) = (row.text("from"), row.text("to"));
        if let Some((at, name)) = from.as_ref().and_then(|at| node(at, problems)) {
            if nodes.contains(name) {
                problems
                    .add(
                        MOVED_MISFIT,
                        &at.span,
                        format!("[node.{name}] is still in the profile"),
                    )
                    .says("not moved away")
                    .advise("rename the node, or remove this [[moved]]");
            }
            once(at, &mut sources, problems);
        }
        if let Some((at, name)) = to.as_ref().and_then(|at| node(at, problems)) {
            if !nodes.contains(name) {
                let help = did_you_mean(name, nodes.iter().copied())
                    .unwrap_or_else(|| "`to` is the name that the node has now".to_owned());
                problems
                    .add(UNDEFINED, &at.span, format!("there is no [node.{name}]"))
                    .says("no such node")
                    .advise(help);
            }
            once(at, &mut targets, problems);
        }
        if let (Some(from), Some(to)) = (from, to) {
            moved.push(Moved {
                from: from.value.to_owned(),
                to: to.value.to_owned(),
            });
        }
    }
    moved
}

/// The name in `node.NAME`.
fn node<'a, 'b>(
    at: &'b At<&'a str>,
    problems: &mut Problems,
) -> Option<(&'b At<&'a str>, &'a str)> {
    let name = at
        .value
        .strip_prefix("node.")
        .filter(|name| NodeName::try_from(*name).is_ok());
    if name.is_none() {
        problems
            .add(
                BAD_ADDRESS,
                &at.span,
                format!("{} is not the address of a node", quote(at.value)),
            )
            .says("not node.NAME")
            .advise("written like `node.sim`");
    }
    Some((at, name?))
}

fn once<'a>(at: &At<&'a str>, seen: &mut BTreeMap<&'a str, Range<usize>>, problems: &mut Problems) {
    if let Some(first) = seen.get(at.value) {
        problems
            .add(
                DUPLICATE,
                &at.span,
                format!("{} is moved twice", quote(at.value)),
            )
            .says("again here")
            .see(first, "first here")
            .advise("keep one of the two");
    } else {
        seen.insert(at.value, at.span.clone());
    }
}
