//! Instances: how they are seen, started, stopped and changed. Launching them is `launch`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    AttributeValue, Filter, GroupIdentifier, HttpTokensState, Instance, InstanceLifecycleType,
    InstanceMetadataEndpointState, InstanceStateName, Reservation,
};

use super::tags;
use crate::aws::answer::{Done, done, id, ids};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, count, moment, sighted};
use crate::inventory::{Seen, SeenInstance, Sighting};
use crate::model::{
    CloudId, Failure, ImageId, InstanceState, InstanceType, Market, Ref, Shutdown, UsageClass, Zone,
};
use crate::port::{Scope, Watched};

/// The most instances that one page may hold.
const PAGE: i32 = 1000;
/// The most values that one filter may hold.
const FILTER_VALUES: usize = 200;
/// The answer of the metadata service may pass one container bridge.
pub(super) const IMDS_HOP_LIMIT: i32 = 2;

async fn describe(ec2: &Client, filters: Vec<Filter>) -> Result<Vec<Instance>, Failure> {
    let reservations = ec2
        .describe_instances()
        .set_filters(Some(filters))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<Reservation>, _>>()
        .await
        .map_err(failed("DescribeInstances"))?;
    Ok(reservations
        .into_iter()
        .flat_map(|r| r.instances.unwrap_or_default())
        .collect())
}

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    let found = describe(ec2, vec![tags::lab_filter(scope.lab.as_ref())]).await?;
    Ok(found.iter().filter_map(sighting).collect())
}

fn sighting(instance: &Instance) -> Option<Sighting> {
    let seen = Seen::Instance(seen(instance)?);
    Some(sighted(
        instance.instance_id()?,
        tags::of(instance.tags()),
        instance.launch_time(),
        seen,
    ))
}

fn seen(instance: &Instance) -> Option<SeenInstance> {
    let placement = instance.placement();
    let imds = instance.metadata_options();
    let text = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    Some(SeenInstance {
        state: state(instance)?,
        state_reason: reason(instance),
        instance_type: InstanceType::new(instance.instance_type()?.as_str()),
        zone: placement.and_then(|p| p.availability_zone()).map(Zone::new),
        image: text(instance.image_id()).map(ImageId::new),
        subnet: cloud_id(instance.subnet_id()),
        key: text(instance.key_name()),
        security_groups: groups(instance),
        instance_profile: instance
            .iam_instance_profile()
            .and_then(|p| p.arn())
            .and_then(last_part),
        market: match instance.instance_lifecycle() {
            Some(InstanceLifecycleType::Spot) => Market::Spot,
            _ => Market::OnDemand,
        },
        spot_request: cloud_id(instance.spot_instance_request_id()),
        launched: instance.launch_time().and_then(moment),
        public_ip: text(instance.public_ip_address()),
        private_ip: text(instance.private_ip_address()),
        launch_index: count(instance.ami_launch_index()).unwrap_or_default(),
        imds_v2_required: imds
            .and_then(|options| options.http_tokens())
            .map(|tokens| *tokens == HttpTokensState::Required),
        imds_hop_limit: imds.and_then(|options| count(options.http_put_response_hop_limit())),
        root_volume: root_volume(instance),
        volumes: instance
            .block_device_mappings()
            .iter()
            .filter_map(|mapping| cloud_id(mapping.ebs()?.volume_id()))
            .collect(),
        placement_group: text(placement.and_then(|p| p.group_name())),
        vcpus: vcpus(instance),
    })
}

fn state(instance: &Instance) -> Option<InstanceState> {
    Some(match instance.state()?.name()? {
        InstanceStateName::Pending => InstanceState::Pending,
        InstanceStateName::Running => InstanceState::Running,
        InstanceStateName::Stopping => InstanceState::Stopping,
        InstanceStateName::Stopped => InstanceState::Stopped,
        InstanceStateName::ShuttingDown => InstanceState::ShuttingDown,
        InstanceStateName::Terminated => InstanceState::Terminated,
        _ => return None,
    })
}

