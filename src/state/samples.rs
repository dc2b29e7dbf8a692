//! Lockfiles and journals for tests: fixed ones and arbitrary ones.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    DoneStep, Effect, HostRecord, Intent, LabEntry, Lockfile, Pins, Record, Recorded, Standing,
};
use crate::model::{
    AccountId, Address, ClientToken, CloudId, Failure, FailureClass, ImageId, InstanceType, Kind,
    LabId, LabName, Market, PinnedImage, Region, RunId, Zone,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_323_045 + second).expect("it is within the calendar")
}

pub(crate) fn lab() -> LabEntry {
    LabEntry {
        name: LabName::try_from("twin").expect("a valid name"),
        id: LabId::new("k3v9q2"),
        account: AccountId::new("111122223333"),
        region: Region::new("eu-central-1"),
        endpoint: "aws".to_owned(),
    }
}

pub(crate) fn pins() -> Pins {
    let image = PinnedImage {
        id: ImageId::new("ami-0123456789abcdef0"),
        root_device: "/dev/sda1".to_owned(),
        architecture: "x86_64".to_owned(),
        root_gib: 8,
        name: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260101".to_owned(),
    };
    let zones = vec![Zone::new("eu-central-1a"), Zone::new("eu-central-1b")];
    Pins {
        my_ip: Some("203.0.113.7/32".parse().expect("an address block")),
        zones: BTreeMap::from([(InstanceType::new("g5.xlarge"), zones)]),
        images: BTreeMap::from([("ubuntu-22.04/x86_64".to_owned(), image)]),
        subnets: BTreeMap::new(),
        tags: BTreeMap::from([("project".to_owned(), "warehouse".to_owned())]),
    }
}

pub(crate) fn recorded(kind: Kind, id: &str) -> Recorded {
    Recorded {
        kind,
        id: CloudId::new(id),
        digest: format!("digest-of-{id}"),
        created: None,
        zone: None,
        instance_type: None,
        market: None,
        keep: false,
    }
}

/// A host with something in every field.
pub(crate) fn host() -> HostRecord {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let base = DoneStep {
        digest: "dd44".to_owned(),
        finished: at(300),
    };
    HostRecord {
        machine: "i-0".to_owned(),
        standing: Standing::NotReady,
        lacks: vec!["driver".to_owned()],
        measured: at(600),
        steps: BTreeMap::from([("base".to_owned(), base)]),
        versions: pairs(&[("docker", "27.3.1"), ("kernel", "6.8.0-1021-aws")]),
        found: pairs(&[("docker", "27.4.0")]),
        services: pairs(&[("nav2", "unhealthy"), ("redis", "healthy")]),
    }
}

/// A small lockfile as a user would have it.
pub(crate) fn lockfile() -> Lockfile {
    let vpc = Recorded {
        digest: "aa11".to_owned(),
        ..recorded(Kind::Vpc, "vpc-1")
    };
    let node = Recorded {
        digest: "bb22".to_owned(),
        created: Some(at(0)),
        zone: Some(Zone::new("eu-central-1a")),
        instance_type: Some(InstanceType::new("g5.xlarge")),
        market: Some(Market::Spot),
        ..recorded(Kind::Instance, "i-0")
    };
    let volume = Recorded {
        digest: "cc33".to_owned(),
        keep: true,
        ..recorded(Kind::Volume, "vol-1")
    };
    let resources = [
        ("network.vpc", vpc),
        ("node.sim.0", node),
        ("node.sim.0.volume.data", volume),
    ];
    Lockfile {
        serial: 7,
        unfinished: false,
        lab: lab(),
        pins: pins(),
        resources: resources
            .into_iter()
            .map(|(address, recorded)| (Address::new(address), recorded))
            .collect(),
        hosts: BTreeMap::from([(Address::new("node.sim.0"), host())]),
    }
}

/// A lockfile with one resource in which every field has a value.
pub(crate) fn full() -> Lockfile {
    let resource = Recorded {
        created: Some(at(0)),
        zone: Some(Zone::new("eu-central-1a")),
        instance_type: Some(InstanceType::new("g5.xlarge")),
        market: Some(Market::OnDemand),
        keep: true,
        ..recorded(Kind::Instance, "i-0")
    };
    let subnets = BTreeMap::from([(CloudId::new("subnet-1"), Zone::new("eu-central-1a"))]);
    Lockfile {
        serial: 1,
        unfinished: true,
        lab: lab(),
        pins: Pins { subnets, ..pins() },
        resources: BTreeMap::from([(Address::new("node.sim.0"), resource)]),
        hosts: BTreeMap::from([(Address::new("node.sim.0"), host())]),
    }
}

/// Any text that an id or address may be, with characters that TOML and JSON must quote.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß語]{1,24}"
}

fn any_recorded() -> impl Strategy<Value = Recorded> {
    let identity = (0..Kind::ALL.len(), text(), text(), any::<bool>());
    let placed = (
        proptest::option::of(-2_000_000_000..2_000_000_000_i64),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(any::<bool>()),
    );
    (identity, placed).prop_map(
        |((kind, id, digest, keep), (created, zone, instance_type, spot))| Recorded {
            kind: Kind::ALL[kind],
            id: CloudId::new(id),
            digest,
            created: created.map(at),
            zone: zone.map(Zone::new),
            instance_type: instance_type.map(InstanceType::new),
            market: spot.map(|spot| if spot { Market::Spot } else { Market::OnDemand }),
            keep,
        },
    )
}

