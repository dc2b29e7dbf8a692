//! Launching instances: one call for all nodes of a group that go to one rung.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification, Instance,
    InstanceInterruptionBehavior, InstanceMarketOptionsRequest, InstanceMetadataEndpointState,
    InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification, MarketType, Placement,
    ResourceType, ShutdownBehavior, SpotInstanceType, SpotMarketOptions, TagSpecification,
    VolumeType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::instance::IMDS_HOP_LIMIT;
use super::tags;
use crate::aws::answer::{Done, id, ids, named};
use crate::aws::classify::failed;
use crate::aws::sight::count;
use crate::model::{
    Born, CloudId, Failure, FailureClass, LaunchSpec, Leftover, Market, Outcome, PinnedImage, Ref,
    RootVolume, Rung, Shutdown, SpotOptions, Stamp, TAG_FIRST, Tags, Zone,
};

/// How many nodes, and the index of the first.
#[derive(Debug, Clone, Copy)]
pub(in crate::aws) struct Batch {
    pub(in crate::aws) first: u32,
    pub(in crate::aws) count: u32,
    pub(in crate::aws) min: u32,
}

pub(in crate::aws) async fn run(
    ec2: &Client,
    launch: &LaunchSpec,
    rung: &Rung,
    batch: Batch,
    stamp: &Stamp,
) -> Done {
    let name = |reference: &Option<Ref>| -> Result<Option<String>, Failure> {
        reference
            .as_ref()
            .map(|r| id(r, "RunInstances").map(str::to_owned))
            .transpose()
    };
    let profile = name(&launch.instance_profile)?.map(|name| {
        IamInstanceProfileSpecification::builder()
            .name(name)
            .build()
    });
    let placement = Placement::builder()
        .availability_zone(rung.zone.as_str())
        .set_group_name(name(&launch.placement_group)?)
        .build();
    let user_data = launch.user_data.as_ref().map(|text| STANDARD.encode(text));
    let answer = ec2
        .run_instances()
        .client_token(stamp.token.as_str())
        .min_count(number(batch.min)?)
        .max_count(number(batch.count)?)
        .image_id(launch.image.id.as_str())
        .instance_type(rung.instance_type.as_str().into())
        .set_key_name(name(&launch.key)?)
        .set_iam_instance_profile(profile)
        .placement(placement)
        .network_interfaces(interface(launch, rung)?)
        .block_device_mappings(root(&launch.image, launch.root)?)
        .metadata_options(metadata())
        .set_user_data(user_data)
        .set_instance_initiated_shutdown_behavior(shutdown(launch, rung.market))
        .set_instance_market_options(market(rung.market, &launch.spot))
        .set_tag_specifications(Some(tagged(rung.market, batch.first, &stamp.tags)))
        .send()
        .await
        .map_err(failed("RunInstances"))?;
    outcome(&answer, launch, rung)
}

fn number(count: u32) -> Result<i32, Failure> {
    i32::try_from(count).map_err(|_| {
        let message = format!("{count} is more than EC2 can count");
        Failure::local(FailureClass::Invalid, "RunInstances", message)
    })
}

/// The only interface of a node: public address, the lab's groups, and gone with the node.
fn interface(
    launch: &LaunchSpec,
    rung: &Rung,
) -> Result<InstanceNetworkInterfaceSpecification, Failure> {
    Ok(InstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .subnet_id(id(&rung.subnet, "RunInstances")?)
        .set_groups(Some(ids(&launch.security_groups, "RunInstances")?))
        .associate_public_ip_address(true)
        .delete_on_termination(true)
        .build())
}

/// The root volume, under the device name of the image: under another name EC2 would make a second volume.
fn root(image: &PinnedImage, root: RootVolume) -> Result<BlockDeviceMapping, Failure> {
    let ebs = EbsBlockDevice::builder()
        .volume_type(VolumeType::Gp3)
        .encrypted(true)
        .volume_size(number(root.size_gib)?)
        .iops(number(root.iops)?)
        .throughput(number(root.throughput_mib)?)
        .delete_on_termination(true)
        .build();
    Ok(BlockDeviceMapping::builder()
        .device_name(&image.root_device)
        .ebs(ebs)
        .build())
}

