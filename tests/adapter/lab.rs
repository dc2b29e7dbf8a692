//! A whole lab, one operation after the other: built, read, changed, taken down.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use roboinfra::inventory::{Inventory, Seen, SeenInstance, SeenVolume};
use roboinfra::model::{
    CloudId, FailureClass, ImageRef, InstanceState, InstanceType, Kind, LaunchSpec, Market, Op,
    Outcome, PinnedImage, RootVolume, Rung, Shutdown, SpotOptions, Zone,
};
use roboinfra::port::{Clock, Cloud};

use super::bench::{Bench, existing, owned, rule, tag};

const SSM_POLICY: &str = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
const CLOUDWATCH_POLICY: &str = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJJL+p5L8oSfAOLEnLVhTbnSGDVJcDJ0yzm5S7cFWkq";
const ZONE: &str = "us-east-1a";
/// What a no-op plan of one zone may cost, without the caller's identity.
const READING: usize = 15;

struct Network {
    vpc: CloudId,
    subnet: CloudId,
    gateway: CloudId,
    table: CloudId,
    route: CloudId,
    tie: CloudId,
    group: CloudId,
}

struct Access {
    key: CloudId,
    role: CloudId,
    profile: CloudId,
}

pub(crate) async fn from_nothing_to_nothing(bench: &Bench) {
    let network = network(bench).await;
    rules(bench, &network.group).await;
    let access = access(bench).await;
    let image = image(bench).await;
    let launch = launch(bench, &network, &access, image).await;
    let nodes = nodes(bench, &launch, &network).await;
    let volume = volume(bench, &nodes[0]).await;
    let address = elastic_ip(bench, &nodes[0]).await;
    reading(bench, &network, &nodes).await;
    changes(bench, &network, &nodes, &volume).await;
    spot(bench, &launch, &network).await;
    placement(bench).await;
    leave_nodes(bench, &nodes, &volume, &address).await;
    leave_access(bench, access).await;
    leave_network(bench, network).await;
    let left = owned(&bench.world().await);
    assert!(left.is_empty(), "{left:?}");
}

async fn network(bench: &Bench) -> Network {
    let cidr = "10.0.0.0/16".parse().expect("a block");
    let vpc = bench.make("network.vpc", Op::CreateVpc { cidr }).await;
    bench
        .act(Op::EnableDnsHostnames {
            vpc: existing(&vpc),
        })
        .await;
    let subnet = Op::CreateSubnet {
        vpc: existing(&vpc),
        zone: Zone::new(ZONE),
        cidr: "10.0.0.0/20".parse().expect("a block"),
    };
    let subnet = bench.make("network.subnet.us-east-1a", subnet).await;
    let gateway = bench
        .make("network.internet-gateway", Op::CreateInternetGateway)
        .await;
    for _ in 0..2 {
        bench
            .act(Op::AttachInternetGateway {
                gateway: existing(&gateway),
                vpc: existing(&vpc),
            })
            .await;
    }
    let table = Op::CreateRouteTable {
        vpc: existing(&vpc),
    };
    let table = bench.make("network.route-table", table).await;
    let route = Op::CreateRoute {
        table: existing(&table),
        destination: "0.0.0.0/0".parse().expect("a block"),
        gateway: existing(&gateway),
    };
    let made = bench.make("network.route.default", route.clone()).await;
    assert_eq!(
        bench.make("network.route.default", route).await,
        made,
        "already so"
    );
    let tie = Op::AssociateRouteTable {
        table: existing(&table),
        subnet: existing(&subnet),
    };
    let tie = bench
        .make("network.route-table-association.us-east-1a", tie)
        .await;
    let group = Op::CreateSecurityGroup {
        vpc: existing(&vpc),
        name: "whole".to_owned(),
        description: "adapter test".to_owned(),
    };
    let made_group = bench.make("access.group", group.clone()).await;
    let twice = bench
        .perform("access.group", &group)
        .await
        .expect_err("one name, one group");
    assert_eq!(twice.class, FailureClass::AlreadyExists);
    Network {
        vpc,
        subnet,
        gateway,
        table,
        route: made,
        tie,
        group: made_group,
    }
}

