//! Which call an operation is. Nothing else is decided here.

use super::answer::{Done, id};
use super::cloudwatch::{alarm, dashboard};
use super::connect::Aws;
use super::ec2::launch::Batch;
use super::ec2::volume::Size;
use super::ec2::{
    address, association, gateway, group, instance, key, launch, placement, route, spot, subnet,
    tags, volume, vpc,
};
use super::iam::{profile, role};
use crate::model::{AlarmActions, Failure, FailureClass, Kind, Op, Ref, Stamp};

/// One operation on its way. Boxed, so that the largest of the SDK's futures does not set the size of all.
type Call<'a> = std::pin::Pin<Box<dyn Future<Output = Done> + Send + 'a>>;

/// Performs one operation.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each operation, and no more than that"
)]
pub(super) fn perform<'a>(aws: &'a Aws, op: &'a Op, stamp: &'a Stamp) -> Call<'a> {
    let (ec2, iam, watch) = (&aws.ec2, &aws.iam, &aws.cloudwatch);
    match op {
        Op::CreateVpc { cidr } => Box::pin(vpc::create(ec2, cidr.to_string(), stamp)),
        Op::EnableDnsHostnames { vpc } => Box::pin(vpc::enable_dns_hostnames(ec2, vpc)),
        Op::CreateSubnet { vpc, zone, cidr } => {
            Box::pin(subnet::create(ec2, vpc, zone, cidr.to_string(), stamp))
        }
        Op::CreateInternetGateway => Box::pin(gateway::create(ec2, stamp)),
        Op::AttachInternetGateway { gateway, vpc } => Box::pin(gateway::attach(ec2, gateway, vpc)),
        Op::DetachInternetGateway { gateway, vpc } => Box::pin(gateway::detach(ec2, gateway, vpc)),
        Op::CreateRouteTable { vpc } => Box::pin(route::create_table(ec2, vpc, stamp)),
        Op::CreateRoute {
            table,
            destination,
            gateway,
        } => Box::pin(route::create_route(ec2, table, *destination, gateway)),
        Op::AssociateRouteTable { table, subnet } => Box::pin(route::associate(ec2, table, subnet)),
        Op::CreateSecurityGroup {
            vpc,
            name,
            description,
        } => Box::pin(group::create(ec2, vpc, name, description, stamp)),
        Op::AuthorizeIngress { group, rules } => {
            Box::pin(group::authorize(ec2, group, rules, stamp))
        }
        Op::RevokeIngress { group, rules } => Box::pin(group::revoke(ec2, group, rules)),
        Op::ImportKeyPair { name, public_key } => {
            Box::pin(key::import(ec2, name, public_key, stamp))
        }
        Op::CreateRole { name } => Box::pin(role::create(iam, name, stamp)),
        Op::AttachRolePolicy { role, policy } => Box::pin(role::attach(iam, role, policy)),
        Op::DetachRolePolicy { role, policy } => Box::pin(role::detach(iam, role, policy)),
        Op::CreateInstanceProfile { name } => Box::pin(profile::create(iam, name, stamp)),
        Op::AddRoleToInstanceProfile { profile, role } => {
            Box::pin(profile::add_role(iam, profile, role))
        }
        Op::RemoveRoleFromInstanceProfile { profile, role } => {
            Box::pin(profile::remove_role(iam, profile, role))
        }
        Op::CreatePlacementGroup { name } => Box::pin(placement::create(ec2, name, stamp)),
        Op::RunInstances {
            launch,
            rung,
            first,
            count,
            min,
        } => {
            let batch = Batch {
                first: *first,
                count: *count,
                min: *min,
            };
            Box::pin(launch::run(ec2, launch, rung, batch, stamp))
        }
        Op::StartInstances { instances } => Box::pin(instance::start(ec2, instances)),
        Op::StopInstances { instances } => Box::pin(instance::stop(ec2, instances)),
        Op::RebootInstances { instances } => Box::pin(instance::reboot(ec2, instances)),
        Op::CancelSpotRequests { requests } => Box::pin(spot::cancel(ec2, requests)),
        Op::CancelAllSpotRequests => Box::pin(spot::cancel_all(ec2, stamp)),
        Op::TerminateInstances { instances } => Box::pin(instance::terminate(ec2, instances)),
        Op::ModifyInstanceType {
            instance,
            instance_type,
        } => Box::pin(instance::set_type(ec2, instance, instance_type)),
        Op::ModifyPlacement { instance, group } => {
            Box::pin(instance::set_placement(ec2, instance, group.as_ref()))
        }
        Op::SetShutdown { instance, shutdown } => {
            Box::pin(instance::set_shutdown(ec2, instance, *shutdown))
        }
        Op::SetInstanceProfile { instance, profile } => {
            Box::pin(association::set_profile(ec2, instance, profile))
        }
        Op::RequireImdsV2 { instance } => Box::pin(instance::require_imds_v2(ec2, instance)),
        Op::SetSecurityGroups { instance, groups } => {
            Box::pin(instance::set_groups(ec2, instance, groups))
        }
        Op::CreateVolume {
            beside: _,
            zone,
            size_gib,
            iops,
            throughput_mib,
        } => {
            let size = Size {
                gib: *size_gib,
                iops: *iops,
                throughput_mib: *throughput_mib,
            };
            Box::pin(volume::create(ec2, zone.as_ref(), size, stamp))
        }
        Op::AttachVolume {
            volume,
            instance,
            device,
        } => Box::pin(volume::attach(ec2, volume, instance, device)),
        Op::DetachVolume { volume } => Box::pin(volume::detach(ec2, volume)),
        Op::ModifyVolume {
            volume,
            size_gib,
            iops,
            throughput_mib,
        } => {
            let size = Size {
                gib: *size_gib,
                iops: *iops,
                throughput_mib: *throughput_mib,
            };
            Box::pin(volume::modify(ec2, volume, size))
        }
        Op::AllocateAddress => Box::pin(address::allocate(ec2, stamp)),
        Op::AssociateAddress {
            allocation,
            instance,
        } => Box::pin(address::associate(ec2, allocation, instance)),
        Op::DisassociateAddress {
            allocation: _,
            association,
        } => Box::pin(address::disassociate(ec2, association)),
        Op::CreateAlarm { alarm: spec } => {
            Box::pin(
                async move { alarm::put(watch, spec, &AlarmActions::default(), Some(stamp)).await },
            )
        }
        Op::UpdateAlarm {
            alarm: spec,
            actions,
        } => Box::pin(alarm::put(watch, spec, actions, None)),
        Op::DeleteAlarms { alarms } => Box::pin(alarm::delete(watch, alarms)),
        Op::CreateDashboard { name, body } => Box::pin(dashboard::put(watch, name, body, true)),
        Op::UpdateDashboard {
            dashboard: reference,
            body,
        } => Box::pin(async move {
            let name = id(reference, "PutDashboard")?;
            dashboard::put(watch, name, body, false).await
        }),
        Op::LetGo { kind, target } => let_go(aws, *kind, target),
        Op::CreateTags { resources, tags } => Box::pin(tags::create(ec2, resources, tags)),
        Op::Tag {
            kind,
            resources,
            tags,
        } => match kind {
            Kind::Role => Box::pin(role::tag(iam, resources, tags)),
            Kind::InstanceProfile => Box::pin(profile::tag(iam, resources, tags)),
            Kind::Alarm => Box::pin(alarm::tag(watch, resources, tags)),
            kind => Box::pin(tags::set(ec2, *kind, resources, tags)),
        },
        Op::Untag {
            kind,
            resources,
            keys,
        } => match kind {
            Kind::Role => Box::pin(role::untag(iam, resources, keys)),
            Kind::InstanceProfile => Box::pin(profile::untag(iam, resources, keys)),
            Kind::Alarm => Box::pin(alarm::untag(watch, resources, keys)),
            kind => Box::pin(tags::unset(ec2, *kind, resources, keys)),
        },
        Op::Delete { kind, target } => delete(aws, *kind, target),
        Op::AwaitInstances { .. } | Op::AwaitVolume { .. } => {
            refuse("a wait is not a call; the engine waits")
        }
    }
}

