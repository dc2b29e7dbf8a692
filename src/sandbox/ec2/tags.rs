//! Tags: in creating calls, and by `CreateTags`, `DeleteTags`, `DescribeTags`.

use super::super::context::{Ctx, not_found};
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Kind, Tags, kind_of};

/// User Guide, Using_Tags, "Tag restrictions".
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// The tags for `resource_type` in a creating call whose specifications may be for any of `allowed`.
pub(super) fn specified(p: &Params, resource_type: &str, allowed: &[&str]) -> ApiResult<Tags> {
    let mut tags = Tags::new();
    for specification in p.list("TagSpecification") {
        let named = specification.need("ResourceType")?;
        if !allowed.contains(&named) {
            return Err(ApiError::invalid(format!(
                "'{named}' is not a valid taggable resource type for this operation."
            )));
        }
        if named == resource_type {
            merge(&mut tags, &listed(specification)?)?;
        }
    }
    Ok(tags)
}

/// The tags of a call that makes one kind of thing.
pub(super) fn of_new(p: &Params, resource_type: &str) -> ApiResult<Tags> {
    specified(p, resource_type, &[resource_type])
}

fn listed(p: &Params) -> ApiResult<Tags> {
    let mut tags = Tags::new();
    for tag in p.list("Tag") {
        let key = tag.need("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.starts_with("aws:") {
            return Err(ApiError::invalid(
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if key.chars().count() > MAX_KEY || value.chars().count() > MAX_VALUE {
            return Err(ApiError::invalid(format!(
                "Tag key or value too long: '{key}' (at most {MAX_KEY} and {MAX_VALUE} characters)"
            )));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(ApiError::invalid(format!(
                "Duplicate tag key '{key}' specified."
            )));
        }
    }
    Ok(tags)
}

fn merge(tags: &mut Tags, more: &Tags) -> ApiResult {
    tags.extend(more.clone());
    if tags.len() > MAX_TAGS {
        return Err(ApiError::new(
            "TagLimitExceeded",
            format!("The maximum number of Tags for a resource has been reached: {MAX_TAGS}"),
        ));
    }
    Ok(())
}

/// The tags of a resource in an answer.
pub(super) fn write(x: &mut Xml, tags: &Tags) {
    x.items("tagSet", tags, |x, (key, value)| {
        x.el("key", key).el("value", value);
    });
}

/// The resources that a call names; every one must exist.
fn targets<'p>(ctx: &Ctx<'_>, p: &'p Params) -> ApiResult<Vec<&'p str>> {
    let ids = p.need_texts("ResourceId")?;
    for id in &ids {
        let kind = kind_of(id)
            .ok_or_else(|| ApiError::new("InvalidID", format!("The ID '{id}' is not valid")))?;
        if !kind.is_well_formed(id) {
            return Err(ApiError::new(
                kind.malformed,
                format!("Invalid id: \"{id}\""),
            ));
        }
        if ctx.store.slot(id).is_none() || !ctx.sees(id) {
            return Err(not_found(kind, id));
        }
    }
    Ok(ids)
}

/// API Reference, CreateTags: adds or overwrites; at most 1,000 resources.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let ids = targets(ctx, p)?;
    let more = listed(p)?;
    if more.is_empty() {
        return Err(ApiError::missing("Tag"));
    }
    for id in ids {
        let mut result = Ok(());
        ctx.store.update_any(id, |entity| {
            if let Some(tags) = entity.tags_mut() {
                result = merge(tags, &more);
            }
        });
        result?;
    }
    x.done();
    Ok(())
}

/// API Reference, DeleteTags: a value that is given must match; no tags at all means all of them.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let ids = targets(ctx, p)?;
    let which = p.list("Tag");
    for id in ids {
        ctx.store.update_any(id, |entity| {
            let Some(tags) = entity.tags_mut() else {
                return;
            };
            if which.is_empty() {
                tags.clear();
            }
            for tag in &which {
                let Some(key) = tag.text("Key") else { continue };
                let fits = tag
                    .text("Value")
                    .is_none_or(|value| tags.get(key).is_some_and(|had| had == value));
                if fits {
                    tags.remove(key);
                }
            }
        });
    }
    x.done();
    Ok(())
}

/// API Reference, DescribeTags: filters `key`, `value`, `resource-id`, `resource-type`, `tag:KEY`.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let filters =
        super::listing::Filters::read(p, &["key", "value", "resource-id", "resource-type"])?;
    let rows = ctx.store.slots().flat_map(|slot| {
        let id = slot.entity.id();
        let resource_type = kind_of(id).map_or("", |kind: &Kind| kind.resource_type);
        slot.entity
            .tags()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (id, resource_type, key, value))
    });
    let rows: Vec<_> = rows
        .filter(|(id, resource_type, key, value)| {
            !resource_type.is_empty()
                && filters.all(None, |name| {
                    vec![match name {
                        "key" => (*key).clone(),
                        "value" => (*value).clone(),
                        "resource-id" => (*id).to_owned(),
                        _ => (*resource_type).to_owned(),
                    }]
                })
        })
        .collect();
    x.items("tagSet", rows, |x, (id, resource_type, key, value)| {
        x.el("resourceId", id)
            .el("resourceType", resource_type)
            .el("key", key)
            .el("value", value);
    });
    Ok(())
}

/// No tags.
pub(super) fn none() -> Tags {
    Tags::new()
}