async fn rules(bench: &Bench, group: &CloudId) {
    let group_ref = existing(group);
    let mut wanted = BTreeSet::from([rule(22, "192.0.2.1/32"), rule(22, "198.51.100.0/24")]);
    let authorize = |rules: &BTreeSet<_>| Op::AuthorizeIngress {
        group: group_ref.clone(),
        rules: rules.clone(),
    };
    bench.act(authorize(&wanted)).await;
    bench.act(authorize(&wanted)).await;
    wanted.insert(rule(8765, "2001:db8::/32"));
    bench.act(authorize(&wanted)).await;
    let seen = || async {
        let world = bench.world().await;
        match &world.by_id(group).expect("the group").seen {
            Seen::SecurityGroup(seen) => seen.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(seen().await.rules, wanted);
    let unwanted = BTreeSet::from([rule(22, "198.51.100.0/24")]);
    let revoke = Op::RevokeIngress {
        group: group_ref.clone(),
        rules: unwanted.clone(),
    };
    bench.act(revoke.clone()).await;
    bench.act(revoke).await;
    bench
        .act(Op::RevokeIngress {
            group: group_ref.clone(),
            rules: wanted.clone(),
        })
        .await;
    assert!(seen().await.rules.is_empty());
    bench
        .act(authorize(&BTreeSet::from([rule(22, "192.0.2.1/32")])))
        .await;
}

async fn access(bench: &Bench) -> Access {
    let import = Op::ImportKeyPair {
        name: "whole".to_owned(),
        public_key: KEY.to_owned(),
    };
    let key = bench.make("access.key", import.clone()).await;
    let twice = bench
        .perform("access.key", &import)
        .await
        .expect_err("one name, one key");
    assert_eq!(twice.class, FailureClass::AlreadyExists);
    let role = bench
        .make(
            "access.role",
            Op::CreateRole {
                name: "whole".to_owned(),
            },
        )
        .await;
    for policy in [SSM_POLICY, CLOUDWATCH_POLICY, SSM_POLICY] {
        bench
            .act(Op::AttachRolePolicy {
                role: existing(&role),
                policy: policy.to_owned(),
            })
            .await;
    }
    let profile = Op::CreateInstanceProfile {
        name: "whole".to_owned(),
    };
    let profile = bench.make("access.profile", profile).await;
    for _ in 0..2 {
        bench
            .act(Op::AddRoleToInstanceProfile {
                profile: existing(&profile),
                role: existing(&role),
            })
            .await;
    }
    Access { key, role, profile }
}

async fn image(bench: &Bench) -> PinnedImage {
    let jammy = ImageRef("ubuntu-22.04".to_owned());
    bench.aws.image(&jammy, "x86_64").await.expect("an image")
}

async fn launch(
    bench: &Bench,
    network: &Network,
    access: &Access,
    image: PinnedImage,
) -> Arc<LaunchSpec> {
    // A new profile takes its time to reach EC2.
    bench.clock.sleep(std::time::Duration::from_mins(1)).await;
    Arc::new(LaunchSpec {
        ladder: Vec::new(),
        image_ref: ImageRef("ubuntu-22.04".to_owned()),
        image,
        key: Some(existing(&access.key)),
        security_groups: vec![existing(&network.group)],
        instance_profile: Some(existing(&access.profile)),
        placement_group: None,
        root: RootVolume {
            size_gib: 200,
            iops: 4000,
            throughput_mib: 250,
        },
        user_data: Some("#!/bin/sh\ntrue\n".to_owned()),
        shutdown: Shutdown::Stop,
        spot: SpotOptions {
            max_price: None,
            persistent: true,
        },
    })
}

fn run(launch: &Arc<LaunchSpec>, network: &Network, market: Market, count: u32) -> Op {
    let rung = Rung {
        market,
        instance_type: InstanceType::new("g5.xlarge"),
        zone: Zone::new(ZONE),
        subnet: existing(&network.subnet),
    };
    Op::RunInstances {
        launch: launch.clone(),
        rung,
        first: 3,
        count,
        min: count,
    }
}

/// Two nodes in one launch; the same intent again makes no third where tokens are honoured.
async fn nodes(bench: &Bench, launch: &Arc<LaunchSpec>, network: &Network) -> Vec<CloudId> {
    let op = run(launch, network, Market::OnDemand, 2);
    let stamp = bench.stamp("node.sim");
    let outcome = bench.aws.perform(&op, &stamp).await.expect("launches");
    let indices: Vec<_> = outcome.born.iter().map(|born| born.launch_index).collect();
    assert_eq!(indices, [0, 1]);
    assert!(
        outcome
            .born
            .iter()
            .all(|born| born.zone == Some(Zone::new(ZONE)))
    );
    if bench.faithful {
        let again: Outcome = bench.aws.perform(&op, &stamp).await.expect("the same");
        assert_eq!(again, outcome);
    }
    let nodes: Vec<_> = outcome.born.into_iter().map(|born| born.id).collect();
    bench.settle(&nodes, InstanceState::Running).await;
    nodes
}

fn seen_instance<'a>(world: &'a Inventory, id: &CloudId) -> &'a SeenInstance {
    world
        .by_id(id)
        .and_then(|sighting| sighting.instance())
        .expect("an instance")
}

