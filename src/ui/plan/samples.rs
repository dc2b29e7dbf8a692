//! A lab, and plans for it, for tests: built by the real builders from a profile value and a made-up world.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Place;
use crate::inventory::Inventory;
use crate::lab::{Facts, Lab};
use crate::model::{
    AccountId, Address, ImageId, ImageRef, InstanceType, LabId, LabName, NodeName, PinnedImage,
    PortRange, Protocol, QuotaCode, Region, RootVolume, Shutdown, UsageClass, Zone,
};
use crate::plan::{
    Bill, Capacity, HostPlan, Input, Mode, Notice, Plan, StepPlan, bill, build, preflight,
};
use crate::profile::{
    AccessPort, DataVolume, MarketChoice, Network, Node, Operator, Profile, Source, Zones,
};
use crate::state::Pins;

pub(in crate::ui) struct Sample {
    pub place: Place,
    pub plan: Plan,
    pub hosts: Vec<HostPlan>,
    pub bill: Bill,
    pub notices: Vec<Notice>,
    pub pins: Pins,
}

pub(in crate::ui) fn name<T: TryFrom<&'static str>>(text: &'static str) -> T {
    T::try_from(text).unwrap_or_else(|_| unreachable!("{text} is a valid name"))
}

fn node(count: u32) -> Node {
    let data = DataVolume {
        size_gib: 500,
        iops: 3_000,
        throughput_mib: 125,
        mount: "/data".to_owned(),
        keep: true,
    };
    Node {
        count,
        types: vec![
            InstanceType::new("g5.2xlarge"),
            InstanceType::new("g6.2xlarge"),
        ],
        market: MarketChoice::SpotThenOnDemand,
        max_price: None,
        on_interruption: None,
        on_rebalance: None,
        image: ImageRef("ubuntu-22.04".to_owned()),
        elastic_ip: true,
        root: RootVolume {
            size_gib: 200,
            iops: 3_000,
            throughput_mib: 125,
        },
        volumes: BTreeMap::from([(name("data"), data)]),
        bootstrap: Vec::new(),
        driver: None,
        stack: None,
        placement_group: false,
        instance_profile: None,
        shutdown: Shutdown::Stop,
        prevent_destroy: false,
        prevent_destroy_line: None,
    }
}

pub(in crate::ui) fn profile(count: u32) -> Profile {
    let port = |port, from| AccessPort {
        ports: PortRange {
            from: port,
            to: port,
        },
        protocol: Protocol::Tcp,
        from,
    };
    let world = Source::Cidrs(vec!["0.0.0.0/0".parse().expect("a block")]);
    Profile {
        name: name("digital-twin"),
        region: Region::new("us-east-1"),
        tags: BTreeMap::new(),
        network: Network {
            cidr: "10.0.0.0/16".parse().expect("a block"),
            zones: Zones::Auto,
            existing: None,
        },
        operators: vec![Operator::MyIp],
        keys: Vec::new(),
        ports: BTreeMap::from([
            (name("ssh"), port(22, Source::Operators)),
            (name("web"), port(8443, world)),
        ]),
        nodes: BTreeMap::from([(name::<NodeName>("sim"), node(count))]),
        stacks: BTreeMap::new(),
        steps: BTreeMap::new(),
        metrics: None,
        idle: None,
        schedule: None,
        budget: None,
        state: None,
        moved: Vec::new(),
        edge: BTreeMap::new(),
    }
}

fn pins() -> Pins {
    let zones = |letters: &str| {
        letters
            .chars()
            .map(|letter| Zone::new(format!("us-east-1{letter}")))
            .collect()
    };
    let image = PinnedImage {
        id: ImageId::new("ami-0a1b2c3d4e5f67890"),
        root_device: "/dev/sda1".to_owned(),
        architecture: "x86_64".to_owned(),
        root_gib: 8,
        name: "ubuntu-jammy-22.04-amd64-server-20260701".to_owned(),
    };
    Pins {
        my_ip: Some("203.0.113.7/32".parse().expect("a block")),
        zones: BTreeMap::from([
            (InstanceType::new("g5.2xlarge"), zones("abcdf")),
            (InstanceType::new("g6.2xlarge"), zones("abcd")),
        ]),
        images: BTreeMap::from([("ubuntu-22.04/x86_64".to_owned(), image)]),
        subnets: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

pub(in crate::ui) fn now() -> Timestamp {
    "2026-07-21T08:15:00Z".parse().expect("a moment")
}

/// Each resource of the lab with what must be there before it.
pub(in crate::ui) fn edges(count: u32) -> Vec<(Address, Vec<Address>)> {
    let resources = lab(count).resources.into_iter();
    resources
        .map(|(address, resource)| (address, resource.after.into_iter().collect()))
        .collect()
}

fn lab(count: u32) -> Lab {
    let pins = pins();
    let facts = Facts {
        lab_id: LabId::new("k3v9q2"),
        my_ip: pins.my_ip,
        zones: pins.zones,
        images: pins.images,
        subnets: BTreeMap::new(),
        public_keys: Vec::new(),
    };
    crate::lab::build(&profile(count), &facts).expect("the sample makes a lab")
}

/// The lab with `count` nodes, of which nothing exists yet.
/// A host on which everything is to be done.
fn host(index: u32) -> HostPlan {
    let steps = [
        "base",
        "nvidia-driver",
        "docker",
        "nvidia-container-toolkit",
        "ros-network",
    ];
    HostPlan {
        address: Address::new(format!("node.sim.{index}")),
        asleep: false,
        replaced: false,
        steps: steps.map(|step| (step.to_owned(), StepPlan::New)).to_vec(),
        standing: None,
        measured: None,
        drift: Vec::new(),
    }
}

pub(in crate::ui) fn sample(count: u32) -> Sample {
    let (pins, lab) = (pins(), lab(count));
    let observed = Inventory::empty(now());
    let targets = BTreeSet::new();
    let plan = build(&Input {
        mode: Mode::Apply,
        lab: &lab,
        recorded: None,
        observed: &observed,
        targets: &targets,
    });
    let capacity = Capacity {
        quotas: BTreeMap::from([
            (
                QuotaCode::vcpus(UsageClass::G, crate::model::Market::OnDemand),
                (0, 0),
            ),
            (
                QuotaCode::vcpus(UsageClass::G, crate::model::Market::Spot),
                (64_000, 0),
            ),
            (QuotaCode::ELASTIC_IPS, (5, 1)),
        ]),
        offered: BTreeMap::new(),
    };
    Sample {
        place: Place {
            lab: name::<LabName>("digital-twin"),
            region: lab.region.clone(),
            account: AccountId::new("111122223333"),
            endpoint: "aws".to_owned(),
        },
        hosts: (0..count).map(host).collect(),
        bill: bill(
            &lab,
            &Inventory::empty(Timestamp::UNIX_EPOCH),
            None,
            &BTreeMap::new(),
        ),
        notices: preflight(&lab, &plan, &observed, &capacity),
        plan,
        pins,
    }
}
