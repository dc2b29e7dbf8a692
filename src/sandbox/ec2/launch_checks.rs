//! The checks of a launch against what exists: type, key, groups, profile, placement.

use std::net::Ipv4Addr;

use crate::catalog::TypeFacts;

use super::super::ACCOUNT;
use super::super::context::{Ctx, later};
use super::super::wire::{ApiError, ApiResult, Params};
use super::super::world::{Edge, Image, InstanceProfile, PlacementGroup, SecurityGroup, Subnet};
use super::discovery::{facts, offers, zones_of};
use super::keys;

/// An interface that comes with the instance.
#[derive(Debug, Clone)]
pub(super) struct Nic {
    pub(super) index: u32,
    pub(super) subnet: String,
    pub(super) groups: Vec<String>,
    pub(super) private_ip: Option<Ipv4Addr>,
    pub(super) public_ip: bool,
    pub(super) description: String,
    pub(super) delete_on_termination: bool,
}

/// The type: known, offered in the zone, of the image's architecture.
pub(super) fn instance_type(
    ctx: &Ctx<'_>,
    p: &Params,
    subnet: &Subnet,
    image: &Image,
) -> ApiResult<&'static TypeFacts> {
    // API Reference, RunInstances: m1.small is the default, which no VPC of today takes.
    let name = p.need("InstanceType")?;
    let facts = facts(name)
        .ok_or_else(|| ApiError::invalid(format!("Invalid value '{name}' for InstanceType.")))?;
    if let Some(zone) = p.text("Placement.AvailabilityZone")
        && zone != subnet.zone
    {
        return Err(ApiError::invalid(format!(
            "The availability zone '{zone}' does not match that of the subnet '{}'",
            subnet.id
        )));
    }
    if !offers(ctx.region, &subnet.zone, name) {
        let others: Vec<String> = zones_of(ctx.region)
            .into_iter()
            .filter(|zone| offers(ctx.region, zone, name))
            .collect();
        return Err(ApiError::new(
            "Unsupported",
            format!(
                "Your requested instance type ({name}) is not supported in your requested Availability Zone ({}). Please retry your request by not specifying an Availability Zone or choosing {}.",
                subnet.zone,
                others.join(", ")
            ),
        ));
    }
    if facts.architecture != image.architecture {
        return Err(ApiError::invalid(format!(
            "The architecture '{}' of the specified instance type does not match the architecture '{}' of the specified AMI.",
            facts.architecture, image.architecture
        )));
    }
    Ok(facts)
}