/// EC2's words, with its code in front unless they begin with it.
fn reason(instance: &Instance) -> Option<String> {
    let transition = || {
        instance
            .state_transition_reason()
            .filter(|text| !text.is_empty())
    };
    let Some(reason) = instance.state_reason() else {
        return transition().map(str::to_owned);
    };
    match (reason.code(), reason.message()) {
        (Some(code), Some(message)) if !message.starts_with(code) => {
            Some(format!("{code}: {message}"))
        }
        (_, Some(message)) => Some(message.to_owned()),
        (code, None) => code.or_else(transition).map(str::to_owned),
    }
}

/// The instance's groups, or else those of its interfaces. A terminated instance reports none at all; that is not
/// "no groups".
fn groups(instance: &Instance) -> Option<BTreeSet<CloudId>> {
    let ids = |groups: &[GroupIdentifier]| -> BTreeSet<CloudId> {
        groups
            .iter()
            .filter_map(|group| cloud_id(group.group_id()))
            .collect()
    };
    let of_interfaces = || {
        instance
            .network_interfaces()
            .iter()
            .flat_map(|i| ids(i.groups()))
    };
    let own = ids(instance.security_groups());
    let groups = if own.is_empty() {
        of_interfaces().collect()
    } else {
        own
    };
    (!groups.is_empty()).then_some(groups)
}

fn root_volume(instance: &Instance) -> Option<CloudId> {
    let root = instance.root_device_name()?;
    let mappings = instance.block_device_mappings().iter();
    mappings
        .filter(|mapping| mapping.device_name() == Some(root))
        .find_map(|mapping| cloud_id(mapping.ebs()?.volume_id()))
}

fn vcpus(instance: &Instance) -> Option<u32> {
    let cpu = instance.cpu_options()?;
    Some(count(cpu.core_count())? * count(cpu.threads_per_core())?)
}

/// The name at the end of an ARN.
fn last_part(arn: &str) -> Option<String> {
    arn.rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// The instances that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = describe(ec2, vec![filter]).await?;
    Ok(found.iter().filter_map(sighting).collect())
}

/// The states of these instances. Asked for by filter, for an id that is not visible yet would fail the whole call.
pub(in crate::aws) async fn states(
    ec2: &Client,
    instances: &BTreeSet<CloudId>,
) -> Result<BTreeMap<CloudId, Watched>, Failure> {
    let unseen = Watched {
        state: None,
        reason: None,
    };
    let mut watched: BTreeMap<_, _> = instances
        .iter()
        .map(|instance| (instance.clone(), unseen.clone()))
        .collect();
    let ids: Vec<_> = instances.iter().map(CloudId::as_str).collect();
    for part in ids.chunks(FILTER_VALUES) {
        let filter = tags::filter("instance-id", part.iter().copied());
        for instance in describe(ec2, vec![filter]).await? {
            if let Some(id) = cloud_id(instance.instance_id()) {
                watched.insert(
                    id,
                    Watched {
                        state: state(&instance),
                        reason: reason(&instance),
                    },
                );
            }
        }
    }
    Ok(watched)
}

/// The vCPUs of instances that count against a quota: only pending and running ones do.
pub(in crate::aws) async fn vcpus_in_use(
    ec2: &Client,
    class: UsageClass,
    market: Market,
) -> Result<u32, Failure> {
    let filters = vec![
        tags::filter("instance-state-name", ["pending", "running"]),
        tags::filter("instance-type", patterns(class, market).iter().copied()),
    ];
    let found = describe(ec2, filters).await?;
    let counted = found.iter().filter_map(seen).filter(|instance| {
        instance.market == market && counts(&instance.instance_type, class, market)
    });
    Ok(counted.filter_map(|instance| instance.vcpus).sum())
}

/// Wildcards that cover at least the types of a class.
fn patterns(class: UsageClass, market: Market) -> &'static [&'static str] {
    match (class, market) {
        (UsageClass::G, _) => &["g*", "vt*"],
        (UsageClass::P | UsageClass::P5, Market::OnDemand) | (UsageClass::P, Market::Spot) => {
            &["p*"]
        }
        (UsageClass::P5, Market::Spot) => &["p5*"],
        (UsageClass::Standard, _) => &["a*", "c*", "d*", "h*", "i*", "m*", "r*", "t*", "z*"],
    }
}

