//! Launches, and the life of instances.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, BlockDeviceMapping, EbsBlockDevice, Filter,
    IamInstanceProfileSpecification, InstanceType, Placement, PlacementStrategy, ResourceType,
    VolumeType,
};
use base64::Engine as _;

use crate::support::{Bench, code, tags, yes};

async fn subnet(bench: &Bench) -> String {
    let vpc = bench.vpc().await;
    bench.gateway(&vpc).await;
    bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await
}

fn root(ebs: EbsBlockDevice) -> BlockDeviceMapping {
    BlockDeviceMapping::builder()
        .device_name("/dev/sda1")
        .ebs(ebs)
        .build()
}

type Launch = aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;

fn wrong_references(launch: &Launch, no_zone: &str, foreign: &str) -> Vec<(Launch, &'static str)> {
    let profile = IamInstanceProfileSpecification::builder()
        .name("none")
        .build();
    let nowhere = Placement::builder().group_name("none").build();
    let new = || launch.clone();
    vec![
        (new().image_id("ami-12345678"), "InvalidAMIID.NotFound"),
        (new().image_id("ami-1"), "InvalidAMIID.Malformed"),
        (
            new().instance_type("g9.xlarge".into()),
            "InvalidParameterValue",
        ),
        (
            new().instance_type("p3.2xlarge".into()),
            "InvalidParameterValue",
        ),
        (
            new().instance_type(InstanceType::G5gXlarge),
            "InvalidParameterValue",
        ),
        (new().key_name("none"), "InvalidKeyPair.NotFound"),
        (
            new().subnet_id("subnet-12345678"),
            "InvalidSubnetID.NotFound",
        ),
        (new().subnet_id(no_zone), "Unsupported"),
        (
            new().security_group_ids("sg-12345678"),
            "InvalidGroup.NotFound",
        ),
        (new().security_group_ids(foreign), "InvalidParameter"),
        (new().iam_instance_profile(profile), "InvalidParameterValue"),
        (new().placement(nowhere), "InvalidPlacementGroup.Unknown"),
    ]
}

fn wrong_values(launch: &Launch) -> Vec<(Launch, &'static str)> {
    let big = base64::engine::general_purpose::STANDARD.encode(vec![b'x'; 16_385]);
    let small = EbsBlockDevice::builder().volume_size(4).build();
    let fast = EbsBlockDevice::builder()
        .volume_type(VolumeType::Gp2)
        .throughput(125)
        .build();
    let new = || launch.clone();
    vec![
        (new().user_data(big), "InvalidUserData.Malformed"),
        (new().min_count(2), "InvalidParameterValue"),
        (new().max_count(0).min_count(0), "InvalidParameterValue"),
        (
            new().block_device_mappings(root(small)),
            "InvalidBlockDeviceMapping",
        ),
        (
            new().block_device_mappings(root(fast)),
            "InvalidParameterCombination",
        ),
        (
            new().tag_specifications(tags(ResourceType::Vpc, &[("a", "b")])),
            "InvalidParameterValue",
        ),
        (
            new().tag_specifications(tags(ResourceType::Instance, &[("aws:x", "b")])),
            "InvalidParameterValue",
        ),
        (new().dry_run(true), "DryRunOperation"),
    ]
}

#[tokio::test]
async fn launches_are_checked() {
    let bench = Bench::new().await;
    let subnet = subnet(&bench).await;
    let launch = bench.launch(&subnet).await;
    let other_vpc = bench.vpc().await;
    let foreign = bench.group(&other_vpc, "foreign").await;
    let no_zone = bench.subnet(&other_vpc, "10.0.5.0/24", "us-east-1e").await;
    let mut cases = wrong_references(&launch, &no_zone, &foreign);
    cases.extend(wrong_values(&launch));
    for (number, (call, expected)) in cases.into_iter().enumerate() {
        assert_eq!(code(call.send().await), expected, "case {number}");
    }
    assert!(!bench.sandbox.live().contains_key("instance"));
    assert!(!bench.sandbox.live().contains_key("network-interface"));
}

