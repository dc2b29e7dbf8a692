//! Which instance profile an instance has. An association's id is made from the instance's.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Instance, InstanceProfile, Phase};
use super::launch_checks;

const PREFIX: &str = "iip-assoc-";

/// API Reference, AssociateIamInstanceProfile: "You cannot associate more than one IAM instance profile with an
/// instance." The instance is running or stopped (User Guide, attach-iam-role).
pub(super) fn associate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    check_state(&instance)?;
    if instance.profile.is_some() {
        return Err(ApiError::new(
            "IncorrectState",
            format!(
                "There is an existing association for instance {}",
                instance.id
            ),
        ));
    }
    instance.profile = launch_checks::profile(ctx, p)?;
    x.wrap("iamInstanceProfileAssociation", |x| {
        write(ctx, x, &instance, "associating");
    });
    ctx.store.put(instance);
    Ok(())
}

/// API Reference, ReplaceIamInstanceProfileAssociation.
pub(super) fn replace(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut instance = associated(ctx, p.need("AssociationId")?)?;
    check_state(&instance)?;
    instance.profile = launch_checks::profile(ctx, p)?;
    x.wrap("iamInstanceProfileAssociation", |x| {
        write(ctx, x, &instance, "associating");
    });
    ctx.store.put(instance);
    Ok(())
}

/// API Reference, DisassociateIamInstanceProfile.
pub(super) fn disassociate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut instance = associated(ctx, p.need("AssociationId")?)?;
    x.wrap("iamInstanceProfileAssociation", |x| {
        write(ctx, x, &instance, "disassociating");
    });
    instance.profile = None;
    ctx.store.put(instance);
    Ok(())
}

fn associated(ctx: &Ctx<'_>, association: &str) -> ApiResult<Instance> {
    let found = association
        .strip_prefix(PREFIX)
        .and_then(|rest| ctx.store.get::<Instance>(&format!("i-{rest}")))
        .filter(|instance| instance.profile.is_some());
    found.cloned().ok_or_else(|| {
        ApiError::new(
            "NoSuchAssociation",
            format!("An invalid association-id of '{association}' was given"),
        )
    })
}

/// API Reference, DescribeIamInstanceProfileAssociations: filters `instance-id` and `state`.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let filters = super::listing::Filters::read(p, &["instance-id", "state"])?;
    let found: Vec<&Instance> = ctx
        .store
        .all::<Instance>()
        .filter(|instance| {
            instance.profile.is_some()
                && instance.phase != Phase::Terminated
                && filters.all(None, |name| {
                    vec![match name {
                        "instance-id" => instance.id.clone(),
                        _ => "associated".to_owned(),
                    }]
                })
        })
        .collect();
    x.items("iamInstanceProfileAssociationSet", found, |x, it| {
        write(ctx, x, it, "associated");
    });
    Ok(())
}

fn check_state(instance: &Instance) -> ApiResult {
    if matches!(
        instance.phase,
        Phase::Pending | Phase::Running | Phase::Stopping | Phase::Stopped
    ) {
        return Ok(());
    }
    Err(ApiError::new(
        "IncorrectInstanceState",
        format!("The instance '{}' is being terminated", instance.id),
    ))
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, instance: &Instance, state: &str) {
    let id = instance.id.trim_start_matches("i-");
    x.el("associationId", format!("{PREFIX}{id}"))
        .el("instanceId", &instance.id)
        .el("state", state);
    let profile = instance
        .profile
        .as_ref()
        .and_then(|name| ctx.iam.get::<InstanceProfile>(&format!("profile/{name}")));
    if let Some(profile) = profile {
        x.wrap("iamInstanceProfile", |x| {
            x.el(
                "arn",
                format!(
                    "arn:aws:iam::{ACCOUNT}:instance-profile{}{}",
                    profile.path, profile.name
                ),
            )
            .el("id", &profile.unique);
        });
    }
}
