//! Security groups and their ingress rules.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, ResourceType, SecurityGroup, SecurityGroupRule,
};
use ipnet::IpNet;

use super::tags;
use crate::aws::answer::{Done, born, done, gone, has_code, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, sighted};
use crate::inventory::{Seen, SeenGroup, Sighting};
use crate::model::{Failure, PortRange, Protocol, Ref, Rule, Stamp, TAG_LAB_ID, Tags};
use crate::port::Scope;

/// The most groups that one page may hold.
const PAGE: i32 = 1000;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    let mut found = find(ec2, tags::lab_filter(scope.lab.as_ref())).await?;
    if found.is_empty() {
        return Ok(found);
    }
    let rules = ec2
        .describe_security_group_rules()
        .filters(tags::lab_filter(scope.lab.as_ref()))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<SecurityGroupRule>, _>>()
        .await
        .map_err(failed("DescribeSecurityGroupRules"))?;
    mark_own(&mut found, &rules);
    Ok(found)
}

/// Says of each group which of its rules carry the tags of its lab.
fn mark_own(groups: &mut [Sighting], rules: &[SecurityGroupRule]) {
    for group in groups {
        let id = group.id.as_str();
        let lab = group.tags.get(TAG_LAB_ID);
        let own: BTreeSet<_> = rules
            .iter()
            .filter(|rule| rule.group_id() == Some(id) && rule.is_egress() != Some(true))
            .filter(|rule| lab.is_some() && tags::of(rule.tags()).get(TAG_LAB_ID) == lab)
            .filter_map(key_of)
            .collect();
        if let Seen::SecurityGroup(seen) = &mut group.seen {
            let tagged = seen.rules.iter().filter(|rule| own.contains(&rule.key()));
            seen.tagged_rules = tagged.cloned().collect();
        }
    }
}

/// What identifies a rule such as ours can be.
fn key_of(rule: &SecurityGroupRule) -> Option<(Protocol, PortRange, IpNet)> {
    let source = rule
        .cidr_ipv4()
        .or(rule.cidr_ipv6())
        .filter(|text| !text.is_empty())?;
    let (protocol, ports) = ports(rule.ip_protocol(), rule.from_port(), rule.to_port())?;
    Some((protocol, ports, source.parse().ok()?))
}

/// The groups that a filter finds, whoever's they are; without a word on whose their rules are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = ec2
        .describe_security_groups()
        .filters(filter)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<SecurityGroup>, _>>()
        .await
        .map_err(failed("DescribeSecurityGroups"))?;
    Ok(found.iter().filter_map(sighting).collect())
}

fn sighting(group: &SecurityGroup) -> Option<Sighting> {
    let mut seen = SeenGroup {
        vpc: cloud_id(group.vpc_id()),
        name: group.group_name().unwrap_or_default().to_owned(),
        description: group.description().map(str::to_owned),
        rules: BTreeSet::new(),
        tagged_rules: BTreeSet::new(),
        other_rules: BTreeSet::new(),
    };
    for permission in group.ip_permissions() {
        sort_out(permission, &mut seen);
    }
    let tags = tags::of(group.tags());
    Some(sighted(
        group.group_id()?,
        tags,
        None,
        Seen::SecurityGroup(seen),
    ))
}

/// Splits one permission into rules as ours, and the text of everything that ours cannot say.
fn sort_out(permission: &IpPermission, seen: &mut SeenGroup) {
    let v4 = permission
        .ip_ranges()
        .iter()
        .map(|r| (r.cidr_ip(), r.description()));
    let v6 = permission
        .ipv6_ranges()
        .iter()
        .map(|r| (r.cidr_ipv6(), r.description()));
    for (source, description) in v4.chain(v6) {
        let Some(source) = source else { continue };
        let traffic_of = ports(
            permission.ip_protocol(),
            permission.from_port(),
            permission.to_port(),
        );
        match (traffic_of, source.parse::<IpNet>()) {
            (Some((protocol, ports)), Ok(source)) => {
                let description = description.unwrap_or_default().to_owned();
                seen.rules.insert(Rule {
                    protocol,
                    ports,
                    source,
                    description,
                });
            }
            _ => {
                seen.other_rules
                    .insert(format!("{} from {source}", traffic(permission)));
            }
        }
    }
    let groups = permission
        .user_id_group_pairs()
        .iter()
        .filter_map(|pair| pair.group_id());
    let lists = permission
        .prefix_list_ids()
        .iter()
        .filter_map(|list| list.prefix_list_id());
    for source in groups.chain(lists) {
        seen.other_rules
            .insert(format!("{} from {source}", traffic(permission)));
    }
}