fn seen_volume<'a>(world: &'a Inventory, id: &CloudId) -> &'a SeenVolume {
    match &world.by_id(id).expect("a volume").seen {
        Seen::Volume(volume) => volume,
        other => panic!("{other:?}"),
    }
}

async fn volume(bench: &Bench, node: &CloudId) -> CloudId {
    let create = |zone| Op::CreateVolume {
        beside: existing(node),
        zone,
        size_gib: 500,
        iops: 3000,
        throughput_mib: 125,
    };
    let unplaced = bench
        .perform("volume.data", &create(None))
        .await
        .expect_err("no zone");
    assert_eq!(unplaced.class, FailureClass::Invalid);
    let volume = bench
        .make("volume.data", create(Some(Zone::new(ZONE))))
        .await;
    bench.until_available(&volume).await;
    let attach = Op::AttachVolume {
        volume: existing(&volume),
        instance: existing(node),
        device: "/dev/sdf".to_owned(),
    };
    bench.act(attach.clone()).await;
    bench.act(attach).await;
    assert_eq!(bench.aws.volume_is_available(&volume).await, Ok(false));
    volume
}

async fn elastic_ip(bench: &Bench, node: &CloudId) -> CloudId {
    let address = bench.make("address.sim", Op::AllocateAddress).await;
    for _ in 0..2 {
        bench
            .act(Op::AssociateAddress {
                allocation: existing(&address),
                instance: existing(node),
            })
            .await;
    }
    address
}

