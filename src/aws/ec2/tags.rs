//! Tags in EC2's shape, and the filter by which a lab finds its own.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use crate::aws::answer::{Done, done, gone, ids};
use crate::aws::classify::failed;
use crate::model::{CloudId, Failure, Kind, LabName, Ref, TAG_ADDRESS, TAG_LAB, Tags};

/// The tag that the console shows as a resource's name.
const TAG_NAME: &str = "Name";

/// EC2's tags as ours.
pub(in crate::aws) fn of(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

/// What lets a creating call tag what it makes. `Name` is lab and address, for those who look in the console.
pub(in crate::aws) fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let name = match (tags.get(TAG_NAME), tags.get(TAG_LAB), tags.get(TAG_ADDRESS)) {
        (None, Some(lab), Some(address)) => Some(tag(TAG_NAME, &format!("{lab} {address}"))),
        _ => None,
    };
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(
            tags.iter()
                .map(|(key, value)| tag(key, value))
                .chain(name)
                .collect(),
        ))
        .build()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// Finds what carries the lab's name; what carries any lab's where none is given.
pub(in crate::aws) fn lab_filter(lab: Option<&LabName>) -> Filter {
    match lab {
        Some(lab) => filter(&format!("tag:{TAG_LAB}"), [lab.as_str()]),
        None => filter("tag-key", [TAG_LAB]),
    }
}

/// One filter: any of the values.
pub(in crate::aws) fn filter<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

/// Adds or overwrites tags on several resources in one call.
pub(in crate::aws) async fn create(ec2: &Client, resources: &[Ref], tags: &Tags) -> Done {
    ec2.create_tags()
        .set_resources(Some(ids(resources, "CreateTags")?))
        .set_tags(Some(
            tags.iter().map(|(key, value)| tag(key, value)).collect(),
        ))
        .send()
        .await
        .map_err(failed("CreateTags"))?;
    Ok(done())
}

/// Adds or overwrites tags on resources of one kind.
pub(in crate::aws) async fn set(ec2: &Client, kind: Kind, resources: &[Ref], tags: &Tags) -> Done {
    create(ec2, &taggable(ec2, kind, resources).await?, tags).await
}

/// Takes tags off resources of one kind, whatever their values. What is gone has none.
pub(in crate::aws) async fn unset(
    ec2: &Client,
    kind: Kind,
    resources: &[Ref],
    keys: &BTreeSet<String>,
) -> Done {
    let resources = taggable(ec2, kind, resources).await?;
    let keys = keys.iter().map(|key| Tag::builder().key(key).build());
    let call = ec2
        .delete_tags()
        .set_resources(Some(ids(&resources, "DeleteTags")?))
        .set_tags(Some(keys.collect()));
    gone(call.send().await.map_err(failed("DeleteTags")))
}

/// Key pairs and placement groups go by their names here; tags want their ids.
async fn taggable(ec2: &Client, kind: Kind, resources: &[Ref]) -> Result<Vec<Ref>, Failure> {
    if !matches!(kind, Kind::KeyPair | Kind::PlacementGroup) {
        return Ok(resources.to_vec());
    }
    let names = Some(ids(resources, "CreateTags")?);
    let found: Vec<Option<String>> = if kind == Kind::KeyPair {
        let call = ec2.describe_key_pairs().set_key_names(names);
        let answer = call.send().await.map_err(failed("DescribeKeyPairs"))?;
        let ids = answer.key_pairs().iter().map(|key| key.key_pair_id());
        ids.map(|id| id.map(str::to_owned)).collect()
    } else {
        let call = ec2.describe_placement_groups().set_group_names(names);
        let answer = call
            .send()
            .await
            .map_err(failed("DescribePlacementGroups"))?;
        let ids = answer
            .placement_groups()
            .iter()
            .map(|group| group.group_id());
        ids.map(|id| id.map(str::to_owned)).collect()
    };
    let ids = found.into_iter().flatten();
    Ok(ids.map(|id| Ref::Existing(CloudId::new(id))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_has_a_name_in_the_console() {
        let tags: Tags = [(TAG_LAB, "twin"), (TAG_ADDRESS, "network.vpc")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let made = of(specification(ResourceType::Vpc, &tags).tags());
        assert_eq!(
            made.get(TAG_NAME).map(String::as_str),
            Some("twin network.vpc")
        );

        let mut named = tags.clone();
        named.insert(TAG_NAME.to_owned(), "mine".to_owned());
        assert_eq!(of(specification(ResourceType::Vpc, &named).tags()), named);
    }
}
