//! A desired machine against the one that was seen.

use std::collections::BTreeSet;

use super::difference::{Context, Difference, differs, resized};
use super::restart;
use crate::inventory::{Seen, SeenInstance};
use crate::model::{
    CloudId, Impact, InstanceSpec, InstanceState, Market, Op, Ref, Shutdown, TAG_SHUTDOWN, Tags,
};

/// Compares a machine. Its type may be any that the profile lists, its zone any that has a subnet, its market any
/// that the profile allows: what a fallback chose is not drift.
pub(super) fn diff(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    tags: &Tags,
    context: &Context<'_>,
) -> Vec<Difference> {
    let launch = &want.launch;
    let mut found = Vec::new();
    if let Some(image) = seen
        .image
        .as_ref()
        .filter(|image| **image != launch.image.id)
    {
        found.push(differs("image", image, &launch.image.id, Impact::Replace));
    }
    if let Some(zone) = seen
        .zone
        .as_ref()
        .filter(|zone| launch.ladder.iter().all(|rung| rung.zone != **zone))
    {
        let zones: BTreeSet<_> = launch
            .ladder
            .iter()
            .map(|rung| rung.zone.as_str())
            .collect();
        let zones = zones.into_iter().collect::<Vec<_>>().join(", ");
        found.push(differs("zone", zone, zones, Impact::Replace));
    }
    if launch.ladder.iter().all(|rung| rung.market != seen.market) {
        let market = launch
            .ladder
            .first()
            .map_or(Market::OnDemand, |rung| rung.market);
        found.push(differs("market", seen.market, market, Impact::Replace));
    }
    found.extend(restart::diff(own, want, seen, tags, context));
    found.extend(shutdown(own, want, seen, tags));
    found.extend(instance_profile(own, want, seen, context));
    found.extend(security_groups(own, want, seen, context));
    if seen.imds_v2_required == Some(false) || seen.imds_hop_limit.is_some_and(|limit| limit != 2) {
        let before = match seen.imds_v2_required {
            Some(false) => "IMDSv1 allowed".to_owned(),
            _ => format!("hop limit {}", seen.imds_hop_limit.unwrap_or_default()),
        };
        let fix = Op::RequireImdsV2 {
            instance: own.clone(),
        };
        found.push(differs("metadata", before, "IMDSv2, hop limit 2", Impact::InPlace).with([fix]));
    }
    found.extend(root(want, seen, context));
    found.extend(launched_with(want, seen, context));
    if seen.state == InstanceState::Pending {
        let fix = Op::AwaitInstances {
            instances: vec![own.clone()],
            state: InstanceState::Running,
        };
        found.push(differs("state", "pending", "running", Impact::InPlace).with([fix]));
    }
    found
}

fn security_groups(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    context: &Context<'_>,
) -> Option<Difference> {
    let have = seen.security_groups.as_ref()?;
    let groups = &want.launch.security_groups;
    let coming =
        |group: &&Ref| matches!(group, Ref::Managed(address) if context.coming.contains(address));
    let made_first = groups.iter().any(|group| coming(&group));
    let wanted: BTreeSet<&CloudId> = groups
        .iter()
        .filter_map(|group| context.id(group))
        .collect();
    let known = wanted.len() == groups.len();
    if !made_first && (!known || wanted == have.iter().collect()) {
        return None;
    }
    let text = |ids: Vec<&CloudId>| {
        ids.into_iter()
            .map(CloudId::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let fix = Op::SetSecurityGroups {
        instance: own.clone(),
        groups: groups.clone(),
    };
    let before = text(have.iter().collect());
    let after = if made_first {
        "the lab's own, made first".to_owned()
    } else {
        text(wanted.into_iter().collect())
    };
    Some(differs("security_groups", before, after, Impact::InPlace).with([fix]))
}

/// The root volume grows in place.
fn root(want: &InstanceSpec, seen: &SeenInstance, context: &Context<'_>) -> Vec<Difference> {
    let volume = seen
        .root_volume
        .as_ref()
        .and_then(|id| context.by_id.get(id));
    let (Some(id), Some(Seen::Volume(volume))) = (&seen.root_volume, volume.map(|v| &v.seen))
    else {
        return Vec::new();
    };
    let root = want.launch.root;
    // An emulator that does not keep a field reports the default; a default that was asked for is no difference.
    let fields = [
        ("size_gib", volume.size_gib, root.size_gib),
        ("iops", volume.iops, root.iops),
        ("throughput_mib", volume.throughput_mib, root.throughput_mib),
    ];
    let fix = Op::ModifyVolume {
        volume: Ref::Existing(id.clone()),
        size_gib: root.size_gib.max(volume.size_gib.unwrap_or(0)),
        iops: root.iops,
        throughput_mib: root.throughput_mib,
    };
    let mut found = resized(fields, fix);
    for difference in &mut found {
        difference.field = format!("root_volume.{}", difference.field);
    }
    found
}

/// What is chosen at launch and stays: shown, and used for the next machine.
fn launched_with(
    want: &InstanceSpec,
    seen: &SeenInstance,
    context: &Context<'_>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let launch = &want.launch;
    if let (Some(now), Some(wanted)) = (
        &seen.key,
        launch
            .key
            .as_ref()
            .and_then(|reference| context.id(reference)),
    ) && now != wanted.as_str()
    {
        found.push(differs("key", now, wanted, Impact::NextLaunch));
    }
    found
}

/// EC2 exchanges the profile of a running or stopped machine. None at all may be one that was not reported.
fn instance_profile(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    context: &Context<'_>,
) -> Option<Difference> {
    let now = seen.instance_profile.as_ref()?;
    let reference = want.launch.instance_profile.as_ref()?;
    let wanted = context.id(reference).map(CloudId::as_str);
    if wanted == Some(now.as_str()) {
        return None;
    }
    let fix = Op::SetInstanceProfile {
        instance: own.clone(),
        profile: reference.clone(),
    };
    let after = wanted.unwrap_or("the lab's own");
    Some(differs("instance_profile", now, after, Impact::InPlace).with([fix]))
}

/// A tag tells what was asked for. Of a spot machine it cannot be changed: whether its request outlives a stop hangs
/// on it.
fn shutdown(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    tags: &Tags,
) -> Option<Difference> {
    let text = |shutdown| match shutdown {
        Shutdown::Stop => "stop",
        Shutdown::Terminate => "terminate",
    };
    let now = tags.get(TAG_SHUTDOWN).map_or("stop", String::as_str);
    let wanted = text(want.launch.shutdown);
    if now == wanted {
        return None;
    }
    if seen.market == Market::Spot {
        return Some(differs("shutdown", now, wanted, Impact::NextLaunch));
    }
    let set = Op::SetShutdown {
        instance: own.clone(),
        shutdown: want.launch.shutdown,
    };
    let note = Op::CreateTags {
        resources: vec![own.clone()],
        tags: Tags::from([(TAG_SHUTDOWN.to_owned(), wanted.to_owned())]),
    };
    Some(differs("shutdown", now, wanted, Impact::InPlace).with([set, note]))
}
