//! A whole lab, up and down again.

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, Filter, HttpTokensState, IamInstanceProfileSpecification,
    InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification, ResourceType,
    VolumeType,
};

use crate::support::{Bench, code, public_key, ssh_from, tags, yes};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const SSM_POLICY: &str = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";

async fn profile(bench: &Bench) {
    let iam = &bench.iam;
    iam.create_role()
        .role_name("lab")
        .path("/roboinfra/")
        .assume_role_policy_document(TRUST)
        .send()
        .await
        .expect("a role");
    iam.attach_role_policy()
        .role_name("lab")
        .policy_arn(SSM_POLICY)
        .send()
        .await
        .expect("attached");
    iam.create_instance_profile()
        .instance_profile_name("lab")
        .send()
        .await
        .expect("a profile");
    iam.add_role_to_instance_profile()
        .instance_profile_name("lab")
        .role_name("lab")
        .send()
        .await
        .expect("added");
}

async fn launch(bench: &Bench, subnet: &str, group: &str) -> String {
    let launch = bench.launch(subnet).await;
    let mut input = launch.as_input().clone();
    input = input.set_subnet_id(None);
    let made = input
        .network_interfaces(
            InstanceNetworkInterfaceSpecification::builder()
                .device_index(0)
                .subnet_id(subnet)
                .groups(group)
                .associate_public_ip_address(true)
                .build(),
        )
        .key_name("lab")
        .iam_instance_profile(
            IamInstanceProfileSpecification::builder()
                .name("lab")
                .build(),
        )
        .metadata_options(
            InstanceMetadataOptionsRequest::builder()
                .http_tokens(HttpTokensState::Required)
                .http_put_response_hop_limit(2)
                .build(),
        )
        .block_device_mappings(
            BlockDeviceMapping::builder()
                .device_name("/dev/sda1")
                .ebs(
                    EbsBlockDevice::builder()
                        .volume_size(200)
                        .volume_type(VolumeType::Gp3)
                        .iops(4000)
                        .throughput(250)
                        .encrypted(true)
                        .delete_on_termination(true)
                        .build(),
                )
                .build(),
        )
        .tag_specifications(tags(
            ResourceType::Instance,
            &[("roboinfra:lab", "twin"), ("Name", "sim <1> & co")],
        ))
        .tag_specifications(tags(ResourceType::Volume, &[("roboinfra:lab", "twin")]))
        .client_token("token-1")
        .send_with(&bench.ec2)
        .await
        .expect("launched");
    made.instances()[0].instance_id().expect("an id").to_owned()
}

/// The network of a lab.
struct Lab {
    vpc: String,
    gateway: String,
    subnet: String,
    table: String,
    association: String,
    group: String,
}

async fn network(bench: &Bench) -> Lab {
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    ec2.modify_vpc_attribute()
        .vpc_id(&vpc)
        .enable_dns_hostnames(yes())
        .send()
        .await
        .expect("modified");
    let gateway = bench.gateway(&vpc).await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let table = ec2.create_route_table().vpc_id(&vpc).send().await;
    let table = table
        .expect("made")
        .route_table
        .and_then(|it| it.route_table_id)
        .expect("an id");
    ec2.create_route()
        .route_table_id(&table)
        .destination_cidr_block("0.0.0.0/0")
        .gateway_id(&gateway)
        .send()
        .await
        .expect("a route");
    let association = ec2
        .associate_route_table()
        .route_table_id(&table)
        .subnet_id(&subnet)
        .send()
        .await
        .expect("associated")
        .association_id
        .expect("an id");
    let group = bench.group(&vpc, "sim").await;
    ec2.authorize_security_group_ingress()
        .group_id(&group)
        .ip_permissions(ssh_from("192.0.2.1/32"))
        .send()
        .await
        .expect("authorized");
    Lab {
        vpc,
        gateway,
        subnet,
        table,
        association,
        group,
    }
}

async fn check_instance(bench: &Bench, lab: &Lab, id: &str) {
    let ec2 = &bench.ec2;
    let instance = bench.instance(id).await;
    assert_eq!(instance.subnet_id(), Some(lab.subnet.as_str()));
    assert_eq!(
        instance.security_groups()[0].group_id(),
        Some(lab.group.as_str())
    );
    assert_eq!(instance.tags().len(), 2);
    assert!(
        instance
            .tags()
            .iter()
            .any(|it| it.value() == Some("sim <1> & co"))
    );
    assert!(instance.public_ip_address().is_some());
    assert!(
        instance
            .public_dns_name()
            .is_some_and(|it| it.ends_with(".compute-1.amazonaws.com"))
    );
    let metadata = instance.metadata_options().expect("some");
    assert_eq!(
        (
            metadata.http_tokens().map(HttpTokensState::as_str),
            metadata.http_put_response_hop_limit()
        ),
        (Some("required"), Some(2))
    );
    let volumes = ec2
        .describe_volumes()
        .filters(
            Filter::builder()
                .name("attachment.instance-id")
                .values(id)
                .build(),
        )
        .send()
        .await
        .expect("found");
    let root = &volumes.volumes()[0];
    assert_eq!(
        (
            root.size(),
            root.iops(),
            root.throughput(),
            root.encrypted()
        ),
        (Some(200), Some(4000), Some(250), Some(true))
    );
    assert_eq!(root.tags().len(), 1);
}

