//! The tags by which a lab finds its own, and the user's: which of them a resource lacks, which the profile had before,
//! and the calls that set and remove them. Other people's tags are left alone.

use std::collections::BTreeSet;

use super::difference::{Context, Difference, differs};
use crate::inventory::{Owner, Seen, SeenAlarm, Sighting};
use crate::lab::Lab;
use crate::model::{
    Address, CloudId, Impact, Kind, Op, Ref, TAG_ADDRESS, TAG_FIRST, TAG_KEEP, TAG_LAB, TAG_LAB_ID,
    TAG_MANAGED, TAG_PROTECT, TAG_RESTART, TAG_RUN, TAG_SHUTDOWN, Tags,
};

const TAG_NAME: &str = "Name";
/// What says whose a resource is.
const IDENTITY: [&str; 5] = [TAG_LAB, TAG_LAB_ID, TAG_ADDRESS, TAG_FIRST, TAG_MANAGED];

/// Whether things of this kind carry tags of their own that can be seen. CloudWatch tells those of one alarm at a time only;
/// its name says whose it is, and its description which of the user's tags it has.
pub(super) fn is_taggable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Route | Kind::RouteTableAssociation | Kind::Alarm | Kind::Dashboard
    )
}

/// The tags that are missing or different on what stands at `address`; none where all is well.
pub(super) fn lacking(lab: &Lab, address: &Address, sighting: &Sighting) -> Tags {
    if !is_taggable(sighting.seen.kind()) {
        return Tags::new();
    }
    let mut tags = wanted(lab, address, sighting);
    tags.retain(|key, value| sighting.tags.get(key) != Some(value));
    if let Some(own) = sighting.tags.get(TAG_NAME) {
        // A machine that was launched with others has the name of its group.
        let names = [address.clone(), group_of(address)];
        if names.iter().any(|name| *own == name_of(lab, name)) {
            tags.remove(TAG_NAME);
        }
    }
    tags
}

/// All tags that what stands at `address` should have. A machine is found by its group, its place in its launch and
/// the first index of that: whatever index it is to have, the three are made to agree.
fn wanted(lab: &Lab, address: &Address, sighting: &Sighting) -> Tags {
    let instance = sighting.instance();
    let at = if instance.is_some() {
        group_of(address)
    } else {
        address.clone()
    };
    let mut tags = lab.tags_for(&at, "");
    tags.remove(TAG_RUN);
    // The volume's own comparison has this one.
    tags.remove(TAG_KEEP);
    if let Some(seen) = instance {
        let told = Owner::of(&sighting.tags, Some(seen.launch_index));
        let found = matches!(&told, Owner::Lab { address: Some(told), .. } if told == address);
        if found {
            tags.remove(TAG_ADDRESS);
        } else {
            let first = index_of(address).map(|index| index - i64::from(seen.launch_index));
            tags.extend(first.map(|first| (TAG_FIRST.to_owned(), first.to_string())));
        }
        if lab.guard_of(address).is_none()
            && sighting.tags.get(TAG_PROTECT).map(String::as_str) == Some("true")
        {
            tags.insert(TAG_PROTECT.to_owned(), "false".to_owned());
        }
    }
    tags
}

fn name_of(lab: &Lab, address: &Address) -> String {
    format!("{}/{address}", lab.name)
}

/// `node.sim` of `node.sim.0`.
fn group_of(node: &Address) -> Address {
    let text = node.as_str();
    Address::new(text.rsplit_once('.').map_or(text, |(group, _)| group))
}

fn index_of(node: &Address) -> Option<i64> {
    node.as_str().rsplit_once('.')?.1.parse().ok()
}

/// What is shown of tags that are put right. Those that only say where a moved resource stands now are not.
pub(super) fn differences(
    lacking: &Tags,
    sighting: &Sighting,
    moved: bool,
    context: &Context<'_>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let identity = lacking.keys().any(|key| IDENTITY.contains(&key.as_str()));
    if identity && !moved {
        found.push(differs(
            "tags",
            "changed or removed",
            "the lab's own",
            Impact::InPlace,
        ));
    }
    for (key, value) in lacking {
        let hidden = IDENTITY.contains(&key.as_str()) || (moved && key == TAG_NAME);
        if hidden {
            continue;
        }
        let before = sighting.tags.get(key).map_or("-", String::as_str);
        let field = if key == TAG_PROTECT {
            "prevent_destroy".to_owned()
        } else {
            format!("tag {key}")
        };
        let mut difference = differs(&field, before, value, Impact::InPlace);
        let is_users = context.tags.contains_key(key);
        difference.asked =
            key == TAG_PROTECT || (is_users && context.tagged.get(key) != Some(value));
        found.push(difference);
    }
    found
}

