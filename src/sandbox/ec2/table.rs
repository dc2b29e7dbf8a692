//! The actions that the sandbox speaks, and what all of them share.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::{
    addresses, associations, attributes, discovery, fleet, gateways, groups, groups_rules, images,
    instances, interfaces, keys, launch, lifecycle, placement, routes, snapshots, spot, subnets,
    tags, templates, volume_attach, volumes, vpcs,
};

type Handler = fn(&mut Ctx<'_>, &Params, &mut Xml) -> ApiResult;

/// Every action, in the order of its name.
const ACTIONS: &[(&str, Handler)] = &[
    ("AllocateAddress", addresses::allocate),
    ("AssociateAddress", addresses::associate),
    ("AssociateIamInstanceProfile", associations::associate),
    ("AssociateRouteTable", routes::associate),
    ("AttachInternetGateway", gateways::attach),
    ("AttachVolume", volume_attach::attach),
    (
        "AuthorizeSecurityGroupEgress",
        groups_rules::authorize_egress,
    ),
    (
        "AuthorizeSecurityGroupIngress",
        groups_rules::authorize_ingress,
    ),
    ("CancelSpotInstanceRequests", spot::cancel),
    ("CreateFleet", fleet::create),
    ("CreateImage", images::create),
    ("CreateInternetGateway", gateways::create),
    ("CreateLaunchTemplate", templates::create),
    ("CreatePlacementGroup", placement::create),
    ("CreateRoute", routes::create_route),
    ("CreateRouteTable", routes::create),
    ("CreateSecurityGroup", groups::create),
    ("CreateSnapshot", snapshots::create),
    ("CreateSubnet", subnets::create),
    ("CreateTags", tags::create),
    ("CreateVolume", volumes::create),
    ("CreateVpc", vpcs::create),
    ("DeleteInternetGateway", gateways::delete),
    ("DeleteKeyPair", keys::delete),
    ("DeleteLaunchTemplate", templates::delete),
    ("DeletePlacementGroup", placement::delete),
    ("DeleteRoute", routes::delete_route),
    ("DeleteRouteTable", routes::delete),
    ("DeleteSecurityGroup", groups::delete),
    ("DeleteSnapshot", snapshots::delete),
    ("DeleteSubnet", subnets::delete),
    ("DeleteTags", tags::delete),
    ("DeleteVolume", volumes::delete),
    ("DeleteVpc", vpcs::delete),
    ("DeregisterImage", images::deregister),
    ("DescribeAccountAttributes", discovery::account_attributes),
    ("DescribeAddresses", addresses::describe),
    ("DescribeAvailabilityZones", discovery::zones),
    (
        "DescribeIamInstanceProfileAssociations",
        associations::describe,
    ),
    ("DescribeImages", images::describe),
    ("DescribeInstanceAttribute", attributes::describe),
    ("DescribeInstanceStatus", instances::describe_status),
    ("DescribeInstanceTypeOfferings", discovery::offerings),
    ("DescribeInstanceTypes", discovery::types),
    ("DescribeInstances", instances::describe),
    ("DescribeInternetGateways", gateways::describe),
    ("DescribeKeyPairs", keys::describe),
    ("DescribeLaunchTemplates", templates::describe),
    ("DescribeNetworkInterfaces", interfaces::describe),
    ("DescribePlacementGroups", placement::describe),
    ("DescribeRegions", discovery::regions),
    ("DescribeRouteTables", routes::describe),
    ("DescribeSecurityGroupRules", groups_rules::describe),
    ("DescribeSecurityGroups", groups::describe),
    ("DescribeSnapshots", snapshots::describe),
    ("DescribeSpotInstanceRequests", spot::describe),
    ("DescribeSpotPriceHistory", discovery::spot_prices),
    ("DescribeSubnets", subnets::describe),
    ("DescribeTags", tags::describe),
    ("DescribeVolumes", volumes::describe),
    (
        "DescribeVolumesModifications",
        volumes::describe_modifications,
    ),
    ("DescribeVpcAttribute", vpcs::describe_attribute),
    ("DescribeVpcs", vpcs::describe),
    ("DetachInternetGateway", gateways::detach),
    ("DetachVolume", volume_attach::detach),
    ("DisassociateAddress", addresses::disassociate),
    ("DisassociateIamInstanceProfile", associations::disassociate),
    ("DisassociateRouteTable", routes::disassociate),
    ("GetConsoleOutput", instances::console_output),
    ("ImportKeyPair", keys::import),
    ("ModifyInstanceAttribute", attributes::modify),
    ("ModifyInstanceMetadataOptions", attributes::modify_metadata),
    ("ModifyInstancePlacement", attributes::modify_placement),
    ("ModifySubnetAttribute", subnets::modify),
    ("ModifyVolume", volumes::modify),
    ("ModifyVpcAttribute", vpcs::modify),
    ("RebootInstances", lifecycle::reboot),
    ("ReleaseAddress", addresses::release),
    (
        "ReplaceIamInstanceProfileAssociation",
        associations::replace,
    ),
    ("RevokeSecurityGroupEgress", groups_rules::revoke_egress),
    ("RevokeSecurityGroupIngress", groups_rules::revoke_ingress),
    ("RunInstances", launch::run),
    ("StartInstances", lifecycle::start),
    ("StopInstances", lifecycle::stop),
    ("TerminateInstances", lifecycle::terminate),
];

/// Actions whose model has no `DryRun` (API Reference, the actions' request parameters).
const WITHOUT_DRY_RUN: &[&str] = &["ModifySubnetAttribute", "ModifyVpcAttribute"];

/// Performs an action. With `DryRun` only the permission is checked, and that was done by the scenario's rules
/// before (API Reference, any action: "DryRunOperation ... Otherwise, it is UnauthorizedOperation").
pub(in super::super) fn perform(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let handler = ACTIONS
        .binary_search_by_key(&ctx.action, |(name, _)| name)
        .map(|at| ACTIONS[at].1)
        .map_err(|_| {
            ApiError::new(
                "InvalidAction",
                format!(
                    "The action {} is not valid for this web service.",
                    ctx.action
                ),
            )
        })?;
    if p.flag("DryRun")? == Some(true) && !WITHOUT_DRY_RUN.contains(&ctx.action) {
        return Err(ApiError::with_status(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        ));
    }
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
