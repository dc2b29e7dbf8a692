//! VPCs, subnets, gateways, routes and security groups: what EC2 refuses.

use aws_sdk_ec2::types::{
    Filter, InstanceNetworkInterfaceSpecification, IpPermission, ResourceType, UserIdGroupPair,
};

use crate::support::{Bench, code, ssh_from, tags, yes};

#[tokio::test]
async fn networks_are_checked() {
    let bench = Bench::new().await;
    for (cidr, expected) in [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("10.0.0.0/99", "InvalidParameterValue"),
        ("ten", "InvalidParameterValue"),
        ("10.0.5.9/16", "no error"),
    ] {
        let made = bench.ec2.create_vpc().cidr_block(cidr).send().await;
        if let Ok(made) = &made {
            let vpc = made.vpc().expect("a vpc");
            assert_eq!(vpc.cidr_block(), Some("10.0.0.0/16"), "canonical");
        }
        assert_eq!(code(made), expected, "{cidr}");
    }
    let vpc = bench.vpc().await;
    bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    for (cidr, zone, expected) in [
        ("10.1.0.0/24", "us-east-1a", "InvalidSubnet.Range"),
        ("10.0.0.0/29", "us-east-1a", "InvalidSubnet.Range"),
        ("10.0.1.128/25", "us-east-1a", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "us-east-1a", "InvalidSubnet.Conflict"),
        ("10.0.2.0/24", "eu-west-1a", "InvalidParameterValue"),
        ("10.0.2.0/24", "us-east-1b", "no error"),
    ] {
        let made = bench
            .ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(cidr)
            .availability_zone(zone)
            .send()
            .await;
        assert_eq!(code(made), expected, "{cidr} {zone}");
    }
}

#[tokio::test]
async fn ids_are_looked_at_before_they_are_looked_up() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    for (id, expected) in [
        ("vpc-12345678", "InvalidVpcID.NotFound"),
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("vpc-zz", "InvalidVpcId.Malformed"),
        ("subnet-12345678", "InvalidVpcId.Malformed"),
    ] {
        assert_eq!(code(ec2.delete_vpc().vpc_id(id).send().await), expected);
    }
    for (id, expected) in [
        ("i-12345678", "InvalidInstanceID.NotFound"),
        ("i-12", "InvalidInstanceID.Malformed"),
    ] {
        let asked = ec2.describe_instances().instance_ids(id).send().await;
        assert_eq!(code(asked), expected);
    }
    let group = ec2.delete_security_group().group_id("sg-12345678").send();
    assert_eq!(code(group.await), "InvalidGroup.NotFound");
}

/// Launches an instance with a public address, in a group.
async fn launch_public(bench: &Bench, subnet: &str, group: &str) -> String {
    let nic = InstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .subnet_id(subnet)
        .groups(group)
        .associate_public_ip_address(true)
        .build();
    let launch = bench.launch(subnet).await.set_subnet_id(None);
    let launched = launch
        .network_interfaces(nic)
        .send()
        .await
        .expect("launched");
    launched.instances()[0]
        .instance_id()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn deleting_out_of_order_is_refused() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let gateway = bench.gateway(&vpc).await;
    let group = bench.group(&vpc, "sim").await;
    let other = bench.group(&vpc, "other").await;
    ec2.authorize_security_group_ingress()
        .group_id(&other)
        .ip_permissions(
            IpPermission::builder()
                .ip_protocol("-1")
                .user_id_group_pairs(UserIdGroupPair::builder().group_id(&group).build())
                .build(),
        )
        .send()
        .await
        .expect("authorized");
    let id = launch_public(&bench, &subnet, &other).await;
    let id = id.as_str();
    bench.wait(2);

    let violation = "DependencyViolation";
    assert_eq!(code(ec2.delete_vpc().vpc_id(&vpc).send().await), violation);
    assert_eq!(
        code(ec2.delete_subnet().subnet_id(&subnet).send().await),
        violation
    );
    let named_by_a_rule = ec2.delete_security_group().group_id(&group).send().await;
    assert_eq!(code(named_by_a_rule), violation);
    let on_an_interface = ec2.delete_security_group().group_id(&other).send().await;
    assert_eq!(code(on_an_interface), violation);
    let attached = ec2
        .delete_internet_gateway()
        .internet_gateway_id(&gateway)
        .send()
        .await;
    assert_eq!(code(attached), violation);
    let detach = || {
        ec2.detach_internet_gateway()
            .internet_gateway_id(&gateway)
            .vpc_id(&vpc)
            .send()
    };
    assert_eq!(
        code(detach().await),
        violation,
        "a public address is mapped"
    );

    ec2.terminate_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("terminating");
    assert_eq!(
        code(ec2.delete_subnet().subnet_id(&subnet).send().await),
        violation,
        "it is still shutting down"
    );
    bench.wait(2);
    detach().await.expect("detached");
    assert_eq!(code(detach().await), "Gateway.NotAttached");
    for it in [&other, &group] {
        ec2.delete_security_group()
            .group_id(it)
            .send()
            .await
            .expect("deleted");
    }
    ec2.delete_subnet()
        .subnet_id(&subnet)
        .send()
        .await
        .expect("deleted");
    ec2.delete_vpc().vpc_id(&vpc).send().await.expect("deleted");
    let left = bench.sandbox.live();
    assert_eq!(
        left.into_iter().collect::<Vec<_>>(),
        [("internet-gateway", 1)]
    );
}

