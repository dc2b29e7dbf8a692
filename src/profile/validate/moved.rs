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

/// The nodes of the profile with their counts.
type Nodes<'a> = BTreeMap<&'a str, u32>;

/// What one `[[moved]]` says: `from` and `to`.
type Row<'a> = (Option<At<&'a str>>, Option<At<&'a str>>);

/// One end of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End<'a> {
    name: &'a str,
    index: Option<u32>,
}

pub(super) fn moved(root: &Fields<'_>, problems: &mut Problems) -> Vec<Moved> {
    let nodes: Nodes<'_> = root
        .named("node")
        .into_iter()
        .map(|(at, fields)| {
            (
                at.value,
                fields.whole("count").map_or(1, |count| count.value),
            )
        })
        .collect();
    let rows: Vec<_> = root
        .rows("moved")
        .into_iter()
        .map(|row| (row.text("from"), row.text("to")))
        .collect();
    let all_sources: BTreeSet<&str> = rows
        .iter()
        .filter_map(|(from, _)| from.as_ref().map(|at| at.value))
        .collect();
    let mut sources: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut targets: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut moved = Vec::new();
    for (from, to) in &rows {
        let ends = [from, to].map(|at| at.as_ref().and_then(|at| node(at, problems)));
        if let (Some(at), Some(end)) = (from, ends[0]) {
            still_there(at, end, &nodes, problems);
            once(at, &mut sources, problems);
        }
        if let (Some(at), Some(end)) = (to, ends[1]) {
            // What moves on from there is judged where it ends.
            if !all_sources.contains(at.value) {
                not_there(at, end, &nodes, problems);
            }
            once(at, &mut targets, problems);
        }
        if let (Some(to), [Some(a), Some(b)]) = (to, ends)
            && a.index.is_some() != b.index.is_some()
        {
            problems
                .add(
                    BAD_ADDRESS,
                    &to.span,
                    "a group moves to a group, and one machine to one machine",
                )
                .says("not the same kind of address")
                .advise("write both like `node.sim`, or both like `node.sim.0`");
        }
        if let (Some(from), Some(to)) = (from, to) {
            moved.push(Moved {
                from: from.value.to_owned(),
                to: to.value.to_owned(),
            });
        }
    }
    circles(&rows, problems);
    moved
}

/// A `from` that the profile still has.
fn still_there(at: &At<&str>, end: End<'_>, nodes: &Nodes<'_>, problems: &mut Problems) {
    let Some(count) = nodes.get(end.name) else {
        return;
    };
    let message = match end.index {
        None => format!("[node.{}] is still in the profile", end.name),
        Some(index) if index < *count => format!(
            "{} is still in the profile: [node.{}] has count = {count}",
            at.value, end.name
        ),
        Some(_) => return,
    };
    problems
        .add(MOVED_MISFIT, &at.span, message)
        .says("not moved away")
        .advise("rename the node or lower its count, or remove this [[moved]]");
}

/// A `to` that the profile does not have.
fn not_there(at: &At<&str>, end: End<'_>, nodes: &Nodes<'_>, problems: &mut Problems) {
    let (message, help) = match (nodes.get(end.name), end.index) {
        (None, _) => (
            format!("there is no [node.{}]", end.name),
            did_you_mean(end.name, nodes.keys().copied())
                .unwrap_or_else(|| "`to` is the name that the node has now".to_owned()),
        ),
        (Some(count), Some(index)) if index >= *count => (
            format!(
                "there is no {}: [node.{}] has count = {count}",
                at.value, end.name
            ),
            "the index counts from 0".to_owned(),
        ),
        _ => return,
    };
    problems
        .add(UNDEFINED, &at.span, message)
        .says("no such node")
        .advise(help);
}

/// Moves that lead back to where they began.
fn circles(rows: &[Row<'_>], problems: &mut Problems) {
    let next: BTreeMap<&str, &str> = rows
        .iter()
        .filter_map(|(from, to)| Some((from.as_ref()?.value, to.as_ref()?.value)))
        .collect();
    let mut told = BTreeSet::new();
    for (from, to) in rows {
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        let mut seen = BTreeSet::from([from.value]);
        let mut at = to.value;
        while seen.insert(at) {
            let Some(on) = next.get(at) else { break };
            at = on;
        }
        let closes = at == from.value && next.contains_key(to.value);
        if (closes || from.value == to.value) && told.is_disjoint(&seen) {
            told.extend(seen);
            problems
                .add(MOVED_MISFIT, &from.span, "these moves go round in a circle")
                .says("comes back here")
                .advise("remove the [[moved]] that leads back");
        }
    }
}

/// `node.NAME` or `node.NAME.INDEX`.
fn node<'a>(at: &At<&'a str>, problems: &mut Problems) -> Option<End<'a>> {
    let end = at.value.strip_prefix("node.").and_then(|rest| {
        let (name, index) = match rest.split_once('.') {
            None => (rest, None),
            Some((name, index)) => {
                let number: u32 = index.parse().ok()?;
                // Each address is written in one way.
                (
                    name,
                    Some(number).filter(|number| number.to_string() == index),
                )
            }
        };
        let is_whole = !rest.contains('.') || index.is_some();
        (is_whole && NodeName::try_from(name).is_ok()).then_some(End { name, index })
    });
    if end.is_none() {
        problems
            .add(
                BAD_ADDRESS,
                &at.span,
                format!("{} is not the address of a node", quote(at.value)),
            )
            .says("not node.NAME")
            .advise("written like `node.sim`, or `node.sim.0` for one machine");
    }
    end
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