/// Everything is seen at its address, with what was asked for; and reading is cheap.
async fn reading(bench: &Bench, network: &Network, nodes: &[CloudId]) {
    bench.calls.take();
    let world = bench.world().await;
    let calls = bench.calls.take();
    assert!(calls.len() <= READING, "{} calls: {calls:?}", calls.len());
    let seen: BTreeSet<_> = owned(&world)
        .into_iter()
        .filter(|(kind, _, _)| *kind != Kind::Volume)
        .filter_map(|(_, _, address)| address)
        .collect();
    let expected = [
        "access.group",
        "access.key",
        "access.profile",
        "access.role",
        "address.sim",
        "network.internet-gateway",
        "network.route-table",
        "network.route-table-association.us-east-1a",
        "network.route.default",
        "network.subnet.us-east-1a",
        "network.vpc",
        "node.sim.3",
        "node.sim.4",
    ];
    assert_eq!(seen, expected.map(str::to_owned).into());
    let node = seen_instance(&world, &nodes[0]);
    assert_eq!(node.imds_v2_required, Some(true));
    assert_eq!(node.imds_hop_limit, Some(2));
    assert_eq!(node.instance_profile.as_deref(), Some("whole"));
    assert_eq!(
        node.security_groups,
        Some(BTreeSet::from([network.group.clone()]))
    );
    assert_eq!(node.market, Market::OnDemand);
    assert!(node.public_ip.is_some());
    let root = seen_volume(&world, node.root_volume.as_ref().expect("a root volume"));
    assert_eq!((root.size_gib, root.encrypted), (Some(200), Some(true)));
    assert!(root.dies_with_instance);
    if bench.faithful {
        assert_eq!((root.iops, root.throughput_mib), (Some(4000), Some(250)));
    }
    if let Seen::Vpc(vpc) = &world.by_id(&network.vpc).expect("the VPC").seen {
        assert_eq!(vpc.dns_hostnames, Some(true));
    }
    let interfaces = bench
        .aws
        .interfaces(&network.vpc)
        .await
        .expect("interfaces");
    assert!(
        interfaces
            .iter()
            .any(|blocker| blocker.instance.as_ref() == Some(&nodes[0]))
    );
    assert!(world.region_use.vpcs > 0 && world.region_use.elastic_ips > 0);
}

async fn changes(bench: &Bench, network: &Network, nodes: &[CloudId], volume: &CloudId) {
    let all = || nodes.iter().map(existing).collect::<Vec<_>>();
    bench.act(Op::RebootInstances { instances: all() }).await;
    bench.act(Op::StopInstances { instances: all() }).await;
    bench.settle(nodes, InstanceState::Stopped).await;
    let instance = existing(&nodes[0]);
    let instance_type = InstanceType::new("g5.2xlarge");
    bench
        .act(Op::ModifyInstanceType {
            instance: instance.clone(),
            instance_type: instance_type.clone(),
        })
        .await;
    bench.act(Op::StartInstances { instances: all() }).await;
    bench.settle(nodes, InstanceState::Running).await;
    bench
        .act(Op::RequireImdsV2 {
            instance: instance.clone(),
        })
        .await;
    let groups = vec![existing(&network.group)];
    bench.act(Op::SetSecurityGroups { instance, groups }).await;
    let bigger = Op::ModifyVolume {
        volume: existing(volume),
        size_gib: 600,
        iops: 4000,
        throughput_mib: 250,
    };
    bench.act(bigger).await;
    let resources = vec![existing(volume), existing(&nodes[0])];
    bench
        .act(Op::CreateTags {
            resources,
            tags: tag("roboinfra:keep", "true"),
        })
        .await;
    let world = bench.world().await;
    assert_eq!(
        seen_instance(&world, &nodes[0]).instance_type,
        instance_type
    );
    assert_eq!(seen_volume(&world, volume).size_gib, Some(600));
    assert!(!seen_volume(&world, volume).dies_with_instance);
    let tags = &world.by_id(volume).expect("the volume").tags;
    assert_eq!(tags.get("roboinfra:keep").map(String::as_str), Some("true"));
    let used = bench
        .aws
        .vcpus_in_use(roboinfra::model::UsageClass::G, Market::OnDemand)
        .await
        .expect("a number");
    assert!(!bench.faithful || used >= 8 + 4, "{used}");
}

async fn spot(bench: &Bench, launch: &Arc<LaunchSpec>, network: &Network) {
    let made = bench
        .make("node.spot", run(launch, network, Market::Spot, 1))
        .await;
    bench
        .settle(std::slice::from_ref(&made), InstanceState::Running)
        .await;
    let world = bench.world().await;
    let seen = seen_instance(&world, &made);
    assert_eq!(seen.market, Market::Spot);
    assert!(!bench.faithful || seen.spot_request.is_some());
    if let Some(request) = &seen.spot_request {
        for _ in 0..2 {
            bench
                .act(Op::CancelSpotRequests {
                    requests: vec![request.clone()],
                })
                .await;
        }
    }
    bench
        .act(Op::TerminateInstances {
            instances: vec![existing(&made)],
        })
        .await;
    bench.settle(&[made], InstanceState::Terminated).await;
}

