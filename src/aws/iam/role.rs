//! Roles and the managed policies attached to them.

use std::collections::BTreeSet;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AttachedPolicy, Tag};

use crate::aws::answer::{Done, born, done, gone, id};
use crate::aws::classify::failed;
use crate::aws::sight::sighted;
use crate::inventory::{Seen, SeenRole, Sighting};
use crate::model::{Failure, FailureClass, IAM_PATH, Ref, Stamp, Tags};

/// Lets EC2 instances take the role.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// IAM's tags as ours.
pub(super) fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// Our tags as IAM's.
pub(super) fn tags_from(tags: &Tags, operation: &str) -> Result<Vec<Tag>, Failure> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::local(FailureClass::Invalid, operation, e.to_string()))
}

/// Reads one role by name; its policies only where there is a role.
pub(in crate::aws) async fn read(iam: &Client, name: &str) -> Result<Vec<Sighting>, Failure> {
    let answer = match iam
        .get_role()
        .role_name(name)
        .send()
        .await
        .map_err(failed("GetRole"))
    {
        Ok(answer) => answer,
        Err(failure) if failure.class == FailureClass::NotFound => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let Some(role) = answer.role() else {
        return Ok(Vec::new());
    };
    let seen = Seen::Role(SeenRole {
        policies: Some(policies(iam, name).await?),
    });
    Ok(vec![sighted(
        name,
        tags_of(role.tags()),
        Some(role.create_date()),
        seen,
    )])
}

async fn policies(iam: &Client, role: &str) -> Result<BTreeSet<String>, Failure> {
    let attached = iam
        .list_attached_role_policies()
        .role_name(role)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<AttachedPolicy>, _>>()
        .await
        .map_err(failed("ListAttachedRolePolicies"))?;
    Ok(attached
        .into_iter()
        .filter_map(|policy| policy.policy_arn)
        .collect())
}

pub(in crate::aws) async fn create(iam: &Client, name: &str, stamp: &Stamp) -> Done {
    iam.create_role()
        .role_name(name)
        .path(IAM_PATH)
        .assume_role_policy_document(TRUST)
        .set_tags(Some(tags_from(&stamp.tags, "CreateRole")?))
        .send()
        .await
        .map_err(failed("CreateRole"))?;
    Ok(born(name, None))
}

pub(in crate::aws) async fn attach(iam: &Client, role: &Ref, policy: &str) -> Done {
    iam.attach_role_policy()
        .role_name(id(role, "AttachRolePolicy")?)
        .policy_arn(policy)
        .send()
        .await
        .map_err(failed("AttachRolePolicy"))?;
    Ok(done())
}

pub(in crate::aws) async fn detach(iam: &Client, role: &Ref, policy: &str) -> Done {
    let call = iam
        .detach_role_policy()
        .role_name(id(role, "DetachRolePolicy")?)
        .policy_arn(policy);
    gone(call.send().await.map_err(failed("DetachRolePolicy")))
}

pub(in crate::aws) async fn delete(iam: &Client, name: &str) -> Done {
    gone(
        iam.delete_role()
            .role_name(name)
            .send()
            .await
            .map_err(failed("DeleteRole")),
    )
}

/// Adds or overwrites tags.
pub(in crate::aws) async fn tag(iam: &Client, roles: &[Ref], tags: &Tags) -> Done {
    for role in roles {
        iam.tag_role()
            .role_name(id(role, "TagRole")?)
            .set_tags(Some(tags_from(tags, "TagRole")?))
            .send()
            .await
            .map_err(failed("TagRole"))?;
    }
    Ok(done())
}

/// Takes tags off.
pub(in crate::aws) async fn untag(iam: &Client, roles: &[Ref], keys: &BTreeSet<String>) -> Done {
    for role in roles {
        iam.untag_role()
            .role_name(id(role, "UntagRole")?)
            .set_tag_keys(Some(keys.iter().cloned().collect()))
            .send()
            .await
            .map_err(failed("UntagRole"))?;
    }
    Ok(done())
}
