//! Subnets, and the private addresses in them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Edge, Interface, Subnet, Vpc};
use super::discovery::{zone_id, zones_of};
use super::listing::{Listed, list, one};
use super::{tags, vpcs};

/// The first four addresses and the last are AWS's (VPC User Guide, subnet-sizing).
const RESERVED: u32 = 5;

impl Listed for Subnet {
    const IDS: &'static str = "SubnetId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "availability-zone",
        "availability-zone-id",
        "cidr-block",
        "default-for-az",
        "map-public-ip-on-launch",
        "owner-id",
        "state",
        "subnet-id",
        "vpc-id",
    ];
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "vpc-id" => one(&self.vpc),
            "subnet-id" => one(&self.id),
            "availability-zone" => one(&self.zone),
            "availability-zone-id" => one(zone_id(ctx.region, &self.zone)),
            "cidr-block" => one(self.cidr),
            "default-for-az" => one(false),
            "map-public-ip-on-launch" => one(self.map_public_ip),
            "owner-id" => one(ACCOUNT),
            _ => one("available"),
        }
    }
}

/// API Reference, CreateSubnet: inside the VPC, /16 to /28, beside the others.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let vpc: Vpc = ctx.copy(p.need("VpcId")?)?;
    let cidr = vpcs::network(p, "CidrBlock")?;
    if !(16..=28).contains(&cidr.prefix_len()) || !vpc.cidr.contains(&cidr) {
        return Err(ApiError::new(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    if ctx
        .store
        .hanging::<Subnet>(&vpc.id, Edge::SubnetOfVpc)
        .any(|other| overlap(other.cidr, cidr))
    {
        return Err(ApiError::new(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let subnet = Subnet {
        zone: zone(ctx, p)?,
        id: ctx.store.fresh("subnet"),
        vpc: vpc.id,
        cidr,
        map_public_ip: false,
        cursor: 0,
        tags: tags::of_new(p, "subnet")?,
    };
    x.wrap("subnet", |x| write(ctx, x, &subnet));
    ctx.store.put(subnet);
    Ok(())
}

fn zone(ctx: &Ctx<'_>, p: &Params) -> ApiResult<String> {
    let zones = zones_of(ctx.region);
    let asked = p.text("AvailabilityZone").or(p.text("AvailabilityZoneId"));
    let found = match asked {
        None => zones.first(),
        Some(asked) => zones
            .iter()
            .find(|zone| *zone == asked || zone_id(ctx.region, zone) == asked),
    };
    found.cloned().ok_or_else(|| {
        ApiError::invalid(format!(
            "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
            asked.unwrap_or_default(),
            zones.join(", ")
        ))
    })
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, subnet: &Subnet) {
    let used = ctx.store.meter(&format!("addresses/{}", subnet.id));
    let free = (u64::from(size(subnet.cidr)) - u64::from(RESERVED)).saturating_sub(used);
    x.el("subnetId", &subnet.id)
        .el(
            "subnetArn",
            format!("arn:aws:ec2:{}:{ACCOUNT}:subnet/{}", ctx.region, subnet.id),
        )
        .el("state", "available")
        .el("ownerId", ACCOUNT)
        .el("vpcId", &subnet.vpc)
        .el("cidrBlock", subnet.cidr)
        .el("availableIpAddressCount", free)
        .el("availabilityZone", &subnet.zone)
        .el("availabilityZoneId", zone_id(ctx.region, &subnet.zone))
        .el("defaultForAz", false)
        .el("mapPublicIpOnLaunch", subnet.map_public_ip)
        .el("assignIpv6AddressOnCreation", false);
    tags::write(x, &subnet.tags);
}

fn size(cidr: Ipv4Net) -> u32 {
    1u32.checked_shl(32 - u32::from(cidr.prefix_len()))
        .unwrap_or(u32::MAX)
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Subnet>(ctx, p)?;
    x.items("subnetSet", &page.items, |x, subnet| write(ctx, x, subnet));
    page.write_next(x);
    Ok(())
}

/// API Reference, ModifySubnetAttribute: one attribute in a request.
pub(super) fn modify(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<Subnet>(p.need("SubnetId")?)?.id.clone();
    let map = p
        .flag("MapPublicIpOnLaunch.Value")?
        .ok_or_else(|| ApiError::missing("MapPublicIpOnLaunch"))?;
    ctx.store
        .update::<Subnet>(&id, |subnet| subnet.map_public_ip = map);
    x.done();
    Ok(())
}

/// API Reference, DeleteSubnet: its association with a route table goes with it.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<Subnet>(p.need("SubnetId")?)?.id.clone();
    check_deletable(ctx.store, &id)?;
    for association in ctx.store.referrers(&id, Edge::AssociationOfSubnet) {
        ctx.store.remove(&association);
    }
    ctx.store.remove(&id);
    x.done();
    Ok(())
}

/// Takes the next free address of a subnet.
pub(super) fn take_address(ctx: &mut Ctx<'_>, id: &str) -> ApiResult<Ipv4Addr> {
    let full = || {
        ApiError::new(
            "InsufficientFreeAddressesInSubnet",
            "There are not enough free addresses in subnet to satisfy the requested number of instances.",
        )
    };
    let subnet: &Subnet = ctx.find(id)?;
    let usable = size(subnet.cidr) - RESERVED;
    let base = u32::from(subnet.cidr.network()) + RESERVED - 1;
    if ctx.store.meter(&format!("addresses/{id}")) >= u64::from(usable) {
        return Err(full());
    }
    let cursor = subnet.cursor;
    let (step, ip) = (0..usable)
        .map(|step| (step, Ipv4Addr::from(base + (cursor + step) % usable)))
        .find(|(_, ip)| ctx.store.named(&Interface::address_in(id, *ip)).is_none())
        .ok_or_else(full)?;
    ctx.store
        .update::<Subnet>(id, |subnet| subnet.cursor = (cursor + step + 1) % usable);
    Ok(ip)
}
