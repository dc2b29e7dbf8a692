//! The IAM actions that the sandbox speaks.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::{profiles, roles};

type Handler = fn(&mut Ctx<'_>, &Params, &mut Xml) -> ApiResult;

const ACTIONS: &[(&str, Handler)] = &[
    ("AddRoleToInstanceProfile", profiles::add_role),
    ("AttachRolePolicy", roles::attach),
    ("CreateInstanceProfile", profiles::create),
    ("CreateRole", roles::create),
    ("CreateServiceLinkedRole", roles::create_linked),
    ("DeleteInstanceProfile", profiles::delete),
    ("DeleteRole", roles::delete),
    ("DeleteRolePolicy", roles::delete_inline),
    ("DetachRolePolicy", roles::detach),
    ("GetInstanceProfile", profiles::get),
    ("GetRole", roles::get),
    ("GetRolePolicy", roles::get_inline),
    ("ListAttachedRolePolicies", roles::list_attached),
    ("ListInstanceProfiles", profiles::list),
    ("ListInstanceProfilesForRole", profiles::list_for_role),
    ("ListRolePolicies", roles::list_inline),
    ("ListRoleTags", roles::list_tags),
    ("ListRoles", roles::list),
    ("PutRolePolicy", roles::put_inline),
    ("RemoveRoleFromInstanceProfile", profiles::remove_role),
    ("TagInstanceProfile", profiles::tag),
    ("TagRole", roles::tag),
    ("UntagInstanceProfile", profiles::untag),
    ("UntagRole", roles::untag),
];

/// Performs an action.
pub(in super::super) fn perform(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let handler = ACTIONS
        .binary_search_by_key(&ctx.action, |(name, _)| name)
        .map(|at| ACTIONS[at].1)
        .map_err(|_| {
            ApiError::new(
                "InvalidAction",
                format!("the sandbox does not speak the IAM action {}", ctx.action),
            )
        })?;
    handler(ctx, p, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched_and_is_in_the_manual() {
        let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        crate::sandbox::services::check_actions(&names);
    }
}
