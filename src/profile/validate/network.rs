//! `[network]`.

use ipnet::Ipv4Net;

use super::address;
use super::names::no_duplicates;
use crate::model::{CloudId, Region, Zone};
use crate::profile::codes::{BAD_CIDR, BAD_ID, BAD_ZONE, DOCKER_NETWORK, NETWORK_CHOICE, TOO_MANY};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::types::{ExistingNetwork, Network, Zones};

const DEFAULT_CIDR: Ipv4Net = Ipv4Net::new_assert(core::net::Ipv4Addr::new(10, 0, 0, 0), 16);
/// The private blocks of RFC 1918.
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(core::net::Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(core::net::Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(core::net::Ipv4Addr::new(192, 168, 0, 0), 16),
];
/// The block of Docker's default bridge.
const DOCKER: Ipv4Net = Ipv4Net::new_assert(core::net::Ipv4Addr::new(172, 17, 0, 0), 16);
/// No region has more zones.
const MOST_ZONES: usize = 8;

pub(super) fn network(
    fields: Option<&Fields<'_>>,
    region: Option<&Region>,
    problems: &mut Problems,
) -> Network {
    let mut network = Network {
        cidr: DEFAULT_CIDR,
        zones: Zones::Auto,
        existing: None,
    };
    let Some(fields) = fields else { return network };
    if let Some(cidr) = fields.text("cidr").and_then(|at| cidr(&at, problems)) {
        network.cidr = cidr;
    }
    if let Some(listed) = fields.texts("zones") {
        network.zones = Zones::Listed(zones(&listed, region, problems));
    }
    network.existing = existing(fields, problems);
    network
}

fn cidr(at: &At<&str>, problems: &mut Problems) -> Option<Ipv4Net> {
    let block = address::block_v4(at, problems)?;
    if !(16..=24).contains(&block.prefix_len()) {
        problems
            .add(
                BAD_CIDR,
                &at.span,
                format!(
                    "{block} is too {}",
                    if block.prefix_len() < 16 {
                        "large"
                    } else {
                        "small"
                    }
                ),
            )
            .says("not /16 to /24")
            .advise("a lab's network is /16 to /24, for example `10.0.0.0/16`");
    } else if !PRIVATE.iter().any(|private| private.contains(&block)) {
        problems
            .add(BAD_CIDR, &at.span, format!("{block} is not private"))
            .says("addresses of the internet")
            .advise("take a block from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
    } else if DOCKER.contains(&block) {
        problems
            .add(
                DOCKER_NETWORK,
                &at.span,
                format!("{block} is also Docker's own network"),
            )
            .says("containers would not reach the VPC")
            .advise("take another block, for example `10.0.0.0/16`");
    }
    Some(block)
}

fn zones(
    listed: &At<Vec<At<&str>>>,
    region: Option<&Region>,
    problems: &mut Problems,
) -> Vec<Zone> {
    no_duplicates(&listed.value, "`zones`", problems);
    if listed.value.is_empty() || listed.value.len() > MOST_ZONES {
        problems
            .add(
                TOO_MANY,
                &listed.span,
                format!("`zones` must list 1 to {MOST_ZONES} zones"),
            )
            .says("this many zones cannot be")
            .advise("`zones = \"auto\"` takes every zone that offers a node type");
    }
    for zone in &listed.value {
        let Some(region) = region else { continue };
        let letter = zone.value.strip_prefix(region.as_str());
        let good =
            letter.is_some_and(|l| l.len() == 1 && l.bytes().all(|b| b.is_ascii_lowercase()));
        if !good {
            problems
                .add(
                    BAD_ZONE,
                    &zone.span,
                    format!("{} is not a zone of {region}", quote(zone.value)),
                )
                .says("not in the lab's region")
                .advise(format!(
                    "a zone is its region and a letter, for example `{region}a`"
                ));
        }
    }
    listed
        .value
        .iter()
        .map(|zone| Zone::new(zone.value))
        .collect()
}

fn existing(fields: &Fields<'_>, problems: &mut Problems) -> Option<ExistingNetwork> {
    let vpc = fields.text("vpc");
    let subnets = fields.texts("subnets");
    let span = vpc
        .as_ref()
        .map(|vpc| &vpc.span)
        .or(subnets.as_ref().map(|subnets| &subnets.span))?;
    for own in ["cidr", "zones"] {
        if let Some(other) = fields.span_of(own) {
            problems
                .add(
                    NETWORK_CHOICE,
                    &other,
                    format!("`{own}` is for a new network, and this one exists"),
                )
                .says("has no effect")
                .see(span, "the existing network")
                .advise(format!("remove `{own}`, or `vpc` and `subnets`"));
        }
    }
    let (Some(vpc), Some(subnets)) = (&vpc, &subnets) else {
        let (missing, there) = if vpc.is_none() {
            ("vpc", "subnets")
        } else {
            ("subnets", "vpc")
        };
        if !fields.has(missing) {
            problems
                .add(
                    NETWORK_CHOICE,
                    span,
                    format!("`{there}` needs `{missing}` beside it"),
                )
                .says(format!("`{missing}` is missing"))
                .advise("an existing network is named by `vpc` and `subnets` together");
        }
        return None;
    };
    no_duplicates(&subnets.value, "`subnets`", problems);
    if subnets.value.is_empty() {
        problems
            .add(
                NETWORK_CHOICE,
                &subnets.span,
                "`subnets` must name at least one subnet",
            )
            .says("empty")
            .advise("subnets = [\"subnet-0123456789abcdef0\"]");
    }
    let vpc_id = id(vpc, "vpc-", problems);
    let subnet_ids = subnets
        .value
        .iter()
        .filter_map(|subnet| id(subnet, "subnet-", problems))
        .collect();
    Some(ExistingNetwork {
        vpc: vpc_id?,
        subnets: subnet_ids,
    })
}

fn id(at: &At<&str>, prefix: &str, problems: &mut Problems) -> Option<CloudId> {
    let good = at.value.strip_prefix(prefix).is_some_and(|hex| {
        (8..=17).contains(&hex.len()) && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    if !good {
        problems
            .add(
                BAD_ID,
                &at.span,
                format!("{} is not an id", quote(at.value)),
            )
            .says(format!("not a {prefix}… id"))
            .advise(format!("an id is written like `{prefix}0123456789abcdef0`"));
    }
    good.then(|| CloudId::new(at.value))
}
