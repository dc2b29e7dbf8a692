//! One desired resource against what was seen of it: which fields differ, and what puts each right.
//!
//! A field that was not reported is not a difference.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::{Context, Difference, differs, resized};
use crate::inventory::{
    Seen, SeenAddress, SeenAlarm, SeenDashboard, SeenGateway, SeenGroup, SeenProfile, SeenRole,
    SeenRoute, SeenVolume, Sighting,
};
use crate::model::{
    ALARM_TAGS, Address, AlarmSpec, CloudId, DashboardSpec, ElasticIpSpec, GatewaySpec, Impact,
    InstanceProfileSpec, Op, Ref, RoleSpec, RouteSpec, Rule, SecurityGroupSpec, Spec, TAG_KEEP,
    Tags, VolumeSpec,
};

/// Compares the resource at `address` as it should be with what was seen of it.
pub(super) fn diff(
    address: &Address,
    spec: &Spec,
    sighting: &Sighting,
    context: &Context<'_>,
) -> Vec<Difference> {
    let own = Ref::to(address);
    match (spec, &sighting.seen) {
        (Spec::Vpc(want), Seen::Vpc(seen)) => {
            let mut found = changed("cidr", seen.cidr.as_ref(), &want.cidr, Impact::Replace);
            if seen.dns_hostnames == Some(false) {
                let fix = Op::EnableDnsHostnames { vpc: own };
                found.push(differs("dns_hostnames", false, true, Impact::InPlace).with([fix]));
            }
            found
        }
        (Spec::Subnet(want), Seen::Subnet(seen)) => {
            let mut found = changed("cidr", seen.cidr.as_ref(), &want.cidr, Impact::Replace);
            found.extend(changed(
                "zone",
                seen.zone.as_ref(),
                &want.zone,
                Impact::Replace,
            ));
            found.extend(placed("vpc", seen.vpc.as_ref(), &want.vpc, context));
            found
        }
        (Spec::InternetGateway(want), Seen::InternetGateway(seen)) => {
            gateway(&own, want, seen, context)
        }
        (Spec::RouteTable(want), Seen::RouteTable(seen)) => {
            placed("vpc", seen.vpc.as_ref(), &want.vpc, context)
        }
        (Spec::Route(want), Seen::Route(seen)) => route(want, seen, context),
        (Spec::SecurityGroup(want), Seen::SecurityGroup(seen)) => {
            let mut found = placed("vpc", seen.vpc.as_ref(), &want.vpc, context);
            found.extend(rules(&own, want, seen));
            found
        }
        (Spec::KeyPair(want), Seen::KeyPair(seen)) if !want.public_key.is_empty() => {
            let before = seen.public_key.as_ref();
            before
                .filter(|key| **key != want.public_key)
                .map_or_else(Vec::new, |key| {
                    vec![differs(
                        "public_key",
                        abridged(key),
                        abridged(&want.public_key),
                        Impact::Replace,
                    )]
                })
        }
        (Spec::Role(want), Seen::Role(seen)) => role(&own, want, seen),
        (Spec::InstanceProfile(want), Seen::InstanceProfile(seen)) => {
            instance_profile(&own, want, seen, context)
        }
        (Spec::Instance(want), Seen::Instance(seen)) => {
            super::machine::diff(&own, want, seen, &sighting.tags, context)
        }
        (Spec::Volume(want), Seen::Volume(seen)) => {
            volume(&own, want, seen, &sighting.tags, context)
        }
        (Spec::ElasticIp(want), Seen::ElasticIp(seen)) => elastic_ip(&own, want, seen, context),
        (Spec::Alarm(want), Seen::Alarm(seen)) => alarm(want, seen, context),
        (Spec::Dashboard(want), Seen::Dashboard(seen)) => dashboard(&own, want, seen),
        _ => Vec::new(),
    }
}

fn gateway(
    own: &Ref,
    want: &GatewaySpec,
    seen: &SeenGateway,
    context: &Context<'_>,
) -> Vec<Difference> {
    let attach = Op::AttachInternetGateway {
        gateway: own.clone(),
        vpc: want.vpc.clone(),
    };
    match (&seen.vpc, context.id(&want.vpc)) {
        (None, _) => {
            vec![differs("vpc", "detached", "attached", Impact::InPlace).with([attach])]
        }
        (Some(now), Some(wanted)) if now != wanted => {
            let detach = Op::DetachInternetGateway {
                gateway: own.clone(),
                vpc: Ref::Existing(now.clone()),
            };
            vec![differs("vpc", now, wanted, Impact::InPlace).with([detach, attach])]
        }
        _ => Vec::new(),
    }
}

