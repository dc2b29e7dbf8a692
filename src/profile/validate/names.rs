//! Names that the user chooses, and lists in which each value stands once.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::model::{LabName, NodeName};
use crate::profile::codes::{BAD_NAME, DUPLICATE};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};

/// The sections below a key whose names can be names.
pub(super) fn named<'a>(
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
pub(super) fn name(at: &At<&str>, problems: &mut Problems) -> Option<NodeName> {
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
pub(super) fn better_name(text: &str) -> Option<String> {
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
    // The stricter rule: nobody meant one letter.
    LabName::try_from(plain)
        .ok()
        .filter(|name| name.as_str() != text)
        .map(|name| format!("try `{name}`"))
}

/// Reports each value that stands in a list a second time.
pub(super) fn no_duplicates(items: &[At<&str>], what: &str, problems: &mut Problems) {
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
