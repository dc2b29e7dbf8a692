//! Tags of alarms (CloudWatch API Reference, TagResource, UntagResource, ListTagsForResource).

use serde_json::{Value, json};

use super::super::context::Ctx;
use super::super::wire::ApiResult;
use super::super::world::{Alarm, Tags};
use super::query::{arn, id_of, invalid, list as items, missing, not_found, text, texts};

/// The tags of a request, each key once, fifty at most.
pub(super) fn read(input: &Value) -> ApiResult<Tags> {
    let mut tags = Tags::new();
    for one in items(input, "Tags") {
        let key = text(one, "Key").ok_or_else(|| missing("Tags.member.N.Key"))?;
        let value = one.get("Value").and_then(Value::as_str).unwrap_or_default();
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("The tag {key} is there twice.")));
        }
    }
    if tags.len() > 50 {
        return Err(invalid("A resource has at most 50 tags."));
    }
    Ok(tags)
}

/// The tags of an alarm, by its ARN.
fn tags_of(ctx: &Ctx<'_>, resource: &str) -> ApiResult<(String, Tags)> {
    let prefix = arn(ctx.region, "");
    let found = resource
        .strip_prefix(&prefix)
        .and_then(|name| ctx.store.get::<Alarm>(&id_of(name)));
    let alarm = found.ok_or_else(|| not_found(format!("{resource} does not exist.")))?;
    Ok((alarm.id.clone(), alarm.tags.clone()))
}

fn resource(input: &Value) -> ApiResult<&str> {
    text(input, "ResourceARN").ok_or_else(|| missing("ResourceARN"))
}

pub(super) fn list(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let (_, tags) = tags_of(ctx, resource(input)?)?;
    let tags: Vec<Value> = tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({ "Tags": tags }))
}

pub(super) fn tag(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let (id, _) = tags_of(ctx, resource(input)?)?;
    let tags = read(input)?;
    ctx.store
        .update::<Alarm>(&id, |alarm| alarm.tags.extend(tags));
    Ok(json!({}))
}

pub(super) fn untag(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let (id, _) = tags_of(ctx, resource(input)?)?;
    let keys = texts(input, "TagKeys");
    ctx.store.update::<Alarm>(&id, |alarm| {
        alarm.tags.retain(|key, _| !keys.contains(&key.as_str()));
    });
    Ok(json!({}))
}