/// IMDSv2 only; containers behind one bridge still reach it.
fn metadata() -> InstanceMetadataOptionsRequest {
    InstanceMetadataOptionsRequest::builder()
        .http_tokens(HttpTokensState::Required)
        .http_put_response_hop_limit(IMDS_HOP_LIMIT)
        .http_endpoint(InstanceMetadataEndpointState::Enabled)
        .build()
}

/// A one-time spot instance cannot be stopped, so "stop" is not asked of it.
fn shutdown(launch: &LaunchSpec, market: Market) -> Option<ShutdownBehavior> {
    match (launch.shutdown, market) {
        (Shutdown::Terminate, _) => Some(ShutdownBehavior::Terminate),
        (Shutdown::Stop, Market::Spot) if !launch.spot.persistent => None,
        (Shutdown::Stop, _) => Some(ShutdownBehavior::Stop),
    }
}

fn market(market: Market, options: &SpotOptions) -> Option<InstanceMarketOptionsRequest> {
    if market == Market::OnDemand {
        return None;
    }
    let (kind, interruption) = if options.persistent {
        (
            SpotInstanceType::Persistent,
            InstanceInterruptionBehavior::Stop,
        )
    } else {
        (
            SpotInstanceType::OneTime,
            InstanceInterruptionBehavior::Terminate,
        )
    };
    let spot = SpotMarketOptions::builder()
        .spot_instance_type(kind)
        .instance_interruption_behavior(interruption)
        .set_max_price(options.max_price.map(|price| price.dollars().to_string()))
        .build();
    Some(
        InstanceMarketOptionsRequest::builder()
            .market_type(MarketType::Spot)
            .spot_options(spot)
            .build(),
    )
}

/// Tags for all that the launch makes. Only the instance carries the first index; a spot request only exists, and
/// may only be tagged, on the spot market.
fn tagged(market: Market, first: u32, tags: &Tags) -> Vec<TagSpecification> {
    let mut node = tags.clone();
    node.insert(TAG_FIRST.to_owned(), first.to_string());
    let mut all = vec![
        tags::specification(ResourceType::Instance, &node),
        tags::specification(ResourceType::Volume, tags),
        tags::specification(ResourceType::NetworkInterface, tags),
    ];
    if market == Market::Spot {
        all.push(tags::specification(
            ResourceType::SpotInstancesRequest,
            tags,
        ));
    }
    all
}