/// Protocol and ports, where they are such as ours can be.
fn ports(
    protocol: Option<&str>,
    from: Option<i32>,
    to: Option<i32>,
) -> Option<(Protocol, PortRange)> {
    let protocol = match protocol? {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let from = u16::try_from(from?).ok()?;
    let to = u16::try_from(to?).ok()?;
    Some((protocol, PortRange { from, to }))
}

fn traffic(permission: &IpPermission) -> String {
    let protocol = match permission.ip_protocol() {
        None | Some("-1") => "all traffic",
        Some(protocol) => protocol,
    };
    match (permission.from_port(), permission.to_port()) {
        (Some(from), Some(to)) if from == to => format!("{from}/{protocol}"),
        (Some(from), Some(to)) => format!("{from}-{to}/{protocol}"),
        _ => protocol.to_owned(),
    }
}

/// Rules in EC2's shape: one permission per protocol and ports.
fn permissions(rules: &BTreeSet<Rule>) -> Vec<IpPermission> {
    let mut by_ports: BTreeMap<(Protocol, PortRange), Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        by_ports
            .entry((rule.protocol, rule.ports))
            .or_default()
            .push(rule);
    }
    by_ports
        .into_iter()
        .map(|((protocol, ports), rules)| {
            let permission = IpPermission::builder()
                .ip_protocol(protocol.as_str())
                .from_port(i32::from(ports.from))
                .to_port(i32::from(ports.to));
            let add = |permission: aws_sdk_ec2::types::builders::IpPermissionBuilder,
                       rule: &Rule| {
                let (cidr, about) = (rule.source.to_string(), rule.description.as_str());
                match rule.source {
                    IpNet::V4(_) => permission
                        .ip_ranges(IpRange::builder().cidr_ip(cidr).description(about).build()),
                    IpNet::V6(_) => permission.ipv6_ranges(
                        Ipv6Range::builder()
                            .cidr_ipv6(cidr)
                            .description(about)
                            .build(),
                    ),
                }
            };
            rules.into_iter().fold(permission, add).build()
        })
        .collect()
}

pub(in crate::aws) async fn create(
    ec2: &Client,
    vpc: &Ref,
    name: &str,
    description: &str,
    stamp: &Stamp,
) -> Done {
    let answer = ec2
        .create_security_group()
        .vpc_id(id(vpc, "CreateSecurityGroup")?)
        .group_name(name)
        .description(description)
        .tag_specifications(tags::specification(
            ResourceType::SecurityGroup,
            &stamp.tags,
        ))
        .send()
        .await
        .map_err(failed("CreateSecurityGroup"))?;
    Ok(born(named(answer.group_id(), "CreateSecurityGroup")?, None))
}

/// Adds the rules in one call. EC2 refuses a batch of which one rule is there already; then they are added one by
/// one, and those that are there are as asked.
pub(in crate::aws) async fn authorize(
    ec2: &Client,
    group: &Ref,
    rules: &BTreeSet<Rule>,
    stamp: &Stamp,
) -> Done {
    let group = id(group, "AuthorizeSecurityGroupIngress")?;
    let whole = authorize_batch(ec2, group, rules, &stamp.tags).await;
    let there = |failure: &Failure| has_code(failure, &["InvalidPermission.Duplicate"]);
    match whole {
        Err(failure) if there(&failure) => {}
        result => return result.map(|()| done()),
    }
    if rules.len() > 1 {
        for rule in rules {
            match authorize_batch(ec2, group, &BTreeSet::from([rule.clone()]), &stamp.tags).await {
                Err(failure) if !there(&failure) => return Err(failure),
                _ => {}
            }
        }
    }
    Ok(done())
}