fn any_pins() -> impl Strategy<Value = Pins> {
    let zones = proptest::collection::vec(text().prop_map(Zone::new), 0..3);
    (
        any::<bool>(),
        proptest::collection::btree_map(text().prop_map(InstanceType::new), zones, 0..3),
        proptest::collection::btree_map(text(), text(), 0..3),
        proptest::collection::btree_map(
            text().prop_map(CloudId::new),
            text().prop_map(Zone::new),
            0..3,
        ),
    )
        .prop_map(|(ip, zones, images, subnets)| {
            let sample = pins();
            let image = sample
                .images
                .values()
                .next()
                .expect("the sample has an image");
            let named = |name| PinnedImage {
                name,
                ..image.clone()
            };
            Pins {
                my_ip: sample.my_ip.filter(|_| ip),
                zones,
                images: images
                    .into_iter()
                    .map(|(key, name)| (key, named(name)))
                    .collect(),
                subnets,
                tags: BTreeMap::new(),
            }
        })
}

fn any_host() -> impl Strategy<Value = HostRecord> {
    let versions = || proptest::collection::btree_map(text(), text(), 0..3);
    let time = || (-2_000_000_000..2_000_000_000_i64).prop_map(at);
    let done = (text(), time()).prop_map(|(digest, finished)| DoneStep { digest, finished });
    let standing = prop_oneof![
        Just(Standing::Ready),
        Just(Standing::NotReady),
        Just(Standing::Unfinished)
    ];
    (
        (text(), standing, proptest::collection::vec(text(), 0..3)),
        (time(), proptest::collection::btree_map(text(), done, 0..3)),
        (versions(), versions(), versions()),
    )
        .prop_map(
            |((machine, standing, lacks), (measured, steps), (versions, found, services))| {
                HostRecord {
                    machine,
                    standing,
                    lacks,
                    measured,
                    steps,
                    versions,
                    found,
                    services,
                }
            },
        )
}

/// Any lockfile.
pub(crate) fn any_lockfile() -> impl Strategy<Value = Lockfile> {
    let resources =
        proptest::collection::btree_map(text().prop_map(Address::new), any_recorded(), 0..8);
    let hosts = proptest::collection::btree_map(text().prop_map(Address::new), any_host(), 0..3);
    let lab_and_pins = (any_pins(), text());
    (0..=i64::MAX.unsigned_abs(), lab_and_pins, resources, hosts).prop_map(
        |(serial, (pins, endpoint), resources, hosts)| Lockfile {
            unfinished: serial % 2 == 1,
            serial,
            lab: LabEntry { endpoint, ..lab() },
            pins,
            resources,
            hosts,
        },
    )
}

pub(crate) fn begun(run: &str, serial: u64) -> Record {
    Record::Begun {
        run: RunId::new(run),
        command: "apply".to_owned(),
        lab: lab(),
        pins: pins(),
        serial,
        at: at(0),
    }
}

pub(crate) fn intent(seq: u64, address: &str) -> Intent {
    Intent {
        seq,
        address: Address::new(address),
        kind: Kind::Vpc,
        token: ClientToken::new(format!("t-{seq}")),
        first: None,
        count: None,
        at: at(0),
    }
}

/// A journal with every kind of record and effect: a run that crashed, and one that went on and ended.
pub(crate) fn journal() -> Vec<Record> {
    let effect = |seq, effect| Record::Effect { seq, effect };
    let failure = || Failure::local(FailureClass::Transient, "RunInstances", "cut \"off\"\n");
    let made = |id: &str| {
        let resources = full().resources.into_iter();
        let resources = resources.map(|(address, recorded)| {
            let id = CloudId::new(id);
            (address, Recorded { id, ..recorded })
        });
        Effect::Made {
            resources: resources.collect(),
        }
    };
    let launch = Intent {
        first: Some(0),
        count: Some(2),
        kind: Kind::Instance,
        ..intent(2, "node.sim")
    };
    vec![
        begun("r1", 0),
        Record::Intent(intent(1, "network.vpc")),
        effect(1, Effect::Refused { failure: failure() }),
        Record::Intent(launch),
        effect(2, Effect::Unknown { failure: failure() }),
        begun("r2", 0),
        Record::Fresh,
        effect(2, made("i-1")),
        Record::Intent(intent(3, "network.vpc")),
        effect(3, Effect::Cleared),
        Record::Kept {
            address: Address::new("network.vpc"),
            recorded: recorded(Kind::Vpc, "vpc-1"),
        },
        Record::Gone {
            address: Address::new("network.vpc"),
            id: CloudId::new("vpc-1"),
        },
        Record::Host {
            address: Address::new("node.sim.0"),
            host: host(),
        },
        Record::HostGone {
            address: Address::new("edge.arm1"),
        },
        Record::Applied,
        Record::Ended {
            run: RunId::new("r2"),
            at: at(9),
        },
    ]
}

/// A journal that makes everything that a lockfile holds.
pub(crate) fn building(lockfile: &Lockfile) -> impl Iterator<Item = Record> {
    let head = Record::Begun {
        run: RunId::new("r1"),
        command: "apply".to_owned(),
        lab: lockfile.lab.clone(),
        pins: lockfile.pins.clone(),
        serial: lockfile.serial,
        at: at(0),
    };
    let made = Effect::Made {
        resources: lockfile.resources.clone().into_iter().collect(),
    };
    let effect = Record::Effect {
        seq: 1,
        effect: made,
    };
    let hosts: Vec<Record> = lockfile
        .hosts
        .iter()
        .map(|(address, host)| Record::Host {
            address: address.clone(),
            host: host.clone(),
        })
        .collect();
    let fresh = lockfile.unfinished.then_some(Record::Fresh);
    [head, Record::Intent(intent(1, "all")), effect]
        .into_iter()
        .chain(fresh)
        .chain(hosts)
}