/// Whether a type counts against the quota of a class: on demand all P types share one.
fn counts(kind: &InstanceType, class: UsageClass, market: Market) -> bool {
    let own = UsageClass::of(kind.as_str());
    match (class, market) {
        (UsageClass::P | UsageClass::P5, Market::OnDemand) => {
            matches!(own, UsageClass::P | UsageClass::P5)
        }
        (UsageClass::Standard, _) => {
            // Families that begin like a standard one and have quotas of their own.
            let other = ["dl", "hpc", "inf", "mac", "trn"];
            own == class && !other.iter().any(|prefix| kind.as_str().starts_with(prefix))
        }
        _ => own == class,
    }
}

pub(in crate::aws) async fn start(ec2: &Client, instances: &[Ref]) -> Done {
    let instances = ids(instances, "StartInstances")?;
    let call = ec2.start_instances().set_instance_ids(Some(instances));
    call.send().await.map_err(failed("StartInstances"))?;
    Ok(done())
}

pub(in crate::aws) async fn stop(ec2: &Client, instances: &[Ref]) -> Done {
    let instances = ids(instances, "StopInstances")?;
    let call = ec2.stop_instances().set_instance_ids(Some(instances));
    call.send().await.map_err(failed("StopInstances"))?;
    Ok(done())
}

pub(in crate::aws) async fn reboot(ec2: &Client, instances: &[Ref]) -> Done {
    let instances = ids(instances, "RebootInstances")?;
    let call = ec2.reboot_instances().set_instance_ids(Some(instances));
    call.send().await.map_err(failed("RebootInstances"))?;
    Ok(done())
}

/// Terminates. "Not found" is handed on: EC2 documents that such an instance may still be running.
pub(in crate::aws) async fn terminate(ec2: &Client, instances: &[Ref]) -> Done {
    let instances = ids(instances, "TerminateInstances")?;
    let call = ec2.terminate_instances().set_instance_ids(Some(instances));
    call.send().await.map_err(failed("TerminateInstances"))?;
    Ok(done())
}

pub(in crate::aws) async fn set_type(ec2: &Client, instance: &Ref, kind: &InstanceType) -> Done {
    ec2.modify_instance_attribute()
        .instance_id(id(instance, "ModifyInstanceAttribute")?)
        .instance_type(AttributeValue::builder().value(kind.as_str()).build())
        .send()
        .await
        .map_err(failed("ModifyInstanceAttribute"))?;
    Ok(done())
}

/// Moves a stopped instance into a placement group; no name at all moves it out of the one it is in.
pub(in crate::aws) async fn set_placement(
    ec2: &Client,
    instance: &Ref,
    group: Option<&Ref>,
) -> Done {
    let group = group
        .map(|group| id(group, "ModifyInstancePlacement"))
        .transpose()?;
    ec2.modify_instance_placement()
        .instance_id(id(instance, "ModifyInstancePlacement")?)
        .group_name(group.unwrap_or_default())
        .send()
        .await
        .map_err(failed("ModifyInstancePlacement"))?;
    Ok(done())
}

pub(in crate::aws) async fn set_shutdown(ec2: &Client, instance: &Ref, to: Shutdown) -> Done {
    let behavior = match to {
        Shutdown::Stop => "stop",
        Shutdown::Terminate => "terminate",
    };
    ec2.modify_instance_attribute()
        .instance_id(id(instance, "ModifyInstanceAttribute")?)
        .instance_initiated_shutdown_behavior(AttributeValue::builder().value(behavior).build())
        .send()
        .await
        .map_err(failed("ModifyInstanceAttribute"))?;
    Ok(done())
}

pub(in crate::aws) async fn set_groups(ec2: &Client, instance: &Ref, groups: &[Ref]) -> Done {
    ec2.modify_instance_attribute()
        .instance_id(id(instance, "ModifyInstanceAttribute")?)
        .set_groups(Some(ids(groups, "ModifyInstanceAttribute")?))
        .send()
        .await
        .map_err(failed("ModifyInstanceAttribute"))?;
    Ok(done())
}

