//! VPC, subnets, gateway and routes; or the existing ones instead.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::collect::{Resources, add};
use super::types::{Facts, LabProblem};
use crate::model::{
    Address, AssociationSpec, GatewaySpec, InstanceType, Ref, RouteSpec, RouteTableSpec, Spec,
    SubnetSpec, VpcSpec, Zone,
};
use crate::profile::{Profile, Zones};

/// The network that the nodes are launched into.
pub(super) struct Networking {
    /// The VPC.
    pub(super) vpc: Ref,
    /// A public subnet for each zone.
    pub(super) subnets: BTreeMap<Zone, Ref>,
    /// What must be there besides the subnet before a machine in that zone can reach the internet.
    pub(super) routes: BTreeMap<Zone, BTreeSet<Address>>,
}

pub(super) fn network(
    profile: &Profile,
    facts: &Facts,
    resources: &mut Resources,
) -> Result<Networking, LabProblem> {
    if let Some(existing) = &profile.network.existing {
        let mut subnets = BTreeMap::new();
        for subnet in &existing.subnets {
            let zone = facts
                .subnets
                .get(subnet)
                .ok_or_else(|| LabProblem::Unknown(format!("subnet {subnet}")))?;
            subnets
                .entry(zone.clone())
                .or_insert_with(|| Ref::Existing(subnet.clone()));
        }
        return Ok(Networking {
            vpc: Ref::Existing(existing.vpc.clone()),
            subnets,
            routes: BTreeMap::new(),
        });
    }
    let vpc = add(
        resources,
        &Address::new("network.vpc"),
        Spec::Vpc(VpcSpec {
            cidr: profile.network.cidr,
        }),
    );
    let gateway_spec = Spec::InternetGateway(GatewaySpec { vpc: vpc.clone() });
    let gateway = add(
        resources,
        &Address::new("network.internet-gateway"),
        gateway_spec,
    );
    let table_spec = Spec::RouteTable(RouteTableSpec { vpc: vpc.clone() });
    let table = add(resources, &Address::new("network.route-table"), table_spec);
    let route = Address::new("network.route.default");
    let everywhere = Ipv4Net::default();
    let route_spec = RouteSpec {
        table: table.clone(),
        destination: everywhere,
        gateway,
    };
    add(resources, &route, Spec::Route(route_spec));
    let mut networking = Networking {
        vpc: vpc.clone(),
        subnets: BTreeMap::new(),
        routes: BTreeMap::new(),
    };
    for (zone, cidr) in zone_blocks(profile.network.cidr, &usable_zones(profile, facts)?) {
        let address = Address::of(&["network", "subnet", zone.as_str()]);
        let spec = SubnetSpec {
            vpc: vpc.clone(),
            zone: zone.clone(),
            cidr,
        };
        let subnet = add(resources, &address, Spec::Subnet(spec));
        let association = Address::of(&["network", "route-table-association", zone.as_str()]);
        let spec = AssociationSpec {
            table: table.clone(),
            subnet: subnet.clone(),
        };
        add(resources, &association, Spec::RouteTableAssociation(spec));
        networking
            .routes
            .insert(zone.clone(), BTreeSet::from([association, route.clone()]));
        networking.subnets.insert(zone, subnet);
    }
    Ok(networking)
}

/// The zones that get a subnet: those listed, or every zone that offers one of the node types. Local zones and the
/// like are left out unless they are listed.
fn usable_zones(profile: &Profile, facts: &Facts) -> Result<BTreeSet<Zone>, LabProblem> {
    if let Zones::Listed(zones) = &profile.network.zones {
        return Ok(zones.iter().cloned().collect());
    }
    let mut usable = BTreeSet::new();
    for instance_type in profile
        .nodes
        .values()
        .filter(|n| n.count > 0)
        .flat_map(|n| &n.types)
    {
        let zones = offering(facts, instance_type)?;
        usable.extend(
            zones
                .iter()
                .filter(|zone| is_plain(zone, profile.region.as_str()))
                .cloned(),
        );
    }
    Ok(usable)
}

/// The zones that offer a type, as looked up.
pub(super) fn offering<'a>(
    facts: &'a Facts,
    instance_type: &InstanceType,
) -> Result<&'a [Zone], LabProblem> {
    let zones = facts.zones.get(instance_type);
    zones
        .map(Vec::as_slice)
        .ok_or_else(|| LabProblem::Unknown(format!("the zones that offer {instance_type}")))
}

/// Whether a zone is named as the region and one letter.
fn is_plain(zone: &Zone, region: &str) -> bool {
    zone.as_str()
        .strip_prefix(region)
        .is_some_and(|rest| rest.len() == 1)
}

/// Cuts the block into sixteen and gives each zone the part of its letter, so that a zone keeps its block when
/// others come and go. Zones without a letter of their own take the free parts from the end.
fn zone_blocks(cidr: Ipv4Net, zones: &BTreeSet<Zone>) -> BTreeMap<Zone, Ipv4Net> {
    let parts: Vec<Ipv4Net> = cidr
        .subnets((cidr.prefix_len() + 4).min(28))
        .map(Iterator::collect)
        .unwrap_or_default();
    let mut free: BTreeMap<usize, Ipv4Net> = parts.into_iter().enumerate().collect();
    let mut blocks = BTreeMap::new();
    let mut others = Vec::new();
    for zone in zones {
        let letter = zone
            .as_str()
            .bytes()
            .last()
            .filter(u8::is_ascii_lowercase)
            .map(|b| usize::from(b - b'a'));
        match letter.and_then(|index| free.remove(&index)) {
            Some(block) => drop(blocks.insert(zone.clone(), block)),
            None => others.push(zone.clone()),
        }
    }
    for zone in others {
        if let Some((_, block)) = free.pop_last() {
            blocks.insert(zone, block);
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_keeps_its_block_when_others_come_and_go() {
        let cidr: Ipv4Net = "10.0.0.0/16".parse().expect("a block");
        let zones = |names: &[&str]| names.iter().map(|n| Zone::new(*n)).collect::<BTreeSet<_>>();
        let few = zone_blocks(cidr, &zones(&["us-east-1c"]));
        let many = zone_blocks(
            cidr,
            &zones(&["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1f"]),
        );
        let zone = Zone::new("us-east-1c");
        assert_eq!(few[&zone], many[&zone]);
        assert_eq!(few[&zone].to_string(), "10.0.32.0/20");
        let blocks: BTreeSet<_> = many.values().collect();
        assert_eq!(blocks.len(), 4);
    }

    #[test]
    fn the_smallest_network_still_has_room_for_six_zones() {
        let cidr: Ipv4Net = "10.0.0.0/24".parse().expect("a block");
        let zones = "abcdef"
            .chars()
            .map(|c| Zone::new(format!("us-east-1{c}")))
            .collect();
        let blocks = zone_blocks(cidr, &zones);
        assert_eq!(blocks.len(), 6);
        assert!(blocks.values().all(|block| block.prefix_len() == 28));
    }
}