fn let_go<'a>(aws: &'a Aws, kind: Kind, target: &'a Ref) -> Call<'a> {
    let watch = &aws.cloudwatch;
    match (kind, id(target, "LetGo")) {
        (Kind::Alarm, Ok(name)) => Box::pin(alarm::let_go(watch, name)),
        (Kind::Dashboard, Ok(name)) => Box::pin(dashboard::let_go(watch, name)),
        (_, Ok(_)) => refuse("what carries tags is let go of by taking them off"),
        (_, Err(failure)) => Box::pin(async move { Err(failure) }),
    }
}

fn delete<'a>(aws: &'a Aws, kind: Kind, target: &'a Ref) -> Call<'a> {
    let (ec2, iam, watch) = (&aws.ec2, &aws.iam, &aws.cloudwatch);
    let reference = target;
    let target = match id(target, "Delete") {
        Ok(target) => target,
        Err(failure) => return Box::pin(async move { Err(failure) }),
    };
    match kind {
        Kind::Vpc => Box::pin(vpc::delete(ec2, target)),
        Kind::Subnet => Box::pin(subnet::delete(ec2, target)),
        Kind::InternetGateway => Box::pin(gateway::delete(ec2, target)),
        Kind::RouteTable => Box::pin(route::delete_table(ec2, target)),
        Kind::Route => Box::pin(route::delete_route(ec2, target)),
        Kind::RouteTableAssociation => Box::pin(route::disassociate(ec2, target)),
        Kind::SecurityGroup => Box::pin(group::delete(ec2, target)),
        Kind::KeyPair => Box::pin(key::delete(ec2, target)),
        Kind::Alarm => Box::pin(alarm::delete(watch, std::slice::from_ref(reference))),
        Kind::Dashboard => Box::pin(dashboard::delete(watch, target)),
        Kind::Role => Box::pin(role::delete(iam, target)),
        Kind::InstanceProfile => Box::pin(profile::delete(iam, target)),
        Kind::PlacementGroup => Box::pin(placement::delete(ec2, target)),
        Kind::Volume => Box::pin(volume::delete(ec2, target)),
        Kind::ElasticIp => Box::pin(address::release(ec2, target)),
        Kind::Instance => refuse("an instance is terminated, not deleted"),
    }
}

fn refuse<'a>(why: &'static str) -> Call<'a> {
    Box::pin(async move { Err(Failure::local(FailureClass::Invalid, "perform", why)) })
}