#[tokio::test]
async fn what_comes_with_a_vpc_cannot_be_deleted_alone() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let of_vpc = Filter::builder().name("vpc-id").values(&vpc).build();
    let tables = ec2
        .describe_route_tables()
        .filters(of_vpc.clone())
        .send()
        .await
        .expect("found");
    let main = tables.route_tables()[0].route_table_id().expect("an id");
    let association = &tables.route_tables()[0].associations()[0];
    assert_eq!(association.main(), Some(true));
    assert_eq!(
        code(ec2.delete_route_table().route_table_id(main).send().await),
        "DependencyViolation"
    );
    let taken_off = ec2
        .disassociate_route_table()
        .association_id(association.route_table_association_id().expect("an id"))
        .send()
        .await;
    assert_eq!(code(taken_off), "InvalidParameterValue");
    let groups = ec2
        .describe_security_groups()
        .filters(of_vpc)
        .send()
        .await
        .expect("found");
    let default = &groups.security_groups()[0];
    assert_eq!(default.group_name(), Some("default"));
    let deleted = ec2
        .delete_security_group()
        .group_id(default.group_id().expect("an id"))
        .send()
        .await;
    assert_eq!(code(deleted), "CannotDelete");
}

#[tokio::test]
async fn gateways_and_routes() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let (vpc, second) = (bench.vpc().await, bench.vpc().await);
    let gateway = bench.gateway(&vpc).await;
    let attach = |vpc: &str| {
        ec2.attach_internet_gateway()
            .internet_gateway_id(&gateway)
            .vpc_id(vpc)
            .send()
    };
    assert_eq!(code(attach(&second).await), "Resource.AlreadyAssociated");
    let made = ec2.create_route_table().vpc_id(&vpc).send().await;
    let table = made
        .expect("made")
        .route_table
        .and_then(|it| it.route_table_id)
        .expect("an id");
    let route = |destination: &str, gateway: &str| {
        ec2.create_route()
            .route_table_id(&table)
            .destination_cidr_block(destination)
            .gateway_id(gateway)
            .send()
    };
    assert_eq!(
        code(route("0.0.0.0/0", "igw-12345678").await),
        "InvalidInternetGatewayID.NotFound"
    );
    route("0.0.0.0/0", &gateway).await.expect("a route");
    assert_eq!(
        code(route("0.0.0.0/0", &gateway).await),
        "RouteAlreadyExists"
    );
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let associate = |table: &str| {
        ec2.associate_route_table()
            .route_table_id(table)
            .subnet_id(&subnet)
            .send()
    };
    let first = associate(&table).await.expect("associated").association_id;
    let again = associate(&table).await.expect("the same").association_id;
    assert_eq!(first, again);
    assert_eq!(
        code(ec2.delete_route_table().route_table_id(&table).send().await),
        "DependencyViolation"
    );
    ec2.detach_internet_gateway()
        .internet_gateway_id(&gateway)
        .vpc_id(&vpc)
        .send()
        .await
        .expect("detached");
    let tables = ec2.describe_route_tables().route_table_ids(&table).send();
    let tables = tables.await.expect("found");
    let state = tables.route_tables()[0]
        .routes()
        .iter()
        .find(|it| it.gateway_id() == Some(&gateway))
        .and_then(|it| it.state())
        .expect("a state");
    assert_eq!(state.as_str(), "blackhole");
}

