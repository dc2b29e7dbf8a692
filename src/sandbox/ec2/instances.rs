//! Instances as they are described.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::ACCOUNT;
use super::super::console::console;
use super::super::context::Ctx;
use super::super::wire::{ApiResult, Params, Xml};
use super::super::world::{
    Edge, Instance, InstanceProfile, Interface, Phase, PlacementGroup, Volume,
};
use super::addresses::primary;
use super::discovery::zone_id;
use super::interfaces::{
    private_name, public_name, public_of, write_association, write_groups, write_private_addresses,
};
use super::listing::{Listed, list, list_where, maybe, one};
use super::tags;

impl Listed for Instance {
    const IDS: &'static str = "InstanceId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "architecture",
        "availability-zone",
        "block-device-mapping.volume-id",
        "client-token",
        "dns-name",
        "iam-instance-profile.name",
        "image-id",
        "instance-id",
        "instance-lifecycle",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "instance.group-id",
        "ip-address",
        "key-name",
        "launch-index",
        "network-interface.network-interface-id",
        "owner-id",
        "placement-group-name",
        "private-ip-address",
        "reservation-id",
        "root-device-name",
        "spot-instance-request-id",
        "subnet-id",
        "vpc-id",
    ];
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        let nics = || {
            ctx.store
                .hanging::<Interface>(&self.id, Edge::InterfaceOfInstance)
        };
        match filter {
            "architecture" => one(&self.architecture),
            "availability-zone" => one(&self.zone),
            "block-device-mapping.volume-id" => {
                ctx.store.referrers(&self.id, Edge::VolumeOfInstance)
            }
            "client-token" => maybe(self.client_token.as_ref()),
            "dns-name" => nics()
                .filter_map(|nic| public_of(ctx, nic))
                .map(|(ip, _)| public_name(ctx, &self.vpc, ip))
                .collect(),
            "iam-instance-profile.name" => maybe(self.profile.as_ref()),
            "image-id" => one(&self.image),
            "instance-lifecycle" => self
                .spot_request
                .iter()
                .map(|_| "spot".to_owned())
                .collect(),
            "instance-state-code" => one(self.phase.code()),
            "instance-state-name" => one(self.phase.name()),
            "instance-type" => one(&self.instance_type),
            "instance.group-id" => nics().flat_map(|nic| nic.groups.clone()).collect(),
            "ip-address" => nics()
                .filter_map(|nic| public_of(ctx, nic))
                .map(|(ip, _)| ip.to_string())
                .collect(),
            "key-name" => maybe(self.key.as_ref()),
            "launch-index" => one(self.launch_index),
            "network-interface.network-interface-id" => {
                ctx.store.referrers(&self.id, Edge::InterfaceOfInstance)
            }
            "owner-id" => one(ACCOUNT),
            "placement-group-name" => group_name(ctx, self).into_iter().collect(),
            "private-ip-address" => nics().map(|nic| nic.private_ip.to_string()).collect(),
            "reservation-id" => one(&self.reservation),
            "root-device-name" => one(&self.root_device),
            "spot-instance-request-id" => maybe(self.spot_request.as_ref()),
            "subnet-id" => one(&self.subnet),
            "vpc-id" => one(&self.vpc),
            _ => one(&self.id),
        }
    }
}

fn group_name(ctx: &Ctx<'_>, instance: &Instance) -> Option<String> {
    let id = instance.placement_group.as_ref()?;
    let group = ctx.store.get::<PlacementGroup>(id)?;
    Some(group.name.clone())
}

/// API Reference, DescribeInstances: by reservation.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Instance>(ctx, p)?;
    let mut reservations: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
    for instance in &page.items {
        reservations
            .entry(&instance.reservation)
            .or_default()
            .push(instance);
    }
    x.items("reservationSet", reservations, |x, (id, mut instances)| {
        instances.sort_by_key(|instance| instance.launch_index);
        write_inside(ctx, x, id, &instances);
    });
    page.write_next(x);
    Ok(())
}

/// The answer to a launch: one reservation.
pub(super) fn write_reservation(ctx: &Ctx<'_>, x: &mut Xml, made: &[String]) {
    let instances: Vec<&Instance> = made.iter().filter_map(|id| ctx.store.get(id)).collect();
    let reservation = instances.first().map_or("", |it| it.reservation.as_str());
    write_inside(ctx, x, reservation, &instances);
}

fn write_inside(ctx: &Ctx<'_>, x: &mut Xml, reservation: &str, instances: &[&Instance]) {
    x.el("reservationId", reservation).el("ownerId", ACCOUNT);
    x.wrap("groupSet", |_| {});
    x.items("instancesSet", instances, |x, it| write(ctx, x, it));
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, instance: &Instance) {
    write_basics(ctx, x, instance);
    write_place(ctx, x, instance);
    write_network(ctx, x, instance);
    let volumes = ctx
        .store
        .hanging::<Volume>(&instance.id, Edge::VolumeOfInstance)
        .filter_map(|volume| Some((volume, volume.attachment.as_ref()?)));
    x.items("blockDeviceMapping", volumes, |x, (volume, at)| {
        x.el("deviceName", &at.device).wrap("ebs", |x| {
            x.el("volumeId", &volume.id)
                .el("status", "attached")
                .time("attachTime", at.at)
                .el("deleteOnTermination", at.delete_on_termination);
        });
    });
    let metadata = &instance.metadata;
    x.wrap("metadataOptions", |x| {
        x.el("state", "applied")
            .el("httpTokens", &metadata.tokens)
            .el("httpPutResponseHopLimit", metadata.hop_limit)
            .el("httpEndpoint", &metadata.endpoint)
            .el("httpProtocolIpv6", &metadata.ipv6)
            .el("instanceMetadataTags", &metadata.tags);
    });
    tags::write(x, &instance.tags);
}