fn route(want: &RouteSpec, seen: &SeenRoute, context: &Context<'_>) -> Vec<Difference> {
    let wanted = context.id(&want.gateway);
    if seen.blackhole || (wanted.is_some() && seen.gateway.as_ref() != wanted) {
        let before = seen
            .gateway
            .as_ref()
            .map_or("elsewhere".to_owned(), ToString::to_string);
        let after = wanted.map_or("the internet gateway".to_owned(), ToString::to_string);
        vec![differs("gateway", before, after, Impact::Replace)]
    } else {
        Vec::new()
    }
}

fn role(own: &Ref, want: &RoleSpec, seen: &SeenRole) -> Vec<Difference> {
    seen.policies.as_ref().map_or_else(Vec::new, |policies| {
        let add = want.policies.difference(policies).map(|policy| {
            let fix = Op::AttachRolePolicy {
                role: own.clone(),
                policy: policy.clone(),
            };
            differs("policy", "-", policy, Impact::InPlace).with([fix])
        });
        let drop = policies.difference(&want.policies).map(|policy| {
            let fix = Op::DetachRolePolicy {
                role: own.clone(),
                policy: policy.clone(),
            };
            differs("policy", policy, "-", Impact::InPlace).with([fix])
        });
        add.chain(drop).collect()
    })
}

fn instance_profile(
    own: &Ref,
    want: &InstanceProfileSpec,
    seen: &SeenProfile,
    context: &Context<'_>,
) -> Vec<Difference> {
    let add = Op::AddRoleToInstanceProfile {
        profile: own.clone(),
        role: want.role.clone(),
    };
    match (&seen.role, context.id(&want.role)) {
        (Some(None), _) => {
            vec![differs("role", "-", "the lab's", Impact::InPlace).with([add])]
        }
        (Some(Some(now)), Some(wanted)) if now != wanted.as_str() => {
            let role = Ref::Existing(CloudId::new(now));
            let remove = Op::RemoveRoleFromInstanceProfile {
                profile: own.clone(),
                role,
            };
            vec![differs("role", now, wanted, Impact::InPlace).with([remove, add])]
        }
        _ => Vec::new(),
    }
}

fn elastic_ip(
    own: &Ref,
    want: &ElasticIpSpec,
    seen: &SeenAddress,
    context: &Context<'_>,
) -> Vec<Difference> {
    let associate = Op::AssociateAddress {
        allocation: own.clone(),
        instance: want.node.clone(),
    };
    match (&seen.instance, &seen.association, context.id(&want.node)) {
        // Until the node exists the planner associates the address as part of making the node.
        (_, _, None) => Vec::new(),
        (None, _, Some(wanted)) => {
            vec![differs("instance", "-", wanted, Impact::InPlace).with([associate])]
        }
        (Some(now), Some(association), Some(wanted)) if now != wanted => {
            let part = Op::DisassociateAddress {
                allocation: own.clone(),
                association: association.clone(),
            };
            vec![differs("instance", now, wanted, Impact::InPlace).with([part, associate])]
        }
        _ => Vec::new(),
    }
}

/// One call sets all of an alarm anew. What somebody has it set off stays.
///
/// The tags come first: the digest in the description stands for tags that are there.
fn alarm(want: &AlarmSpec, seen: &SeenAlarm, context: &Context<'_>) -> Vec<Difference> {
    let mut fix = Some(Op::UpdateAlarm {
        alarm: Box::new(want.clone()),
        actions: seen.actions.clone(),
    });
    let settings = want.settings();
    let mut found = Vec::new();
    if settings.get(ALARM_TAGS) != seen.settings.get(ALARM_TAGS) {
        found = super::tagging::of_alarm(seen, context);
        if let Some(first) = found.first_mut() {
            first.fixes.extend(fix.take());
        }
    }
    // Until the machine exists the planner sets the alarm as part of making the machine.
    if let Some(wanted) = context.id(&want.node)
        && seen.instance.as_ref() != Some(wanted)
    {
        let now = seen.instance.as_ref().map_or("-", CloudId::as_str);
        found.push(differs("instance", now, wanted, Impact::InPlace).with(fix.take()));
    }
    for (name, wanted) in settings {
        if name == ALARM_TAGS {
            continue;
        }
        let now = seen.settings.get(&name).map_or("-", String::as_str);
        if now != wanted {
            found.push(differs(&name, now, wanted, Impact::InPlace).with(fix.take()));
        }
    }
    found
}