async fn authorize_batch(
    ec2: &Client,
    group: &str,
    rules: &BTreeSet<Rule>,
    tags: &Tags,
) -> Result<(), Failure> {
    ec2.authorize_security_group_ingress()
        .group_id(group)
        .set_ip_permissions(Some(permissions(rules)))
        .tag_specifications(tags::specification(ResourceType::SecurityGroupRule, tags))
        .send()
        .await
        .map_err(failed("AuthorizeSecurityGroupIngress"))?;
    Ok(())
}

/// Takes the rules away in one call; where EC2 misses one of a batch, one by one. What is not there is as asked.
pub(in crate::aws) async fn revoke(ec2: &Client, group: &Ref, rules: &BTreeSet<Rule>) -> Done {
    let group = id(group, "RevokeSecurityGroupIngress")?;
    let missing = |failure: &Failure| has_code(failure, &["InvalidPermission.NotFound"]);
    match revoke_batch(ec2, group, rules).await {
        Err(failure) if missing(&failure) && rules.len() > 1 => {
            for rule in rules {
                gone(revoke_batch(ec2, group, &BTreeSet::from([rule.clone()])).await)?;
            }
            Ok(done())
        }
        result => gone(result),
    }
}

async fn revoke_batch(ec2: &Client, group: &str, rules: &BTreeSet<Rule>) -> Result<(), Failure> {
    ec2.revoke_security_group_ingress()
        .group_id(group)
        .set_ip_permissions(Some(permissions(rules)))
        .send()
        .await
        .map_err(failed("RevokeSecurityGroupIngress"))?;
    Ok(())
}

pub(in crate::aws) async fn delete(ec2: &Client, group: &str) -> Done {
    let call = ec2.delete_security_group().group_id(group);
    gone(call.send().await.map_err(failed("DeleteSecurityGroup")))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{PrefixListId, UserIdGroupPair};

    use super::*;

    fn rule(port: u16, source: &str) -> Rule {
        Rule {
            protocol: Protocol::Tcp,
            ports: PortRange {
                from: port,
                to: port,
            },
            source: source.parse().expect("a block"),
            description: "ssh".to_owned(),
        }
    }

    fn empty() -> SeenGroup {
        SeenGroup {
            vpc: None,
            name: String::new(),
            description: None,
            rules: BTreeSet::new(),
            tagged_rules: BTreeSet::new(),
            other_rules: BTreeSet::new(),
        }
    }

    #[test]
    fn rules_survive_the_way_there_and_back() {
        let rules = BTreeSet::from([
            rule(22, "192.0.2.1/32"),
            rule(22, "198.51.100.0/24"),
            rule(22, "2001:db8::/32"),
            rule(8765, "192.0.2.1/32"),
        ]);
        let sent = permissions(&rules);
        assert_eq!(sent.len(), 2, "one permission per protocol and ports");
        let mut seen = empty();
        for permission in &sent {
            sort_out(permission, &mut seen);
        }
        assert_eq!(seen.rules, rules);
        assert!(seen.other_rules.is_empty());
    }

    #[test]
    fn what_ours_cannot_say_is_kept_as_text() {
        let all = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-1").build());
        let listed = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(80)
            .to_port(90)
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build());
        let mut seen = empty();
        sort_out(&all.build(), &mut seen);
        sort_out(&listed.build(), &mut seen);
        let texts: Vec<_> = seen.other_rules.iter().map(String::as_str).collect();
        assert_eq!(
            texts,
            [
                "80-90/tcp from pl-1",
                "all traffic from 10.0.0.0/8",
                "all traffic from sg-1"
            ]
        );
        assert!(seen.rules.is_empty());
    }
}