/// The nodes by launch index. A used token may answer with what it made before, whatever is asked now: that is
/// told apart by type and image.
fn outcome(answer: &RunInstancesOutput, launch: &LaunchSpec, rung: &Rung) -> Done {
    let asked = |instance: &Instance| {
        let kind = instance
            .instance_type()
            .is_none_or(|t| t.as_str() == rung.instance_type.as_str());
        let image = instance
            .image_id()
            .is_none_or(|image| image == launch.image.id.as_str());
        kind && image
    };
    if let Some(other) = answer.instances().iter().find(|instance| !asked(instance)) {
        return Err(Failure {
            leftover: Leftover::Unknown,
            ..Failure::local(
                FailureClass::Token,
                "RunInstances",
                format!(
                    "the answer is an earlier launch: {} is not {} from {}",
                    other.instance_id().unwrap_or("an instance"),
                    rung.instance_type,
                    launch.image.id
                ),
            )
        });
    }
    named(
        answer.instances().first().and_then(Instance::instance_id),
        "RunInstances",
    )?;
    let mut born: Vec<_> = answer
        .instances()
        .iter()
        .filter_map(|instance| {
            let zone = instance.placement().and_then(Placement::availability_zone);
            Some(Born {
                id: CloudId::new(instance.instance_id()?),
                launch_index: count(instance.ami_launch_index()).unwrap_or_default(),
                zone: Some(zone.map_or_else(|| rung.zone.clone(), Zone::new)),
            })
        })
        .collect();
    born.sort_by_key(|born| born.launch_index);
    Ok(Outcome { born })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImageId, ImageRef, InstanceType, Usd};

    fn launch(persistent: bool) -> LaunchSpec {
        LaunchSpec {
            ladder: Vec::new(),
            image_ref: ImageRef("ubuntu-22.04".to_owned()),
            image: PinnedImage {
                id: ImageId::new("ami-1"),
                root_device: "/dev/xvda".to_owned(),
                architecture: "x86_64".to_owned(),
                root_gib: 8,
                name: "debian".to_owned(),
            },
            key: None,
            security_groups: Vec::new(),
            instance_profile: None,
            placement_group: None,
            root: RootVolume {
                size_gib: 200,
                iops: 3000,
                throughput_mib: 125,
            },
            user_data: None,
            shutdown: Shutdown::Stop,
            spot: SpotOptions {
                max_price: Some(Usd::from_dollars(0.5)),
                persistent,
            },
        }
    }

    fn rung() -> Rung {
        Rung {
            market: Market::OnDemand,
            instance_type: InstanceType::new("g5.xlarge"),
            zone: Zone::new("eu-central-1a"),
            subnet: Ref::Existing(CloudId::new("subnet-1")),
        }
    }

    #[test]
    fn the_root_volume_takes_the_images_device_name() {
        let mapping = root(&launch(false).image, launch(false).root).expect("small numbers");
        assert_eq!(mapping.device_name(), Some("/dev/xvda"));
        let ebs = mapping.ebs().expect("a volume");
        assert_eq!(
            (ebs.encrypted(), ebs.volume_size()),
            (Some(true), Some(200))
        );
    }

    #[test]
    fn spot_says_what_happens_at_an_interruption() {
        assert!(market(Market::OnDemand, &launch(true).spot).is_none());
        let asked = market(Market::Spot, &launch(true).spot).expect("options");
        let spot = asked.spot_options().expect("spot options");
        assert_eq!(
            spot.spot_instance_type(),
            Some(&SpotInstanceType::Persistent)
        );
        assert_eq!(spot.max_price(), Some("0.5"));
        assert_eq!(
            shutdown(&launch(true), Market::Spot),
            Some(ShutdownBehavior::Stop)
        );
        assert_eq!(shutdown(&launch(false), Market::Spot), None);
    }

    #[test]
    fn a_spot_request_is_tagged_only_where_there_is_one() {
        assert_eq!(tagged(Market::OnDemand, 0, &Tags::new()).len(), 3);
        assert_eq!(tagged(Market::Spot, 0, &Tags::new()).len(), 4);
    }

    #[test]
    fn nodes_come_by_launch_index_and_an_old_launch_is_told_apart() {
        let node = |id: &str, index, kind: &str| {
            Instance::builder()
                .instance_id(id)
                .ami_launch_index(index)
                .image_id("ami-1")
                .instance_type(kind.into())
                .build()
        };
        let answer = RunInstancesOutput::builder()
            .instances(node("i-2", 1, "g5.xlarge"))
            .instances(node("i-1", 0, "g5.xlarge"))
            .build();
        let born = outcome(&answer, &launch(false), &rung())
            .expect("as asked")
            .born;
        let ids: Vec<_> = born.iter().map(|born| born.id.as_str()).collect();
        assert_eq!(ids, ["i-1", "i-2"]);
        assert_eq!(born[0].zone, Some(rung().zone));

        let answer = RunInstancesOutput::builder()
            .instances(node("i-1", 0, "g4dn.xlarge"))
            .build();
        let failure = outcome(&answer, &launch(false), &rung()).expect_err("another type");
        assert_eq!(
            (failure.class, failure.leftover),
            (FailureClass::Token, Leftover::Unknown)
        );
    }
}