/// The user's tags that the profile had when it was last applied and has no more, each with the call that takes it off.
/// One that somebody has changed since is theirs now.
pub(super) fn dropped(
    address: &Address,
    sighting: &Sighting,
    context: &Context<'_>,
) -> Vec<Difference> {
    if !is_taggable(sighting.seen.kind()) {
        return Vec::new();
    }
    let gone: Vec<(&String, &String)> = context
        .tagged
        .iter()
        .filter(|(key, value)| {
            !context.tags.contains_key(*key) && sighting.tags.get(*key) == Some(value)
        })
        .collect();
    let keys: BTreeSet<String> = gone.iter().map(|(key, _)| (*key).clone()).collect();
    let mut untag = Some(unset(address, sighting, keys));
    let mut found = Vec::new();
    for (key, before) in gone {
        let field = format!("tag {key}");
        let mut difference = differs(&field, before, "-", Impact::InPlace).with(untag.take());
        difference.asked = true;
        found.push(difference);
    }
    found
}

/// The user's tags on an alarm whose description tells that they are others. Which, the lockfile remembers; where it does
/// not, all are set anew. The first difference has the calls.
pub(super) fn of_alarm(seen: &SeenAlarm, context: &Context<'_>) -> Vec<Difference> {
    let (before, after) = (context.tagged, context.tags);
    let alarm = || vec![Ref::Existing(CloudId::new(&seen.arn))];
    let gone: BTreeSet<String> = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .cloned()
        .collect();
    let kind = Kind::Alarm;
    let set = (!after.is_empty()).then(|| Op::Tag {
        kind,
        resources: alarm(),
        tags: after.clone(),
    });
    let unset = (!gone.is_empty()).then(|| Op::Untag {
        kind,
        resources: alarm(),
        keys: gone.clone(),
    });
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found: Vec<Difference> = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let told = |tags: &Tags| tags.get(key).map_or("-", String::as_str).to_owned();
            let field = format!("tag {key}");
            let mut difference = differs(&field, told(before), told(after), Impact::InPlace);
            difference.asked = true;
            difference
        })
        .collect();
    if found.is_empty() {
        let others = differs("tags", "others", "the profile's", Impact::InPlace);
        found.push(others);
    }
    found[0].fixes.extend(set.into_iter().chain(unset));
    found
}

/// The calls that set `tags` on what is at `address`. A machine's root volume carries the same.
pub(super) fn set(address: &Address, sighting: &Sighting, tags: &Tags) -> Op {
    let kind = sighting.seen.kind();
    if is_named(kind) {
        return Op::Tag {
            kind,
            resources: vec![Ref::to(address)],
            tags: tags.clone(),
        };
    }
    Op::CreateTags {
        resources: carriers(address, sighting),
        tags: tags.clone(),
    }
}

/// The call that takes the lab's tags off.
pub(super) fn remove(address: &Address, sighting: &Sighting) -> Op {
    let keys = [
        TAG_LAB,
        TAG_LAB_ID,
        TAG_ADDRESS,
        TAG_FIRST,
        TAG_MANAGED,
        TAG_RUN,
        TAG_KEEP,
        TAG_PROTECT,
        TAG_RESTART,
        TAG_SHUTDOWN,
    ];
    let keys: BTreeSet<String> = keys
        .into_iter()
        .filter(|key| sighting.tags.contains_key(*key))
        .map(str::to_owned)
        .collect();
    unset(address, sighting, keys)
}

fn unset(address: &Address, sighting: &Sighting, keys: BTreeSet<String>) -> Op {
    Op::Untag {
        kind: sighting.seen.kind(),
        resources: carriers(address, sighting),
        keys,
    }
}

/// What carries the tags of a resource: itself, and a machine's root volume.
fn carriers(address: &Address, sighting: &Sighting) -> Vec<Ref> {
    let root = root_volume(sighting).map(|id| Ref::Existing(id.clone()));
    std::iter::once(Ref::to(address)).chain(root).collect()
}

/// Whether what is known of this kind is its name and not its id.
fn is_named(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::KeyPair | Kind::Role | Kind::InstanceProfile | Kind::PlacementGroup
    )
}

fn root_volume(sighting: &Sighting) -> Option<&CloudId> {
    match &sighting.seen {
        Seen::Instance(seen) => seen.root_volume.as_ref(),
        _ => None,
    }
}