/// Puts an Elastic IP on the instance; returns the allocation's and the association's id.
async fn put_address(bench: &Bench, id: &str) -> (String, String) {
    let ec2 = &bench.ec2;
    let automatic = bench.instance(id).await.public_ip_address;
    let address = ec2.allocate_address().send().await.expect("allocated");
    let allocation = address.allocation_id().expect("an id");
    let on = ec2
        .associate_address()
        .allocation_id(allocation)
        .instance_id(id)
        .allow_reassociation(false)
        .send()
        .await
        .expect("associated");
    let public = bench.instance(id).await.public_ip_address;
    assert_eq!(public.as_deref(), address.public_ip());
    assert_ne!(public, automatic);
    (
        allocation.to_owned(),
        on.association_id().expect("an id").to_owned(),
    )
}

/// Terminates the instance and releases the address.
async fn terminate(bench: &Bench, id: &str, allocation: &str, association: &str) {
    let ec2 = &bench.ec2;
    ec2.terminate_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("terminating");
    assert_eq!(bench.state(id).await, "shutting-down");
    bench.wait(2);
    assert_eq!(bench.state(id).await, "terminated");
    assert_eq!(
        code(
            ec2.disassociate_address()
                .association_id(association)
                .send()
                .await
        ),
        "InvalidAssociationID.NotFound",
        "the termination took the address off"
    );
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}

async fn network_down(bench: &Bench, lab: &Lab) {
    let ec2 = &bench.ec2;
    ec2.delete_security_group()
        .group_id(&lab.group)
        .send()
        .await
        .expect("deleted");
    ec2.detach_internet_gateway()
        .internet_gateway_id(&lab.gateway)
        .vpc_id(&lab.vpc)
        .send()
        .await
        .expect("detached");
    ec2.delete_internet_gateway()
        .internet_gateway_id(&lab.gateway)
        .send()
        .await
        .expect("deleted");
    ec2.disassociate_route_table()
        .association_id(&lab.association)
        .send()
        .await
        .expect("disassociated");
    ec2.delete_route_table()
        .route_table_id(&lab.table)
        .send()
        .await
        .expect("deleted");
    ec2.delete_subnet()
        .subnet_id(&lab.subnet)
        .send()
        .await
        .expect("deleted");
    ec2.delete_vpc()
        .vpc_id(&lab.vpc)
        .send()
        .await
        .expect("deleted");
    ec2.delete_key_pair()
        .key_name("lab")
        .send()
        .await
        .expect("deleted");
}

async fn profile_down(bench: &Bench) {
    let iam = &bench.iam;
    iam.remove_role_from_instance_profile()
        .instance_profile_name("lab")
        .role_name("lab")
        .send()
        .await
        .expect("removed");
    iam.delete_instance_profile()
        .instance_profile_name("lab")
        .send()
        .await
        .expect("deleted");
    iam.detach_role_policy()
        .role_name("lab")
        .policy_arn(SSM_POLICY)
        .send()
        .await
        .expect("detached");
    iam.delete_role()
        .role_name("lab")
        .send()
        .await
        .expect("deleted");
}

#[tokio::test]
async fn a_lab_goes_up_and_down() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let identity = bench.sts.get_caller_identity().send().await.expect("known");
    assert_eq!(identity.account(), Some(roboinfra::sandbox::ACCOUNT));
    let lab = network(&bench).await;
    ec2.import_key_pair()
        .key_name("lab")
        .public_key_material(Blob::new(public_key(1)))
        .send()
        .await
        .expect("imported");
    profile(&bench).await;
    let id = launch(&bench, &lab.subnet, &lab.group).await;
    assert_eq!(bench.state(&id).await, "pending");
    bench.wait(2);
    check_instance(&bench, &lab, &id).await;
    let (allocation, association) = put_address(&bench, &id).await;

    terminate(&bench, &id, &allocation, &association).await;
    network_down(&bench, &lab).await;
    profile_down(&bench).await;
    assert_eq!(bench.sandbox.live(), std::collections::BTreeMap::new());
}
