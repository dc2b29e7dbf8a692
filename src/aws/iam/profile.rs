//! Instance profiles, each with one role.

use std::collections::BTreeSet;

use aws_sdk_iam::Client;

use super::role::{tags_from, tags_of};
use crate::aws::answer::{Done, born, done, gone, has_code, id};
use crate::aws::classify::failed;
use crate::aws::sight::sighted;
use crate::inventory::{Seen, SeenProfile, Sighting};
use crate::model::{Failure, FailureClass, IAM_PATH, Ref, Stamp, Tags};

/// Reads one profile by name.
pub(in crate::aws) async fn read(iam: &Client, name: &str) -> Result<Vec<Sighting>, Failure> {
    let call = iam.get_instance_profile().instance_profile_name(name);
    let answer = match call.send().await.map_err(failed("GetInstanceProfile")) {
        Ok(answer) => answer,
        Err(failure) if failure.class == FailureClass::NotFound => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let Some(profile) = answer.instance_profile() else {
        return Ok(Vec::new());
    };
    let role = profile
        .roles()
        .first()
        .map(|role| role.role_name().to_owned());
    let seen = Seen::InstanceProfile(SeenProfile { role: Some(role) });
    Ok(vec![sighted(
        name,
        tags_of(profile.tags()),
        Some(profile.create_date()),
        seen,
    )])
}

pub(in crate::aws) async fn create(iam: &Client, name: &str, stamp: &Stamp) -> Done {
    iam.create_instance_profile()
        .instance_profile_name(name)
        .path(IAM_PATH)
        .set_tags(Some(tags_from(&stamp.tags, "CreateInstanceProfile")?))
        .send()
        .await
        .map_err(failed("CreateInstanceProfile"))?;
    Ok(born(name, None))
}

/// Puts the role into the profile. A profile holds one role: where IAM says that it is full, it is looked up, for it
/// may hold this one.
pub(in crate::aws) async fn add_role(iam: &Client, profile: &Ref, role: &Ref) -> Done {
    let profile = id(profile, "AddRoleToInstanceProfile")?;
    let role = id(role, "AddRoleToInstanceProfile")?;
    let result = iam
        .add_role_to_instance_profile()
        .instance_profile_name(profile)
        .role_name(role)
        .send()
        .await
        .map_err(failed("AddRoleToInstanceProfile"));
    match result {
        Ok(_) => Ok(done()),
        Err(failure) if has_code(&failure, &["LimitExceeded", "EntityAlreadyExists"]) => {
            if holds(iam, profile, role).await? {
                Ok(done())
            } else {
                Err(failure)
            }
        }
        Err(failure) => Err(failure),
    }
}

async fn holds(iam: &Client, profile: &str, role: &str) -> Result<bool, Failure> {
    let found = read(iam, profile).await?;
    Ok(found.iter().any(|sighting| {
        matches!(&sighting.seen, Seen::InstanceProfile(SeenProfile { role: Some(Some(held)) }) if held == role)
    }))
}

pub(in crate::aws) async fn remove_role(iam: &Client, profile: &Ref, role: &Ref) -> Done {
    let call = iam
        .remove_role_from_instance_profile()
        .instance_profile_name(id(profile, "RemoveRoleFromInstanceProfile")?)
        .role_name(id(role, "RemoveRoleFromInstanceProfile")?);
    gone(
        call.send()
            .await
            .map_err(failed("RemoveRoleFromInstanceProfile")),
    )
}

pub(in crate::aws) async fn delete(iam: &Client, name: &str) -> Done {
    let call = iam.delete_instance_profile().instance_profile_name(name);
    gone(call.send().await.map_err(failed("DeleteInstanceProfile")))
}

/// Adds or overwrites tags.
pub(in crate::aws) async fn tag(iam: &Client, profiles: &[Ref], tags: &Tags) -> Done {
    for profile in profiles {
        iam.tag_instance_profile()
            .instance_profile_name(id(profile, "TagInstanceProfile")?)
            .set_tags(Some(tags_from(tags, "TagInstanceProfile")?))
            .send()
            .await
            .map_err(failed("TagInstanceProfile"))?;
    }
    Ok(done())
}

/// Takes tags off.
pub(in crate::aws) async fn untag(iam: &Client, profiles: &[Ref], keys: &BTreeSet<String>) -> Done {
    for profile in profiles {
        iam.untag_instance_profile()
            .instance_profile_name(id(profile, "UntagInstanceProfile")?)
            .set_tag_keys(Some(keys.iter().cloned().collect()))
            .send()
            .await
            .map_err(failed("UntagInstanceProfile"))?;
    }
    Ok(done())
}