pub(in crate::aws) async fn require_imds_v2(ec2: &Client, instance: &Ref) -> Done {
    ec2.modify_instance_metadata_options()
        .instance_id(id(instance, "ModifyInstanceMetadataOptions")?)
        .http_tokens(HttpTokensState::Required)
        .http_put_response_hop_limit(IMDS_HOP_LIMIT)
        .http_endpoint(InstanceMetadataEndpointState::Enabled)
        .send()
        .await
        .map_err(failed("ModifyInstanceMetadataOptions"))?;
    Ok(done())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        CpuOptions, EbsInstanceBlockDevice, IamInstanceProfile, InstanceBlockDeviceMapping,
        InstanceState as EcState, StateReason,
    };

    use super::*;

    fn running() -> aws_sdk_ec2::types::builders::InstanceBuilder {
        Instance::builder()
            .instance_id("i-1")
            .instance_type("g5.xlarge".into())
            .state(EcState::builder().name(InstanceStateName::Running).build())
    }

    #[test]
    fn what_is_not_reported_is_not_known() {
        let seen = seen(&running().build()).expect("a state and a type");
        assert_eq!(seen.security_groups, None);
        assert_eq!(seen.imds_v2_required, None);
        assert_eq!(seen.vcpus, None);
        assert_eq!(seen.market, Market::OnDemand);
        assert_eq!(seen.launch_index, 0);
    }

    #[test]
    fn names_and_numbers_are_taken_from_where_ec2_puts_them() {
        let volume = |name: &str, volume: &str| {
            let ebs = EbsInstanceBlockDevice::builder().volume_id(volume).build();
            InstanceBlockDeviceMapping::builder()
                .device_name(name)
                .ebs(ebs)
                .build()
        };
        let arn = "arn:aws:iam::123456789012:instance-profile/roboinfra/twin";
        let instance = running()
            .iam_instance_profile(IamInstanceProfile::builder().arn(arn).build())
            .root_device_name("/dev/sda1")
            .block_device_mappings(volume("/dev/sdf", "vol-2"))
            .block_device_mappings(volume("/dev/sda1", "vol-1"))
            .cpu_options(
                CpuOptions::builder()
                    .core_count(2)
                    .threads_per_core(2)
                    .build(),
            )
            .build();
        let seen = seen(&instance).expect("a state and a type");
        assert_eq!(seen.instance_profile.as_deref(), Some("twin"));
        assert_eq!(seen.root_volume, Some(CloudId::new("vol-1")));
        assert_eq!(seen.vcpus, Some(4));
    }

    #[test]
    fn reasons_keep_their_code() {
        let code = "Server.InsufficientInstanceCapacity";
        for (message, shown) in [
            (
                "no capacity",
                "Server.InsufficientInstanceCapacity: no capacity",
            ),
            (
                "Server.InsufficientInstanceCapacity: no capacity",
                "Server.InsufficientInstanceCapacity: no capacity",
            ),
        ] {
            let why = StateReason::builder().code(code).message(message).build();
            let instance = running().state_reason(why).build();
            assert_eq!(reason(&instance).as_deref(), Some(shown));
        }
    }

    #[test]
    fn quotas_count_their_own_families() {
        use UsageClass::{G, P, P5, Standard};
        for (kind, class, market, expected) in [
            ("g5.xlarge", G, Market::OnDemand, true),
            ("p5.48xlarge", P, Market::OnDemand, true),
            ("p5.48xlarge", P, Market::Spot, false),
            ("p5.48xlarge", P5, Market::Spot, true),
            ("p4d.24xlarge", P5, Market::Spot, false),
            ("t3.micro", Standard, Market::OnDemand, true),
            ("trn1.2xlarge", Standard, Market::OnDemand, false),
            ("mac2.metal", Standard, Market::OnDemand, false),
        ] {
            assert_eq!(
                counts(&InstanceType::new(kind), class, market),
                expected,
                "{kind}"
            );
        }
    }
}