fn dashboard(own: &Ref, want: &DashboardSpec, seen: &SeenDashboard) -> Vec<Difference> {
    let Some(now) = seen.body.as_ref().filter(|now| **now != want.body) else {
        return Vec::new();
    };
    let fix = Op::UpdateDashboard {
        dashboard: own.clone(),
        body: want.body.clone(),
    };
    let short = |body: &str| {
        format!(
            "{} bytes, {}",
            body.len(),
            &super::digest::text_digest(body)[..8]
        )
    };
    vec![differs("body", short(now), short(&want.body), Impact::InPlace).with([fix])]
}

/// A field that was reported and differs.
fn changed<T: PartialEq + ToString>(
    field: &str,
    seen: Option<&T>,
    want: &T,
    impact: Impact,
) -> Vec<Difference> {
    seen.filter(|now| *now != want)
        .map(|now| differs(field, now.to_string(), want.to_string(), impact))
        .into_iter()
        .collect()
}

/// A reported place (a VPC) that is not the one wanted.
fn placed(
    field: &str,
    seen: Option<&CloudId>,
    want: &Ref,
    context: &Context<'_>,
) -> Vec<Difference> {
    match (seen, context.id(want)) {
        (Some(now), Some(wanted)) if now != wanted => {
            vec![differs(field, now, wanted, Impact::Replace)]
        }
        _ => Vec::new(),
    }
}

/// The first and last characters of a public key.
fn abridged(key: &str) -> String {
    let tail: String = key
        .chars()
        .rev()
        .take(8)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    format!("{} …{tail}", key.split(' ').next().unwrap_or_default())
}

/// Rules that are missing, and rules of ours that the profile does not ask for any more. A rule that we did not make
/// (ours carry the lab's tags) is left alone; `foreign` tells of it.
fn rules(own: &Ref, want: &SecurityGroupSpec, seen: &SeenGroup) -> Vec<Difference> {
    let have: BTreeMap<_, &Rule> = seen.rules.iter().map(|rule| (rule.key(), rule)).collect();
    let wanted: BTreeMap<_, &Rule> = want.rules.iter().map(|rule| (rule.key(), rule)).collect();
    let missing: BTreeSet<Rule> = wanted
        .iter()
        .filter(|(key, _)| !have.contains_key(key))
        .map(|(_, rule)| (*rule).clone())
        .collect();
    let ours: BTreeSet<Rule> = seen
        .tagged_rules
        .iter()
        .filter(|rule| !wanted.contains_key(&rule.key()))
        .cloned()
        .collect();
    let mut found: Vec<Difference> = Vec::new();
    for (position, rule) in ours.iter().enumerate() {
        let fix = (position == 0).then(|| Op::RevokeIngress {
            group: own.clone(),
            rules: ours.clone(),
        });
        found.push(differs("rule", rule, "-", Impact::InPlace).with(fix));
    }
    for (position, rule) in missing.iter().enumerate() {
        let fix = (position == 0).then(|| Op::AuthorizeIngress {
            group: own.clone(),
            rules: missing.clone(),
        });
        found.push(differs("rule", "-", rule, Impact::InPlace).with(fix));
    }
    found
}

fn volume(
    own: &Ref,
    want: &VolumeSpec,
    seen: &SeenVolume,
    tags: &Tags,
    context: &Context<'_>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let sizes = [
        ("size_gib", seen.size_gib, want.size_gib),
        ("iops", seen.iops, want.iops),
        ("throughput_mib", seen.throughput_mib, want.throughput_mib),
    ];
    let fix = Op::ModifyVolume {
        volume: own.clone(),
        size_gib: want.size_gib.max(seen.size_gib.unwrap_or(0)),
        iops: want.iops,
        throughput_mib: want.throughput_mib,
    };
    found.extend(resized(sizes, fix));
    if want.keep != (tags.get(TAG_KEEP).map(String::as_str) == Some("true")) {
        let tags = Tags::from([(TAG_KEEP.to_owned(), want.keep.to_string())]);
        let fix = Op::CreateTags {
            resources: vec![own.clone()],
            tags,
        };
        found.push(differs("keep", !want.keep, want.keep, Impact::InPlace).with([fix]));
    }
    let attach = || Op::AttachVolume {
        volume: own.clone(),
        instance: want.node.clone(),
        device: want.device.clone(),
    };
    if let Some(wanted) = context.id(&want.node) {
        match &seen.attached {
            None => found.push(differs("instance", "-", wanted, Impact::InPlace).with([attach()])),
            Some((now, _)) if now != wanted => {
                let part = [
                    Op::DetachVolume {
                        volume: own.clone(),
                    },
                    Op::AwaitVolume {
                        volume: own.clone(),
                    },
                    attach(),
                ];
                found.push(differs("instance", now, wanted, Impact::InPlace).with(part));
            }
            Some(_) => {}
        }
    }
    found
}
