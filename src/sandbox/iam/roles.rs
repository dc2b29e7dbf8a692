//! Roles and their policies (IAM API Reference).

use std::collections::{BTreeMap, BTreeSet};

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Role, ServiceLinkedRole};
use super::form::{
    already, members, name, no_such, paged, path, tags, time, validation, write_tags,
};

/// IAM User Guide, reference_iam-quotas: managed policies on a role.
const MAX_ATTACHED: usize = 10;

fn arn(role: &Role) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role{}{}", role.path, role.name)
}

/// The role that a call names.
pub(super) fn find(ctx: &Ctx<'_>, name: &str) -> ApiResult<Role> {
    ctx.iam
        .get::<Role>(&format!("role/{name}"))
        .cloned()
        .ok_or_else(|| no_such("role", name))
}

fn named(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Role> {
    find(ctx, name(p, "RoleName", 64)?)
}

fn policy_document(p: &Params, parameter: &str) -> ApiResult<String> {
    let text = p
        .text(parameter)
        .ok_or_else(|| validation(format!("{parameter} must not be null")))?;
    let whole = serde_json::from_str::<serde_json::Value>(text)
        .is_ok_and(|value| value.get("Statement").is_some());
    if !whole {
        return Err(ApiError::new(
            "MalformedPolicyDocument",
            "This policy contains invalid Json",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = name(p, "RoleName", 64)?;
    let trust = policy_document(p, "AssumeRolePolicyDocument")?;
    let id = format!("role/{name}");
    if ctx.iam.get::<Role>(&id).is_some() {
        return Err(already("Role", name));
    }
    let role = Role {
        unique: format!("AROA{:017X}", ctx.iam.ids.number()),
        id,
        name: name.to_owned(),
        path: path(p)?,
        trust,
        description: p.text("Description").map(str::to_owned),
        max_session: p.parsed("MaxSessionDuration")?.unwrap_or(3600),
        boundary: p.text("PermissionsBoundary").map(str::to_owned),
        created: ctx.now,
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
        tags: tags(p)?,
    };
    x.wrap("Role", |x| write(x, &role));
    ctx.iam.put(role);
    Ok(())
}

/// Writes a role; the trust policy is URL-encoded (IAM API Reference, GetRole).
pub(super) fn write(x: &mut Xml, role: &Role) {
    let trust: String = form_urlencoded::byte_serialize(role.trust.as_bytes()).collect();
    x.el("Path", &role.path)
        .el("RoleName", &role.name)
        .el("RoleId", &role.unique)
        .el("Arn", arn(role))
        .el("AssumeRolePolicyDocument", trust.replace('+', "%20"))
        .opt("Description", role.description.as_ref())
        .el("MaxSessionDuration", role.max_session);
    time(x, "CreateDate", role.created);
    if let Some(boundary) = &role.boundary {
        x.wrap("PermissionsBoundary", |x| {
            x.el("PermissionsBoundaryType", "PermissionsBoundaryPolicy")
                .el("PermissionsBoundaryArn", boundary);
        });
    }
    if !role.tags.is_empty() {
        write_tags(x, &role.tags);
    }
}

pub(super) fn get(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    x.wrap("Role", |x| write(x, &role));
    Ok(())
}

pub(super) fn list(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let prefix = p.text("PathPrefix").unwrap_or("/");
    let roles: Vec<&Role> = ctx
        .iam
        .all::<Role>()
        .filter(|role| role.path.starts_with(prefix))
        .collect();
    let roles = paged(p, x, roles, |role| role.name.clone())?;
    members(x, "Roles", roles, write);
    Ok(())
}

pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    check_deletable(ctx.iam, &role.id)?;
    ctx.iam.remove(&role.id);
    Ok(())
}

/// Idempotent; the policy must exist. The sandbox takes every policy of AWS's that has a plausible ARN.
pub(super) fn attach(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let policy = p.need("PolicyArn")?;
    if !policy.starts_with("arn:aws") || !policy.contains(":policy/") {
        return Err(validation(format!("ARN {policy} is not valid.")));
    }
    let foreign = !policy.contains(":iam::aws:policy/");
    if foreign {
        return Err(ApiError::with_status(
            404,
            "NoSuchEntity",
            format!("Policy {policy} does not exist or is not attachable."),
        ));
    }
    if !role.attached.contains(policy) && role.attached.len() >= MAX_ATTACHED {
        return Err(ApiError::with_status(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}"),
        ));
    }
    ctx.iam.update::<Role>(&role.id, |role| {
        role.attached.insert(policy.to_owned());
    });
    Ok(())
}

pub(super) fn detach(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let policy = p.need("PolicyArn")?;
    if !role.attached.contains(policy) {
        return Err(ApiError::with_status(
            404,
            "NoSuchEntity",
            format!("Policy {policy} was not found."),
        ));
    }
    ctx.iam.update::<Role>(&role.id, |role| {
        role.attached.remove(policy);
    });
    Ok(())
}

pub(super) fn list_attached(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    x.el("IsTruncated", false);
    members(x, "AttachedPolicies", &role.attached, |x, policy| {
        x.el(
            "PolicyName",
            policy.rsplit('/').next().unwrap_or(policy.as_str()),
        )
        .el("PolicyArn", policy);
    });
    Ok(())
}

pub(super) fn put_inline(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let policy = name(p, "PolicyName", 128)?.to_owned();
    let document = policy_document(p, "PolicyDocument")?;
    ctx.iam.update::<Role>(&role.id, |role| {
        role.inline.insert(policy, document);
    });
    Ok(())
}

fn no_inline(name: &str) -> ApiError {
    ApiError::with_status(
        404,
        "NoSuchEntity",
        format!("The role policy with name {name} cannot be found."),
    )
}

pub(super) fn get_inline(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let policy = name(p, "PolicyName", 128)?;
    let document = role.inline.get(policy).ok_or_else(|| no_inline(policy))?;
    let encoded: String = form_urlencoded::byte_serialize(document.as_bytes()).collect();
    x.el("RoleName", &role.name)
        .el("PolicyName", policy)
        .el("PolicyDocument", encoded.replace('+', "%20"));
    Ok(())
}

pub(super) fn delete_inline(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let policy = name(p, "PolicyName", 128)?;
    if !role.inline.contains_key(policy) {
        return Err(no_inline(policy));
    }
    ctx.iam.update::<Role>(&role.id, |role| {
        role.inline.remove(policy);
    });
    Ok(())
}

pub(super) fn list_inline(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    x.el("IsTruncated", false).wrap("PolicyNames", |x| {
        for policy in role.inline.keys() {
            x.el("member", policy);
        }
    });
    Ok(())
}

pub(super) fn tag(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let more = tags(p)?;
    ctx.iam
        .update::<Role>(&role.id, |role| role.tags.extend(more));
    Ok(())
}

pub(super) fn untag(ctx: &mut Ctx<'_>, p: &Params, _x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    let keys = p.texts("TagKeys.member");
    ctx.iam.update::<Role>(&role.id, |role| {
        role.tags.retain(|key, _| !keys.contains(&key.as_str()));
    });
    Ok(())
}

pub(super) fn list_tags(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let role = named(ctx, p)?;
    x.el("IsTruncated", false);
    write_tags(x, &role.tags);
    Ok(())
}

/// IAM API Reference, CreateServiceLinkedRole: one for each service; a second is `InvalidInput`.
pub(super) fn create_linked(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let service = p.need("AWSServiceName")?;
    let name = match service {
        "spot.amazonaws.com" => "AWSServiceRoleForEC2Spot".to_owned(),
        other => format!(
            "AWSServiceRoleFor{}",
            other.split('.').next().unwrap_or(other)
        ),
    };
    let id = format!("linked/{service}");
    if ctx.iam.get::<ServiceLinkedRole>(&id).is_some() {
        return Err(ApiError::new(
            "InvalidInput",
            format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            ),
        ));
    }
    let role = ServiceLinkedRole {
        id,
        name,
        created: ctx.now,
    };
    let unique = format!("AROA{:017X}", ctx.iam.ids.number());
    x.wrap("Role", |x| {
        let path = format!("/aws-service-role/{service}/");
        x.el("Path", &path)
            .el("RoleName", &role.name)
            .el("RoleId", unique)
            .el(
                "Arn",
                format!("arn:aws:iam::{ACCOUNT}:role{path}{}", role.name),
            );
        time(x, "CreateDate", role.created);
    });
    ctx.iam.put(role);
    Ok(())
}