async fn placement(bench: &Bench) {
    if bench.faithful {
        let name = "whole".to_owned();
        let group = bench
            .make("placement", Op::CreatePlacementGroup { name })
            .await;
        assert!(bench.world().await.by_id(&group).is_some());
        bench.delete(Kind::PlacementGroup, &group).await;
    }
}

async fn leave_nodes(bench: &Bench, nodes: &[CloudId], volume: &CloudId, address: &CloudId) {
    let world = bench.world().await;
    let Some(Seen::ElasticIp(seen)) = world.by_id(address).map(|s| s.seen.clone()) else {
        panic!("the address is not seen");
    };
    assert_eq!(seen.instance.as_ref(), Some(&nodes[0]));
    let association = seen.association.expect("an association");
    for _ in 0..2 {
        bench
            .act(Op::DisassociateAddress {
                allocation: existing(address),
                association: association.clone(),
            })
            .await;
    }
    bench.delete(Kind::ElasticIp, address).await;
    bench
        .act(Op::DetachVolume {
            volume: existing(volume),
        })
        .await;
    bench.until_available(volume).await;
    bench
        .act(Op::TerminateInstances {
            instances: nodes.iter().map(existing).collect(),
        })
        .await;
    bench.settle(nodes, InstanceState::Terminated).await;
    bench.delete(Kind::Volume, volume).await;
    let gone = CloudId::new("i-0123456789abcdef0");
    let op = Op::TerminateInstances {
        instances: vec![existing(&gone)],
    };
    let failure = bench.perform("none", &op).await.expect_err("never was");
    assert_eq!(
        failure.class,
        FailureClass::NotFound,
        "it may still be running"
    );
}

async fn leave_access(bench: &Bench, access: Access) {
    let (profile, role) = (existing(&access.profile), existing(&access.role));
    let early = Op::Delete {
        kind: Kind::Role,
        target: role.clone(),
    };
    let failure = bench
        .perform("none", &early)
        .await
        .expect_err("still in use");
    assert_eq!(failure.class, FailureClass::Conflict);
    // moto answers 500 where IAM answers that there is no such role in the profile.
    for _ in 0..if bench.faithful { 2 } else { 1 } {
        bench
            .act(Op::RemoveRoleFromInstanceProfile {
                profile: profile.clone(),
                role: role.clone(),
            })
            .await;
    }
    bench.delete(Kind::InstanceProfile, &access.profile).await;
    for policy in [SSM_POLICY, CLOUDWATCH_POLICY, SSM_POLICY] {
        bench
            .act(Op::DetachRolePolicy {
                role: role.clone(),
                policy: policy.to_owned(),
            })
            .await;
    }
    bench.delete(Kind::Role, &access.role).await;
    bench.delete(Kind::KeyPair, &access.key).await;
}

async fn leave_network(bench: &Bench, network: Network) {
    let failure = bench
        .perform(
            "none",
            &Op::Delete {
                kind: Kind::Vpc,
                target: existing(&network.vpc),
            },
        )
        .await
        .expect_err("not empty");
    assert_eq!(failure.class, FailureClass::Conflict);
    bench.delete(Kind::SecurityGroup, &network.group).await;
    bench
        .delete(Kind::RouteTableAssociation, &network.tie)
        .await;
    bench.delete(Kind::Route, &network.route).await;
    bench.delete(Kind::RouteTable, &network.table).await;
    let detach = Op::DetachInternetGateway {
        gateway: existing(&network.gateway),
        vpc: existing(&network.vpc),
    };
    bench.act(detach.clone()).await;
    bench.act(detach).await;
    bench.delete(Kind::InternetGateway, &network.gateway).await;
    bench.delete(Kind::Subnet, &network.subnet).await;
    bench.delete(Kind::Vpc, &network.vpc).await;
}