#[tokio::test]
async fn a_token_launches_once() {
    let bench = Bench::new().await;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let other_zone = bench.subnet(&vpc, "10.0.2.0/24", "us-east-1b").await;
    let launch = bench.launch(&subnet).await.client_token("t").max_count(3);
    let ids = |made: aws_sdk_ec2::operation::run_instances::RunInstancesOutput| {
        made.instances()
            .iter()
            .map(|it| (it.ami_launch_index(), it.instance_id().map(str::to_owned)))
            .collect::<Vec<_>>()
    };
    let first = ids(launch.clone().send().await.expect("launched"));
    let indexes: Vec<_> = first.iter().map(|(index, _)| index.expect("one")).collect();
    assert_eq!(indexes, [0, 1, 2]);
    let again = ids(launch.clone().send().await.expect("the same"));
    assert_eq!(first, again);
    let mismatch = launch.clone().instance_type(InstanceType::G6Xlarge);
    assert_eq!(code(mismatch.send().await), "IdempotentParameterMismatch");
    let elsewhere = launch.clone().subnet_id(&other_zone).send().await;
    assert_eq!(
        ids(elsewhere.expect("zonal")).len(),
        3,
        "in another zone the token launches a second time"
    );
    let by_token = bench
        .ec2
        .describe_instances()
        .filters(Filter::builder().name("client-token").values("t").build())
        .send()
        .await
        .expect("found");
    assert_eq!(by_token.reservations().len(), 2);

    bench.wait(2);
    bench
        .ec2
        .terminate_instances()
        .set_instance_ids(Some(first.into_iter().filter_map(|(_, id)| id).collect()))
        .send()
        .await
        .expect("terminating");
    bench.wait(2);
    assert_eq!(code(launch.send().await), "IdempotentInstanceTerminated");
}

#[tokio::test]
async fn as_many_as_there_is_room_for() {
    let scenario = "[quotas]\nL-DB2E81BA = 10";
    let bench = Bench::with_scenario(scenario).await;
    let subnet = subnet(&bench).await;
    let launch = bench.launch(&subnet).await;
    let refused = launch.clone().min_count(3).max_count(3).send().await;
    assert_eq!(code(refused), "VcpuLimitExceeded");
    let made = launch.clone().max_count(3).send().await.expect("launched");
    assert_eq!(made.instances().len(), 2, "ten vCPUs are two of four");
    assert_eq!(code(launch.send().await), "VcpuLimitExceeded");
}

#[tokio::test]
async fn stop_start_and_the_addresses() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let subnet = subnet(&bench).await;
    ec2.modify_subnet_attribute()
        .subnet_id(&subnet)
        .map_public_ip_on_launch(yes())
        .send()
        .await
        .expect("modified");
    let id = bench.running(&subnet).await;
    let before = bench.instance(&id).await;
    let resize = || {
        ec2.modify_instance_attribute()
            .instance_id(&id)
            .instance_type(AttributeValue::builder().value("g5.2xlarge").build())
            .send()
    };
    assert_eq!(code(resize().await), "IncorrectInstanceState");
    let stop = || ec2.stop_instances().instance_ids(&id).send();
    let start = || ec2.start_instances().instance_ids(&id).send();
    stop().await.expect("stopping");
    assert_eq!(bench.state(&id).await, "stopping");
    assert_eq!(code(start().await), "IncorrectInstanceState");
    bench.wait(2);
    let stopped = bench.instance(&id).await;
    assert_eq!(stopped.public_ip_address(), None);
    assert_eq!(stopped.private_ip_address(), before.private_ip_address());
    assert!(
        stopped
            .state_transition_reason()
            .is_some_and(|it| it.starts_with("User initiated (2026-"))
    );
    stop().await.expect("idempotent");
    let reboot = ec2.reboot_instances().instance_ids(&id).send().await;
    assert_eq!(code(reboot), "IncorrectInstanceState");
    resize().await.expect("resized");
    start().await.expect("pending");
    bench.wait(2);
    let after = bench.instance(&id).await;
    assert_eq!(after.instance_type(), Some(&InstanceType::G52xlarge));
    assert!(after.public_ip_address().is_some());
    assert_ne!(after.public_ip_address(), before.public_ip_address());
}

