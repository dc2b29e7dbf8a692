//! `[lab]`.

use std::collections::BTreeMap;

use super::names::better_name;
use crate::catalog;
use crate::model::{LabName, Region};
use crate::profile::codes::{BAD_NAME, BAD_TAG, TOO_MANY, UNKNOWN_REGION};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::suggest::did_you_mean;

/// EC2 takes 50 tags on a resource; the rest are the program's own.
const MOST_TAGS: usize = 45;
const LONGEST_TAG_KEY: usize = 128;
const LONGEST_TAG_VALUE: usize = 256;

pub(super) struct Lab {
    pub(super) name: Option<LabName>,
    pub(super) region: Option<Region>,
    pub(super) tags: BTreeMap<String, String>,
}

pub(super) fn lab(fields: &Fields<'_>, problems: &mut Problems) -> Lab {
    Lab {
        name: fields.text("name").and_then(|at| lab_name(&at, problems)),
        region: fields.text("region").and_then(|at| region(&at, problems)),
        tags: tags(fields, problems),
    }
}

fn lab_name(at: &At<&str>, problems: &mut Problems) -> Option<LabName> {
    match LabName::try_from(at.value) {
        Ok(name) => Some(name),
        Err(invalid) => {
            problems
                .add(
                    BAD_NAME,
                    &at.span,
                    format!("{} cannot be the lab's name", quote(at.value)),
                )
                .says("not a name")
                .advise(
                    better_name(at.value).unwrap_or_else(|| format!("a name is {}", invalid.rule)),
                );
            None
        }
    }
}

fn region(at: &At<&str>, problems: &mut Problems) -> Option<Region> {
    let known = catalog::regions();
    if known.contains(&at.value) {
        return Some(Region::new(at.value));
    }
    let without_zone = at.value.strip_suffix(|c: char| c.is_ascii_lowercase());
    let help = match without_zone.filter(|region| known.contains(region)) {
        Some(region) => format!("this is a zone; its region is `{region}`"),
        None => did_you_mean(at.value, known.iter().copied())
            .unwrap_or_else(|| "a region is written like `us-east-1` or `eu-central-1`".to_owned()),
    };
    problems
        .add(
            UNKNOWN_REGION,
            &at.span,
            format!("AWS has no region {}", quote(at.value)),
        )
        .says("unknown region")
        .advise(help);
    None
}

fn tags(fields: &Fields<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let entries = fields.entries("tags");
    if entries.len() > MOST_TAGS {
        let span = fields
            .span_of("tags")
            .unwrap_or_else(|| fields.span.clone());
        problems
            .add(
                TOO_MANY,
                &span,
                format!("{} tags are more than AWS takes", entries.len()),
            )
            .says("too many tags")
            .advise(format!(
                "a lab may have {MOST_TAGS}; the program adds a few of its own"
            ));
    }
    let mut tags = BTreeMap::new();
    for (key, value) in entries {
        if let Some((at, reason)) = tag_trouble(&key, &value) {
            problems
                .add(BAD_TAG, &at.span, format!("{} cannot be a tag", quote(at.value)))
                .says(reason)
                .advise("letters, digits, spaces and _ . : / = + - @; a key has 128 of them, a value 256");
        }
        tags.insert(key.value.to_owned(), value.value.to_owned());
    }
    tags
}

fn tag_trouble<'a>(
    key: &'a At<&'a str>,
    value: &'a At<&'a str>,
) -> Option<(&'a At<&'a str>, &'static str)> {
    // The rule of IAM, which is the strictest of the services that get the tags.
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
    };
    let lower = key.value.to_ascii_lowercase();
    if key.value.is_empty() {
        Some((key, "an empty key"))
    } else if lower.starts_with("aws:") || lower.starts_with("roboinfra:") {
        Some((key, "this prefix is taken"))
    } else if key.value.chars().count() > LONGEST_TAG_KEY {
        Some((key, "too long"))
    } else if !allowed(key.value) {
        Some((key, "a character AWS refuses"))
    } else if value.value.chars().count() > LONGEST_TAG_VALUE {
        Some((value, "too long"))
    } else if !allowed(value.value) {
        Some((value, "a character AWS refuses"))
    } else {
        None
    }
}
