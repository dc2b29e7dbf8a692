//! Runs for tests, each a list of moments in milliseconds and events.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Event, Outline, RunEnd};
use crate::model::{Action, Address, CloudId, Failure, FailureClass, Kind, RunId};

pub(in crate::ui) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_784_620_800_000 + millis).expect("it is within the calendar")
}

fn kind(address: &str) -> Kind {
    match address.split('.').next() {
        Some("node") => Kind::Instance,
        Some("elastic-ip") => Kind::ElasticIp,
        Some("volume") => Kind::Volume,
        _ if address.contains("subnet") => Kind::Subnet,
        _ => Kind::Vpc,
    }
}

pub(in crate::ui) fn outline(addresses: &[&str]) -> Vec<Outline> {
    let entry = |address: &&str| Outline {
        address: Address::new(*address),
        kind: kind(address),
        action: Action::Create,
        steps: 1,
    };
    addresses.iter().map(entry).collect()
}

fn begun(addresses: &[&str]) -> Event {
    Event::Begun {
        run: RunId::new("r-7f3k2m"),
        outline: outline(addresses),
    }
}

fn step(address: &str, covers: &[&str], what: &str) -> Event {
    let covers = covers
        .iter()
        .map(|address| Address::new(*address))
        .collect();
    Event::StepBegun {
        address: Address::new(address),
        covers,
        what: what.to_owned(),
    }
}

fn done(address: &str, id: &str) -> Event {
    Event::ResourceDone {
        address: Address::new(address),
        kind: kind(address),
        action: Action::Create,
        id: Some(CloudId::new(id)),
        took: Duration::from_millis(400),
    }
}

pub(in crate::ui) fn no_quota() -> Failure {
    Failure {
        class: FailureClass::Quota,
        operation: "RunInstances".to_owned(),
        code: Some("VcpuLimitExceeded".to_owned()),
        message: "You have requested more vCPU capacity than your current vCPU limit of 4 allows\u{1b}[31m".to_owned(),
        request_id: Some("3f1c-77".to_owned()),
        leftover: crate::model::Leftover::Nothing,
    }
}

fn throttled() -> Failure {
    Failure {
        code: Some("RequestLimitExceeded".to_owned()),
        ..Failure::local(
            FailureClass::Throttled,
            "CreateSubnet",
            "Request limit exceeded.",
        )
    }
}

/// A small lab that gets a machine after a fallback, and loses its address to a quota.
pub(in crate::ui) fn story() -> Vec<(i64, Event)> {
    let address = || Address::new("node.sim.0");
    let wait = |what: &str| Event::Waiting {
        address: address(),
        what: what.to_owned(),
        elapsed: Duration::from_secs(5),
    };
    let subnets = ["network.subnet.us-east-1a", "network.subnet.us-east-1b"];
    let all = [
        "network.vpc",
        subnets[0],
        subnets[1],
        "node.sim.0",
        "elastic-ip.sim.0",
        "volume.sim.0.data",
    ];
    vec![
        (0, begun(&all)),
        (10, step("network.vpc", &["network.vpc"], "CreateVpc")),
        (420, done("network.vpc", "vpc-0a1b2c3d4e5f67890")),
        (430, step(subnets[0], &[subnets[0]], "CreateSubnet")),
        (
            440,
            Event::Retrying {
                address: Address::new(subnets[0]),
                failure: throttled(),
                tries: 1,
                wait: Duration::from_millis(350),
            },
        ),
        (900, done(subnets[0], "subnet-0aaa")),
        (910, done(subnets[1], "subnet-0bbb")),
        (1_000, step("node.sim", &["node.sim.0"], "RunInstances")),
        (
            2_700,
            Event::FellBack {
                address: Address::new("node.sim"),
                from: "spot g5.2xlarge in us-east-1a".to_owned(),
                to: "spot g5.2xlarge in us-east-1b".to_owned(),
                code: "InsufficientInstanceCapacity".to_owned(),
            },
        ),
        (
            4_500,
            Event::Made {
                address: address(),
                kind: Kind::Instance,
                id: CloudId::new("i-0123456789abcdef0"),
            },
        ),
        (9_500, wait("0 of 1 running")),
        (14_500, wait("0 of 1 running")),
        (40_000, wait("0 of 1 running")),
        (44_100, done("node.sim.0", "i-0123456789abcdef0")),
        (
            44_200,
            Event::StepFailed {
                address: Address::new("elastic-ip.sim.0"),
                covers: vec![Address::new("elastic-ip.sim.0")],
                failure: no_quota(),
            },
        ),
        (
            44_300,
            Event::Skipped {
                address: Address::new("volume.sim.0.data"),
                because: Address::new("elastic-ip.sim.0"),
            },
        ),
        (44_310, Event::Draining { running: 1 }),
        (44_400, ended(4, 1, 1)),
    ]
}

fn ended(created: usize, failed: usize, skipped: usize) -> Event {
    let end = if failed > 0 {
        RunEnd::Failed
    } else {
        RunEnd::Done
    };
    Event::Ended {
        end,
        done: BTreeMap::from([(Action::Create, created)]),
        failed,
        skipped,
        took: Duration::from_millis(44_400),
    }
}

/// `count` nodes, launched together.
pub(in crate::ui) fn story_of_many(count: usize) -> Vec<(i64, Event)> {
    let names: Vec<String> = (0..count)
        .map(|index| format!("node.sim.{index}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut story = vec![
        (0, begun(&names)),
        (10, step("node.sim", &names, "RunInstances")),
    ];
    for (place, name) in names.iter().enumerate() {
        story.push((2_000 + i64::try_from(place).unwrap_or(0), done(name, "i-1")));
    }
    story.push((9_000, ended(count, 0, 0)));
    story
}