#[tokio::test]
async fn security_groups_and_their_rules() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let group = bench.group(&vpc, "sim").await;
    let same_name = ec2
        .create_security_group()
        .vpc_id(&vpc)
        .group_name("SIM")
        .description("x")
        .send()
        .await;
    assert_eq!(code(same_name), "InvalidGroup.Duplicate");
    let allow = |rule: IpPermission| {
        ec2.authorize_security_group_ingress()
            .group_id(&group)
            .ip_permissions(rule)
            .tag_specifications(tags(ResourceType::SecurityGroupRule, &[("lab", "a")]))
            .send()
    };
    let made = allow(ssh_from("192.0.2.77/24")).await.expect("authorized");
    let rule = &made.security_group_rules()[0];
    assert_eq!(
        (rule.cidr_ipv4(), rule.description(), rule.tags().len()),
        (Some("192.0.2.0/24"), Some("operators"), 1)
    );
    assert_eq!(
        code(allow(ssh_from("192.0.2.0/24")).await),
        "InvalidPermission.Duplicate"
    );
    for (permission, why) in [
        (ssh_from("nowhere"), "a bad range"),
        (
            IpPermission::builder().ip_protocol("tcp").build(),
            "no source",
        ),
    ] {
        let refused = code(allow(permission).await);
        assert!(
            ["InvalidParameterValue", "MissingParameter"].contains(&refused.as_str()),
            "{why}: {refused}"
        );
    }
    let both = ec2
        .authorize_security_group_ingress()
        .group_id(&group)
        .ip_permissions(ssh_from("198.51.100.0/24"))
        .ip_permissions(ssh_from("192.0.2.0/24"))
        .send()
        .await;
    assert_eq!(code(both), "InvalidPermission.Duplicate");
    let rules = ec2
        .describe_security_group_rules()
        .filters(Filter::builder().name("group-id").values(&group).build())
        .send()
        .await
        .expect("found");
    assert_eq!(
        rules.security_group_rules().len(),
        2,
        "ssh and the egress: a refused batch adds nothing"
    );
    let revoke = || {
        ec2.revoke_security_group_ingress()
            .group_id(&group)
            .ip_permissions(ssh_from("192.0.2.0/24"))
            .send()
    };
    revoke().await.expect("revoked");
    assert_eq!(code(revoke().await), "InvalidPermission.NotFound");
}

#[tokio::test]
async fn dry_runs_do_nothing_and_quotas_hold() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let dry = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .dry_run(true)
        .send()
        .await;
    assert_eq!(
        dry.as_ref()
            .err()
            .and_then(aws_sdk_ec2::error::SdkError::raw_response)
            .map(|it| it.status().as_u16()),
        Some(412)
    );
    assert_eq!(code(dry), "DryRunOperation");
    assert!(bench.sandbox.live().is_empty());
    for _ in 0..5 {
        bench.vpc().await;
    }
    let sixth = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(code(sixth), "VpcLimitExceeded");
    for _ in 0..5 {
        ec2.allocate_address().send().await.expect("allocated");
    }
    let sixth = ec2.allocate_address().send().await;
    assert_eq!(code(sixth), "AddressLimitExceeded");
    let vpcs = ec2.describe_vpcs().send().await.expect("found");
    let vpc = vpcs.vpcs()[0].vpc_id().expect("an id");
    let both = ec2
        .modify_vpc_attribute()
        .vpc_id(vpc)
        .enable_dns_hostnames(yes())
        .enable_dns_support(yes())
        .send()
        .await;
    assert_eq!(code(both), "InvalidParameterCombination");
}
