//! Everybody else: strangers whose things must stay as they are, and hands in the console that change ours.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType, Tag, TagSpecification};
use roboinfra::model::{TAG_ADDRESS, TAG_LAB, TAG_LAB_ID};

use super::invariants::{Thing, Things};
use super::rng::Rng;

/// What a stranger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// Has a lab of the same name.
    Namesake,
    /// Has a network without any tag.
    Untagged,
    /// Puts a machine into our subnet.
    Lodger,
    /// Puts a rule into our group.
    Rule,
}

/// What someone does to our things in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    Terminate,
    Stop,
    Start,
    Detach,
    DropVolume,
    DropAddress,
    PartAddress,
    Revoke,
    Grow,
}

pub(crate) const STRANGERS: [Stranger; 4] = [
    Stranger::Namesake,
    Stranger::Untagged,
    Stranger::Lodger,
    Stranger::Rule,
];

pub(crate) const HANDS: [Hand; 9] = [
    Hand::Terminate,
    Hand::Stop,
    Hand::Start,
    Hand::Detach,
    Hand::DropVolume,
    Hand::DropAddress,
    Hand::PartAddress,
    Hand::Revoke,
    Hand::Grow,
];

/// Ids of strangers' things, with how they looked.
pub(crate) type Strangers = BTreeMap<(String, String), Thing>;

fn is_ours(thing: &Thing) -> bool {
    thing
        .tag(TAG_LAB_ID)
        .is_some_and(|id| id.starts_with("lab-"))
}

/// Something of ours, if there is such a thing.
fn ours<'a>(things: &'a Things, rng: &mut Rng, fits: impl Fn(&Thing) -> bool) -> Option<&'a Thing> {
    let all: Vec<&Thing> = things
        .values()
        .filter(|thing| is_ours(thing) && !thing.is_leaving() && fits(thing))
        .collect();
    (!all.is_empty()).then(|| all[rng.index(all.len())])
}

/// Lets a stranger act.
pub(crate) async fn stranger(
    ec2: &Client,
    who: Stranger,
    things: &Things,
    rng: &mut Rng,
    image: &str,
) {
    match who {
        // A lab of a name that is taken is never begun.
        Stranger::Namesake if ours(things, rng, |_| true).is_none() => {}
        Stranger::Namesake => {
            let tags = [
                (TAG_LAB, "twin"),
                (TAG_LAB_ID, "stranger"),
                (TAG_ADDRESS, "network.vpc"),
            ];
            network(ec2, &tags, image).await;
        }
        Stranger::Untagged => network(ec2, &[], image).await,
        Stranger::Lodger => {
            if let Some(subnet) = ours(things, rng, |thing| thing.what == "Subnet") {
                launch(ec2, &subnet.id, image).await;
            }
        }
        Stranger::Rule => {
            if let Some(group) = ours(things, rng, |thing| thing.what == "SecurityGroup") {
                let range = IpRange::builder()
                    .cidr_ip("192.0.2.99/32")
                    .description("mine")
                    .build();
                let rule = IpPermission::builder()
                    .ip_protocol("tcp")
                    .from_port(5000)
                    .to_port(5000);
                let call = ec2
                    .authorize_security_group_ingress()
                    .group_id(&group.id)
                    .ip_permissions(rule.ip_ranges(range).build());
                drop(call.send().await);
            }
        }
    }
}

async fn network(ec2: &Client, tags: &[(&str, &str)], image: &str) {
    let specified = |kind: ResourceType| {
        let tags: Vec<Tag> = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build())
            .collect();
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(tags))
            .build()
    };
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .tag_specifications(specified(ResourceType::Vpc))
        .send()
        .await
        .ok()
        .and_then(|answer| answer.vpc?.vpc_id);
    // An account has room for five networks.
    let Some(vpc) = vpc else { return };
    let subnet = ec2
        .create_subnet()
        .vpc_id(vpc)
        .cidr_block("10.0.7.0/24")
        .availability_zone("us-east-1a")
        .tag_specifications(specified(ResourceType::Subnet))
        .send()
        .await
        .expect("a subnet");
    let subnet = subnet.subnet.and_then(|it| it.subnet_id).expect("an id");
    launch(ec2, &subnet, image).await;
}

async fn launch(ec2: &Client, subnet: &str, image: &str) {
    let call = ec2
        .run_instances()
        .image_id(image)
        .instance_type("g5.xlarge".into())
        .subnet_id(subnet)
        .min_count(1)
        .max_count(1);
    call.send().await.expect("a stranger's machine");
}

/// Takes the lodgers out of our subnets.
pub(crate) async fn evict(ec2: &Client, things: &Things) -> bool {
    let mut any = false;
    for thing in things.values() {
        if thing.what == "Instance" && thing.tag(TAG_LAB_ID).is_none() && !thing.is_leaving() {
            let subnet = things
                .values()
                .find(|other| other.id == thing.text("subnet"));
            if subnet.is_some_and(is_ours) {
                any = true;
                let call = ec2.terminate_instances().instance_ids(&thing.id);
                call.send().await.expect("a stranger leaves");
            }
        }
    }
    any
}

/// Lets a hand act on something of ours; what EC2 refuses does not happen.
pub(crate) async fn hand(ec2: &Client, hand: Hand, things: &Things, rng: &mut Rng) {
    let is = |what: &'static str| move |thing: &Thing| thing.what == what;
    let data = |thing: &Thing| {
        thing.what == "Volume" && thing.body["attachment"]["delete_on_termination"] != true
    };
    match hand {
        Hand::Terminate => {
            if let Some(it) = ours(things, rng, is("Instance")) {
                drop(ec2.terminate_instances().instance_ids(&it.id).send().await);
            }
        }
        Hand::Stop => {
            if let Some(it) = ours(things, rng, is("Instance")) {
                drop(ec2.stop_instances().instance_ids(&it.id).send().await);
            }
        }
        Hand::Start => {
            if let Some(it) = ours(things, rng, is("Instance")) {
                drop(ec2.start_instances().instance_ids(&it.id).send().await);
            }
        }
        Hand::Detach | Hand::DropVolume => {
            if let Some(it) = ours(things, rng, data) {
                drop(ec2.detach_volume().volume_id(&it.id).send().await);
                if hand == Hand::DropVolume {
                    drop(ec2.delete_volume().volume_id(&it.id).send().await);
                }
            }
        }
        Hand::DropAddress | Hand::PartAddress => {
            if let Some(it) = ours(things, rng, is("Address")) {
                let association = it.body["association"].as_str();
                if let Some(association) = association {
                    drop(
                        ec2.disassociate_address()
                            .association_id(association)
                            .send()
                            .await,
                    );
                }
                if hand == Hand::DropAddress {
                    drop(ec2.release_address().allocation_id(&it.id).send().await);
                }
            }
        }
        Hand::Revoke => {
            if let Some(it) = ours(things, rng, is("SgRule")) {
                let call = ec2
                    .revoke_security_group_ingress()
                    .group_id(it.text("group"))
                    .security_group_rule_ids(&it.id);
                drop(call.send().await);
            }
        }
        Hand::Grow => {
            if let Some(it) = ours(things, rng, data) {
                drop(ec2.modify_volume().volume_id(&it.id).size(200).send().await);
            }
        }
    }
}