#[tokio::test]
async fn elastic_ips_are_not_stolen() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let subnet = subnet(&bench).await;
    let address = ec2.allocate_address().send().await.expect("allocated");
    let allocation = address.allocation_id().expect("an id");
    let launched = bench.launch(&subnet).await.max_count(2).send().await;
    let launched = launched.expect("launched");
    let ids: Vec<&str> = launched
        .instances()
        .iter()
        .filter_map(|it| it.instance_id())
        .collect();
    let associate = |id: &str, steal: bool| {
        ec2.associate_address()
            .allocation_id(allocation)
            .instance_id(id)
            .allow_reassociation(steal)
            .send()
    };
    assert_eq!(
        code(associate(ids[0], false).await),
        "InvalidInstanceID",
        "pending"
    );
    bench.wait(2);
    let first = associate(ids[0], false).await.expect("associated");
    let again = associate(ids[0], false).await.expect("idempotent");
    assert_eq!(first.association_id(), again.association_id());
    assert_eq!(
        code(associate(ids[1], false).await),
        "Resource.AlreadyAssociated"
    );
    let release = || ec2.release_address().allocation_id(allocation).send();
    assert_eq!(code(release().await), "InvalidIPAddress.InUse");
    associate(ids[1], true).await.expect("moved");
    ec2.terminate_instances()
        .instance_ids(ids[1])
        .send()
        .await
        .expect("terminating");
    bench.wait(2);
    let kept = ec2.describe_addresses().send().await.expect("found");
    assert_eq!(kept.addresses()[0].association_id(), None, "detached, kept");
    release().await.expect("released");
    assert_eq!(code(release().await), "InvalidAllocationID.NotFound");
}

#[tokio::test]
async fn protection_and_the_hour_after() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let subnet = subnet(&bench).await;
    let launch = bench.launch(&subnet).await.disable_api_termination(true);
    let launch = launch.tag_specifications(tags(ResourceType::Instance, &[("lab", "a")]));
    let made = launch.send().await.expect("launched");
    let id = made.instances()[0].instance_id().expect("an id");
    bench.wait(2);
    let terminate = || ec2.terminate_instances().instance_ids(id).send();
    assert_eq!(code(terminate().await), "OperationNotPermitted");
    ec2.modify_instance_attribute()
        .instance_id(id)
        .disable_api_termination(AttributeBooleanValue::builder().value(false).build())
        .send()
        .await
        .expect("unprotected");
    terminate().await.expect("terminating");
    bench.wait(2);
    terminate().await.expect("idempotent");
    let gone = bench.instance(id).await;
    assert_eq!(gone.tags().len(), 1, "still listed, with its tags");
    assert!(gone.network_interfaces().is_empty());
    let start = ec2.start_instances().instance_ids(id).send().await;
    assert_eq!(code(start), "IncorrectInstanceState");
    bench.wait(3601);
    let asked = ec2.describe_instances().instance_ids(id).send().await;
    assert_eq!(code(asked), "InvalidInstanceID.NotFound");
}

#[tokio::test]
async fn placement_groups_wait_for_their_instances() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let subnet = subnet(&bench).await;
    let group = || {
        ec2.create_placement_group()
            .group_name("cluster")
            .strategy(PlacementStrategy::Cluster)
            .send()
    };
    group().await.expect("made");
    assert_eq!(code(group().await), "InvalidPlacementGroup.Duplicate");
    let in_group = Placement::builder().group_name("cluster").build();
    let burstable = bench
        .launch(&subnet)
        .await
        .instance_type(InstanceType::T3Micro);
    let burstable = burstable.placement(in_group.clone()).send().await;
    assert_eq!(code(burstable), "InvalidParameterCombination");
    let made = bench.launch(&subnet).await.placement(in_group).send().await;
    let made = made.expect("launched");
    let id = made.instances()[0].instance_id().expect("an id");
    let delete = || ec2.delete_placement_group().group_name("cluster").send();
    assert_eq!(code(delete().await), "InvalidPlacementGroup.InUse");
    ec2.terminate_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("terminating");
    bench.wait(2);
    delete().await.expect("deleted");
}
