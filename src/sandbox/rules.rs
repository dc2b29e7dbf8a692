//! Who depends on whom: the one table of what keeps a thing from being deleted.

use super::wire::{ApiError, ApiResult};
use super::world::{Edge, Store};

/// While anything hangs on a thing by `edge`, deleting it is refused.
struct Block {
    /// The prefix of the ids that it protects.
    prefix: &'static str,
    edge: Edge,
    status: u16,
    code: &'static str,
    /// The message; `{}` is the id.
    message: &'static str,
}

const fn block(
    prefix: &'static str,
    edge: Edge,
    status: u16,
    code: &'static str,
    message: &'static str,
) -> Block {
    Block {
        prefix,
        edge,
        status,
        code,
        message,
    }
}

const DEPENDENCY: &str = "DependencyViolation";
const CONFLICT: &str = "DeleteConflict";
const OF_VPC: &str = "The vpc '{}' has dependencies and cannot be deleted.";
const OF_GROUP: &str = "resource {} has a dependent object";

/// The table. Sources: EC2 API Reference, DeleteVpc, DeleteSubnet, DeleteInternetGateway, DeleteRouteTable,
/// DeleteSecurityGroup, DeleteVolume, DeleteSnapshot, ReleaseAddress, DeletePlacementGroup; IAM API Reference,
/// DeleteRole, DeleteInstanceProfile.
const BLOCKS: &[Block] = &[
    // DeleteVpc: "You must detach or delete all gateways and resources that are associated with the VPC".
    block("vpc-", Edge::SubnetOfVpc, 400, DEPENDENCY, OF_VPC),
    block("vpc-", Edge::GatewayOfVpc, 400, DEPENDENCY, OF_VPC),
    block("vpc-", Edge::TableOfVpc, 400, DEPENDENCY, OF_VPC),
    block("vpc-", Edge::GroupOfVpc, 400, DEPENDENCY, OF_VPC),
    block("vpc-", Edge::InterfaceOfVpc, 400, DEPENDENCY, OF_VPC),
    // DeleteSubnet: every instance in it must be terminated first.
    block(
        "subnet-",
        Edge::InterfaceInSubnet,
        400,
        DEPENDENCY,
        "The subnet '{}' has dependencies and cannot be deleted.",
    ),
    // DeleteInternetGateway: it must be detached.
    block(
        "igw-",
        Edge::AttachedGateway,
        400,
        DEPENDENCY,
        "The internetGateway '{}' has dependencies and cannot be deleted.",
    ),
    // DeleteRouteTable: it must be disassociated, and it cannot be the main one, whose main association this is.
    block(
        "rtb-",
        Edge::AssociationOfTable,
        400,
        DEPENDENCY,
        "The routeTable '{}' has dependencies and cannot be deleted.",
    ),
    // DeleteSecurityGroup: not while on an interface or named by another group's rule.
    block("sg-", Edge::InterfaceInGroup, 400, DEPENDENCY, OF_GROUP),
    block("sg-", Edge::RuleNamesGroup, 400, DEPENDENCY, OF_GROUP),
    // DeleteVolume: it must be available.
    block(
        "vol-",
        Edge::AttachedVolume,
        400,
        "VolumeInUse",
        "Volume {} is currently attached",
    ),
    // DeleteSnapshot: not one that a registered image uses.
    block(
        "snap-",
        Edge::ImageOfSnapshot,
        400,
        "InvalidSnapshot.InUse",
        "The snapshot {} is currently in use by an image",
    ),
    // ReleaseAddress: in a VPC it must be disassociated, or InvalidIPAddress.InUse.
    block(
        "eipalloc-",
        Edge::AssociatedAddress,
        400,
        "InvalidIPAddress.InUse",
        "Address {} is in use.",
    ),
    // DeletePlacementGroup: every instance in it must be terminated.
    block(
        "pg-",
        Edge::InstanceInPlacementGroup,
        400,
        "InvalidPlacementGroup.InUse",
        "The placement group {} is in use and may not be deleted.",
    ),
    // IAM answers 409.
    block(
        "role/",
        Edge::RoleInProfile,
        409,
        CONFLICT,
        "Cannot delete entity, must remove roles from instance profile first.",
    ),
    block(
        "role/",
        Edge::PolicyAttached,
        409,
        CONFLICT,
        "Cannot delete entity, must detach all policies first.",
    ),
    block(
        "role/",
        Edge::PolicyInline,
        409,
        CONFLICT,
        "Cannot delete entity, must delete policies first.",
    ),
    block(
        "profile/",
        Edge::ProfileHasRole,
        409,
        CONFLICT,
        "Cannot delete entity, must remove roles from instance profile first.",
    ),
];

/// Refuses if anything keeps the thing from being deleted.
pub(crate) fn check_deletable(store: &Store, id: &str) -> ApiResult {
    BLOCKS
        .iter()
        .filter(|block| id.starts_with(block.prefix))
        .find(|block| store.is_referred(id, block.edge))
        .map_or(Ok(()), |block| {
            Err(ApiError::with_status(
                block.status,
                block.code,
                block.message.replace("{}", id),
            ))
        })
}
