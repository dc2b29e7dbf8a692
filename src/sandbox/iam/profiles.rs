//! Instance profiles (IAM API Reference).

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Edge, InstanceProfile, Role};
use super::form::{already, members, name, no_such, paged, path, tags, time, write_tags};
use super::roles;

fn named(ctx: &Ctx<'_>, p: &Params) -> ApiResult<InstanceProfile> {
    let name = name(p, "InstanceProfileName", 128)?;
    ctx.iam
        .get::<InstanceProfile>(&format!("profile/{name}"))
        .cloned()
        .ok_or_else(|| {
            ApiError::with_status(
                404,
                "NoSuchEntity",
                format!("Instance Profile {name} cannot be found."),
            )
        })
}

pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = name(p, "InstanceProfileName", 128)?;
    let id = format!("profile/{name}");
    if ctx.iam.get::<InstanceProfile>(&id).is_some() {
        return Err(already("Instance Profile", name));
    }
    let profile = InstanceProfile {
        id,
        name: name.to_owned(),
        unique: format!("AIPA{:017X}", ctx.iam.ids.number()),
        path: path(p)?,
        role: None,
        created: ctx.now,
        tags: tags(p)?,
    };
    x.wrap("InstanceProfile", |x| write(ctx, x, &profile));
    ctx.iam.put(profile);
    Ok(())
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, profile: &InstanceProfile) {
    x.el("Path", &profile.path)
        .el("InstanceProfileName", &profile.name)
        .el("InstanceProfileId", &profile.unique)
        .el(
            "Arn",
            format!(
                "arn:aws:iam::{ACCOUNT}:instance-profile{}{}",
                profile.path, profile.name
            ),
        );
    time(x, "CreateDate", profile.created);
    let role = profile
        .role
        .as_ref()
        .and_then(|name| ctx.iam.get::<Role>(&format!("role/{name}")));
    members(x, "Roles", role, roles::write);
    if !profile.tags.is_empty() {
        write_tags(x, &profile.tags);
    }
}

pub(super) fn get(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    x.wrap("InstanceProfile", |x| write(ctx, x, &profile));
    Ok(())
}

pub(super) fn list(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let prefix = p.text("PathPrefix").unwrap_or("/");
    let profiles: Vec<&InstanceProfile> = ctx
        .iam
        .all::<InstanceProfile>()
        .filter(|profile| profile.path.starts_with(prefix))
        .collect();
    let profiles = paged(p, x, profiles, |profile| profile.name.clone())?;
    members(x, "InstanceProfiles", profiles, |x, it| write(ctx, x, it));
    Ok(())
}

pub(super) fn list_for_role(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = roles::find(ctx, name(p, "RoleName", 64)?)?;
    let profiles: Vec<&InstanceProfile> = ctx
        .iam
        .hanging::<InstanceProfile>(&role.id, Edge::RoleInProfile)
        .collect();
    let profiles = paged(p, x, profiles, |profile| profile.name.clone())?;
    members(x, "InstanceProfiles", profiles, |x, it| write(ctx, x, it));
    Ok(())
}

pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    check_deletable(ctx.iam, &profile.id)?;
    ctx.iam.remove(&profile.id);
    Ok(())
}

/// IAM API Reference, TagInstanceProfile.
pub(super) fn tag(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    let more = tags(p)?;
    ctx.iam
        .update::<InstanceProfile>(&profile.id, |profile| profile.tags.extend(more));
    Ok(())
}

/// IAM API Reference, UntagInstanceProfile.
pub(super) fn untag(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    let keys = p.texts("TagKeys.member");
    ctx.iam.update::<InstanceProfile>(&profile.id, |profile| {
        profile.tags.retain(|key, _| !keys.contains(&key.as_str()));
    });
    Ok(())
}

/// IAM API Reference, AddRoleToInstanceProfile: one role only, and the quota cannot be raised.
pub(super) fn add_role(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    let role = roles::find(ctx, name(p, "RoleName", 64)?)?;
    if profile.role.is_some() {
        return Err(ApiError::with_status(
            409,
            "LimitExceeded",
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        ));
    }
    ctx.iam
        .update::<InstanceProfile>(&profile.id, |profile| profile.role = Some(role.name));
    Ok(())
}

pub(super) fn remove_role(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let profile = named(ctx, p)?;
    let role = name(p, "RoleName", 64)?;
    if profile.role.as_deref() != Some(role) {
        return Err(no_such("role", role));
    }
    ctx.iam
        .update::<InstanceProfile>(&profile.id, |profile| profile.role = None);
    Ok(())
}