fn write_basics(ctx: &Ctx<'_>, x: &mut Xml, instance: &Instance) {
    x.el("instanceId", &instance.id)
        .el("imageId", &instance.image)
        .wrap("instanceState", |x| {
            x.el("code", instance.phase.code())
                .el("name", instance.phase.name());
        })
        .el("reason", &instance.transition)
        .opt("keyName", instance.key.as_ref())
        .el("amiLaunchIndex", instance.launch_index)
        .el("instanceType", &instance.instance_type)
        .time("launchTime", instance.launched)
        .el("architecture", &instance.architecture)
        .el("rootDeviceType", "ebs")
        .el("rootDeviceName", &instance.root_device)
        .el("virtualizationType", "hvm")
        .el("hypervisor", "xen")
        .opt("clientToken", instance.client_token.as_ref())
        .el("ebsOptimized", instance.ebs_optimized)
        .el("enaSupport", true)
        .opt("spotInstanceRequestId", instance.spot_request.as_ref())
        .opt(
            "instanceLifecycle",
            instance.spot_request.as_ref().map(|_| "spot"),
        )
        .el("platformDetails", "Linux/UNIX")
        .wrap("monitoring", |x| {
            let state = if instance.monitoring {
                "enabled"
            } else {
                "disabled"
            };
            x.el("state", state);
        });
    if let Some(reason) = &instance.reason {
        x.wrap("stateReason", |x| {
            x.el("code", &reason.code).el("message", &reason.message);
        });
    }
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
    x.wrap("cpuOptions", |x| {
        x.el("coreCount", (instance.vcpus / 2).max(1))
            .el("threadsPerCore", if instance.vcpus > 1 { 2 } else { 1 });
    });
}

fn write_place(ctx: &Ctx<'_>, x: &mut Xml, instance: &Instance) {
    x.wrap("placement", |x| {
        x.el("availabilityZone", &instance.zone)
            .el("availabilityZoneId", zone_id(ctx.region, &instance.zone))
            .el("groupName", group_name(ctx, instance).unwrap_or_default())
            .el("tenancy", "default")
            .opt("groupId", instance.placement_group.as_ref());
    });
}

/// What is written about the network of an instance that still has interfaces: a terminated one has none.
fn write_network(ctx: &Ctx<'_>, x: &mut Xml, instance: &Instance) {
    let Some(first) = primary(ctx, &instance.id) else {
        x.wrap("groupSet", |_| {});
        x.wrap("networkInterfaceSet", |_| {});
        return;
    };
    x.el("vpcId", &instance.vpc)
        .el("subnetId", &instance.subnet)
        .el("privateIpAddress", first.private_ip)
        .el("privateDnsName", private_name(ctx.region, first.private_ip))
        .el("sourceDestCheck", first.source_dest_check);
    match public_of(ctx, first) {
        Some((ip, _)) => {
            x.el("ipAddress", ip)
                .el("dnsName", public_name(ctx, &instance.vpc, ip));
        }
        None => {
            x.el("dnsName", "");
        }
    }
    write_groups(ctx, x, first);
    let nics = ctx
        .store
        .hanging::<Interface>(&instance.id, Edge::InterfaceOfInstance);
    x.items("networkInterfaceSet", nics, |x, nic| {
        x.el("networkInterfaceId", &nic.id)
            .el("subnetId", &nic.subnet)
            .el("vpcId", &nic.vpc)
            .el("description", &nic.description)
            .el("ownerId", ACCOUNT)
            .el("status", "in-use")
            .el("macAddress", &nic.mac)
            .el("privateIpAddress", nic.private_ip)
            .el("sourceDestCheck", nic.source_dest_check)
            .el("interfaceType", "interface");
        write_groups(ctx, x, nic);
        if let Some(at) = &nic.attachment {
            x.wrap("attachment", |x| {
                x.el("attachmentId", &at.id)
                    .el("deviceIndex", at.device_index)
                    .el("status", "attached")
                    .time("attachTime", at.at)
                    .el("deleteOnTermination", at.delete_on_termination);
            });
        }
        write_association(ctx, x, nic);
        write_private_addresses(ctx, x, nic);
    });
}

/// API Reference, DescribeInstanceStatus: running instances only, unless all are asked for.
pub(super) fn describe_status(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let all = p.flag("IncludeAllInstances")? == Some(true);
    let page = list_where::<Instance>(ctx, p, |it| all || it.phase == Phase::Running)?;
    x.items("instanceStatusSet", &page.items, |x, instance| {
        let up = instance.phase == Phase::Running;
        x.el("instanceId", &instance.id)
            .el("availabilityZone", &instance.zone)
            .wrap("instanceState", |x| {
                x.el("code", instance.phase.code())
                    .el("name", instance.phase.name());
            });
        for name in ["systemStatus", "instanceStatus"] {
            x.wrap(name, |x| {
                x.el("status", if up { "ok" } else { "not-applicable" });
                x.items("details", up.then_some(()), |x, ()| {
                    x.el("name", "reachability").el("status", "passed");
                });
            });
        }
    });
    page.write_next(x);
    Ok(())
}

/// API Reference, GetConsoleOutput: its output is base64. Nothing boots in the sandbox, so there is nothing to show but
/// what cloud-init writes at the end of a first boot: the host keys.
pub(super) fn console_output(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let instance: &Instance = ctx.find(p.need("InstanceId")?)?;
    let output = match instance.phase {
        Phase::Running => console(&instance.id),
        _ => String::new(),
    };
    x.el("instanceId", &instance.id)
        .time("timestamp", ctx.now)
        .el("output", STANDARD.encode(output));
    Ok(())
}