/// The key pair, by name.
pub(super) fn key(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Option<String>> {
    let Some(name) = p.text("KeyName") else {
        return Ok(None);
    };
    ctx.store
        .named(&format!("key/{name}"))
        .filter(|id| ctx.sees(id))
        .map(|_| Some(name.to_owned()))
        .ok_or_else(|| keys::missing_name(name))
}

/// User Guide, placement-strategies: burstable types do not go into a cluster.
pub(super) fn placement(group: &PlacementGroup, facts: &TypeFacts) -> ApiResult<String> {
    let name = facts.name.as_str();
    let burstable = name.starts_with("t3") || name.starts_with("t4g") || name.starts_with("t2");
    if group.strategy == "cluster" && burstable {
        return Err(ApiError::combination(format!(
            "Cluster placement groups are not supported by the '{name}' instance type. Specify a supported instance type or change the placement group strategy, and try again."
        )));
    }
    Ok(group.id.clone())
}

/// The interfaces: those that the request describes, or one of its subnet and groups.
pub(super) fn nics(ctx: &Ctx<'_>, p: &Params, subnet: &Subnet) -> ApiResult<Vec<Nic>> {
    let listed = p.list("NetworkInterface");
    if listed.is_empty() {
        return Ok(vec![Nic {
            index: 0,
            subnet: subnet.id.clone(),
            groups: groups(ctx, p, subnet)?,
            private_ip: p.parsed("PrivateIpAddress")?,
            public_ip: subnet.map_public_ip,
            description: String::new(),
            delete_on_termination: true,
        }]);
    }
    if !p.texts("SecurityGroupId").is_empty() {
        return Err(ApiError::combination(
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        ));
    }
    let mut nics = Vec::new();
    for nic in &listed {
        let own: Subnet = match nic.text("SubnetId") {
            Some(id) => ctx.copy(id)?,
            None => subnet.clone(),
        };
        let public = nic.flag("AssociatePublicIpAddress")?;
        // API Reference, InstanceNetworkInterfaceSpecification: only with a single interface.
        if public == Some(true) && listed.len() > 1 {
            return Err(ApiError::combination(
                "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.",
            ));
        }
        nics.push(Nic {
            index: nic
                .parsed("DeviceIndex")?
                .ok_or_else(|| ApiError::missing("deviceIndex"))?,
            groups: groups(ctx, nic, &own)?,
            private_ip: nic.parsed("PrivateIpAddress")?,
            public_ip: public.unwrap_or(own.map_public_ip && listed.len() == 1),
            description: nic.text("Description").unwrap_or_default().to_owned(),
            delete_on_termination: nic.flag("DeleteOnTermination")?.unwrap_or(true),
            subnet: own.id,
        });
    }
    Ok(nics)
}

/// The groups: of the subnet's VPC, at most five, the VPC's default one if none is named.
fn groups(ctx: &Ctx<'_>, p: &Params, subnet: &Subnet) -> ApiResult<Vec<String>> {
    let asked = p.texts("SecurityGroupId");
    if asked.is_empty() {
        return Ok(ctx.store.referrers(&subnet.vpc, Edge::DefaultGroupOfVpc));
    }
    group_list(ctx, &asked, &subnet.vpc)
}

/// Groups that may be put on an interface in a VPC (VPC User Guide, amazon-vpc-limits: five for each interface).
pub(super) fn group_list(ctx: &Ctx<'_>, asked: &[&str], vpc: &str) -> ApiResult<Vec<String>> {
    if asked.len() > 5 {
        return Err(ApiError::new(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        ));
    }
    let mut groups = Vec::new();
    for id in asked {
        let group: &SecurityGroup = ctx.find(id)?;
        if group.vpc != vpc {
            return Err(ApiError::new(
                "InvalidParameter",
                format!("Security group {id} and the network {vpc} belong to different networks."),
            ));
        }
        groups.push(group.id.clone());
    }
    Ok(groups)
}

/// The instance profile, by name or ARN. A new one is not known to EC2 at once (IAM User Guide,
/// troubleshoot_general "eventual consistency").
pub(super) fn profile(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Option<String>> {
    let (text, what, parameter) = match (
        p.text("IamInstanceProfile.Name"),
        p.text("IamInstanceProfile.Arn"),
    ) {
        (None, None) => return Ok(None),
        (Some(name), _) => (name, "name", "Name"),
        (None, Some(arn)) => (arn, "ARN", "Arn"),
    };
    let name = text.rsplit('/').next().unwrap_or(text);
    let id = format!("profile/{name}");
    let profile = ctx.iam.get::<InstanceProfile>(&id).filter(|profile| {
        let arn = format!(
            "arn:aws:iam::{ACCOUNT}:instance-profile{}{}",
            profile.path, profile.name
        );
        (parameter == "Name" || arn == text)
            && later(profile.created, ctx.times().instance_profile) <= ctx.now
    });
    let Some(profile) = profile else {
        return Err(ApiError::invalid(format!(
            "Value ({text}) for parameter iamInstanceProfile.{} is invalid. Invalid IAM Instance Profile {what}",
            parameter.to_lowercase()
        )));
    };
    if profile.role.is_none() {
        return Err(ApiError::invalid(format!(
            "IAM Instance Profile \"arn:aws:iam::{ACCOUNT}:instance-profile{}{}\" has no associated IAM Roles",
            profile.path, profile.name
        )));
    }
    Ok(Some(profile.name.clone()))
}
