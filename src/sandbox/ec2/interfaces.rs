//! Network interfaces.

use std::net::Ipv4Addr;

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::wire::{ApiResult, Params, Xml};
use super::super::world::{Address, Instance, Interface, SecurityGroup, Vpc};
use super::listing::{Listed, list, one};
use super::tags;

impl Listed for Interface {
    const IDS: &'static str = "NetworkInterfaceId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "description",
        "group-id",
        "interface-type",
        "network-interface-id",
        "private-ip-address",
        "requester-managed",
        "status",
        "subnet-id",
        "vpc-id",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "vpc-id" => one(&self.vpc),
            "subnet-id" => one(&self.subnet),
            "group-id" => self.groups.clone(),
            "attachment.instance-id" => self
                .attachment
                .iter()
                .map(|it| it.instance.clone())
                .collect(),
            "attachment.status" => self
                .attachment
                .iter()
                .map(|_| "attached".to_owned())
                .collect(),
            "availability-zone" => one(&self.zone),
            "description" => one(&self.description),
            "interface-type" => one("interface"),
            "private-ip-address" => one(self.private_ip),
            "requester-managed" => one(false),
            "status" => one(status(self)),
            _ => one(&self.id),
        }
    }
}

fn status(interface: &Interface) -> &'static str {
    if interface.attachment.is_some() {
        "in-use"
    } else {
        "available"
    }
}

/// The host name of a private address (VPC User Guide, vpc-dns).
pub(super) fn private_name(region: &str, ip: Ipv4Addr) -> String {
    let dashes = ip.to_string().replace('.', "-");
    if region == "us-east-1" {
        format!("ip-{dashes}.ec2.internal")
    } else {
        format!("ip-{dashes}.{region}.compute.internal")
    }
}

/// The host name of a public address; only with host names enabled in the VPC.
pub(super) fn public_name(ctx: &Ctx<'_>, vpc: &str, ip: Ipv4Addr) -> String {
    if !ctx.store.get::<Vpc>(vpc).is_some_and(|it| it.dns_hostnames) {
        return String::new();
    }
    let dashes = ip.to_string().replace('.', "-");
    if ctx.region == "us-east-1" {
        format!("ec2-{dashes}.compute-1.amazonaws.com")
    } else {
        format!("ec2-{dashes}.{}.compute.amazonaws.com", ctx.region)
    }
}

/// The public address on an interface and who owns it.
pub(super) fn public_of(ctx: &Ctx<'_>, interface: &Interface) -> Option<(Ipv4Addr, &'static str)> {
    let elastic = interface
        .elastic
        .as_ref()
        .and_then(|id| ctx.store.get::<Address>(id))
        .map(|address| (address.public_ip, ACCOUNT));
    elastic.or(interface.public_ip.map(|ip| (ip, "amazon")))
}

/// Writes the public address of an interface, if it has one, as instances show it.
pub(super) fn write_association(ctx: &Ctx<'_>, x: &mut Xml, interface: &Interface) {
    if let Some((ip, owner)) = public_of(ctx, interface) {
        x.wrap("association", |x| {
            x.el("publicIp", ip)
                .el("publicDnsName", public_name(ctx, &interface.vpc, ip))
                .el("ipOwnerId", owner);
        });
    }
}

/// The same with the ids, as interfaces show it.
fn write_whole_association(ctx: &Ctx<'_>, x: &mut Xml, interface: &Interface) {
    let Some((ip, owner)) = public_of(ctx, interface) else {
        return;
    };
    let address = interface
        .elastic
        .as_ref()
        .and_then(|id| ctx.store.get::<Address>(id));
    x.wrap("association", |x| {
        x.el("publicIp", ip)
            .el("publicDnsName", public_name(ctx, &interface.vpc, ip))
            .el("ipOwnerId", owner)
            .opt("allocationId", address.map(|it| &it.id))
            .opt(
                "associationId",
                address.and_then(|it| it.association.as_ref()),
            );
    });
}

/// Writes the groups of an interface.
pub(super) fn write_groups(ctx: &Ctx<'_>, x: &mut Xml, interface: &Interface) {
    x.items("groupSet", &interface.groups, |x, id| {
        let name = ctx
            .store
            .get::<SecurityGroup>(id)
            .map_or("", |group| group.name.as_str());
        x.el("groupId", id).el("groupName", name);
    });
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Interface>(ctx, p)?;
    x.items("networkInterfaceSet", &page.items, |x, it| {
        write(ctx, x, it);
    });
    page.write_next(x);
    Ok(())
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, interface: &Interface) {
    x.el("networkInterfaceId", &interface.id)
        .el("subnetId", &interface.subnet)
        .el("vpcId", &interface.vpc)
        .el("availabilityZone", &interface.zone)
        .el("description", &interface.description)
        .el("ownerId", ACCOUNT)
        .el("requesterManaged", false)
        .el("status", status(interface))
        .el("macAddress", &interface.mac)
        .el("privateIpAddress", interface.private_ip)
        .el(
            "privateDnsName",
            private_name(ctx.region, interface.private_ip),
        )
        .el("sourceDestCheck", interface.source_dest_check)
        .el("interfaceType", "interface");
    write_groups(ctx, x, interface);
    if let Some(attachment) = &interface.attachment {
        let exists = ctx.store.get::<Instance>(&attachment.instance).is_some();
        x.wrap("attachment", |x| {
            x.el("attachmentId", &attachment.id)
                .el("deviceIndex", attachment.device_index)
                .el("instanceOwnerId", ACCOUNT)
                .el("status", if exists { "attached" } else { "detached" })
                .el("instanceId", &attachment.instance)
                .time("attachTime", attachment.at)
                .el("deleteOnTermination", attachment.delete_on_termination);
        });
    }
    write_whole_association(ctx, x, interface);
    write_private_addresses(ctx, x, interface);
    tags::write(x, &interface.tags);
}

/// Writes the list of private addresses, of which there is one.
pub(super) fn write_private_addresses(ctx: &Ctx<'_>, x: &mut Xml, interface: &Interface) {
    x.items("privateIpAddressesSet", [interface], |x, interface| {
        x.el("privateIpAddress", interface.private_ip)
            .el(
                "privateDnsName",
                private_name(ctx.region, interface.private_ip),
            )
            .el("primary", true);
        write_association(ctx, x, interface);
    });
}
