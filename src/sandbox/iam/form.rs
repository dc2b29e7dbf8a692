//! What the IAM actions share: names, paths, tags, pages, refusals.

use jiff::Timestamp;

use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::Tags;

/// IAM API Reference, any action: NoSuchEntity, HTTP status 404.
pub(super) fn no_such(what: &str, name: &str) -> ApiError {
    ApiError::with_status(
        404,
        "NoSuchEntity",
        format!("The {what} with name {name} cannot be found."),
    )
}

/// IAM API Reference, any creating action: EntityAlreadyExists, HTTP status 409.
pub(super) fn already(what: &str, name: &str) -> ApiError {
    ApiError::with_status(
        409,
        "EntityAlreadyExists",
        format!("{what} with name {name} already exists."),
    )
}

/// A refusal of a parameter's form.
pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

/// A name of up to `most` characters (IAM User Guide, reference_iam-quotas, "IAM name requirements").
pub(super) fn name<'p>(p: &'p Params, parameter: &str, most: usize) -> ApiResult<&'p str> {
    let name = p
        .text(parameter)
        .ok_or_else(|| validation(format!("{parameter} must not be null")))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.len() > most || !name.chars().all(allowed) {
        return Err(validation(format!(
            "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and be at most {most} long"
        )));
    }
    Ok(name)
}

/// A path: begins and ends with a slash.
pub(super) fn path(p: &Params) -> ApiResult<String> {
    let path = p.text("Path").unwrap_or("/");
    if !path.starts_with('/') || !path.ends_with('/') {
        return Err(validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ));
    }
    Ok(path.to_owned())
}

/// The tags of a call.
pub(super) fn tags(p: &Params) -> ApiResult<Tags> {
    let mut tags = Tags::new();
    for tag in p.list("Tags.member") {
        let key = tag.need("Key")?.to_owned();
        let value = tag.text("Value").unwrap_or_default().to_owned();
        if tags.insert(key, value).is_some() {
            return Err(ApiError::new(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(tags)
}

pub(super) fn write_tags(x: &mut Xml, tags: &Tags) {
    members(x, "Tags", tags, |x, (key, value)| {
        x.el("Key", key).el("Value", value);
    });
}

/// A list in IAM's protocol.
pub(super) fn members<T>(
    x: &mut Xml,
    name: &str,
    values: impl IntoIterator<Item = T>,
    mut inside: impl FnMut(&mut Xml, T),
) {
    x.wrap(name, |x| {
        for value in values {
            x.wrap("member", |x| inside(x, value));
        }
    });
}

/// A moment as IAM writes it: to the second.
pub(super) fn time(x: &mut Xml, name: &str, at: Timestamp) {
    x.el(name, at.strftime("%Y-%m-%dT%H:%M:%SZ"));
}

/// One page of a list that is sorted by name: MaxItems (1 to 1000, default 100) and Marker.
pub(super) fn paged<T>(
    p: &Params,
    x: &mut Xml,
    items: Vec<T>,
    name_of: impl Fn(&T) -> String,
) -> ApiResult<Vec<T>> {
    let size = p.parsed::<usize>("MaxItems")?.unwrap_or(100);
    if !(1..=1000).contains(&size) {
        return Err(validation("maxItems must be between 1 and 1000"));
    }
    let after = p.text("Marker").unwrap_or_default();
    let mut rest: Vec<T> = items
        .into_iter()
        .filter(|item| name_of(item).as_str() > after)
        .collect();
    let more = rest.len() > size;
    rest.truncate(size);
    x.el("IsTruncated", more);
    if more && let Some(last) = rest.last() {
        x.el("Marker", name_of(last));
    }
    Ok(rest)
}
