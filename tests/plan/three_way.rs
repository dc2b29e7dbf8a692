//! What is decided about each resource, and why.

use std::collections::BTreeSet;

use roboinfra::inventory::{Inventory, Owner, Seen, SeenInstance, Sighting};
use roboinfra::lab::Lab;
use roboinfra::model::{
    Action, Address, BlockReason, CloudId, Failure, FailureClass, ImageId, InstanceState,
    InstanceType, Kind, Op, Reason, TAG_ADDRESS, TAG_KEEP, TAG_RESTART, Zone,
};
use roboinfra::plan::Mode;

use super::world::{TWIN, applied, id_of, lab_of, planned, planned_for, recorded, told};

fn change(world: &mut Inventory, address: &str, edit: impl FnOnce(&mut Sighting)) {
    edit(
        world
            .sightings
            .iter_mut()
            .find(|s| s.id == id_of(address))
            .expect("it is in the world"),
    );
}

fn change_machine(world: &mut Inventory, edit: impl FnOnce(&mut SeenInstance)) {
    change(world, "node.sim.0", |sighting| match &mut sighting.seen {
        Seen::Instance(seen) => edit(seen),
        other => unreachable!("{other:?} is a machine"),
    });
}

fn lose(world: &mut Inventory, address: &str) {
    world
        .sightings
        .retain(|sighting| sighting.id != id_of(address));
}

fn twin() -> (Lab, Inventory) {
    let lab = lab_of(TWIN);
    let world = applied(&lab);
    (lab, world)
}

#[test]
fn an_empty_world_means_everything_is_new() {
    let (lab, _) = twin();
    let plan = planned(
        Mode::Apply,
        &lab,
        None,
        &Inventory::empty(super::world::moment()),
    );
    assert_eq!(plan.tally().create, lab.resources.len());
    assert!(
        plan.changes
            .iter()
            .all(|change| change.reason == Reason::New)
    );
}

#[test]
fn an_applied_lab_needs_nothing() {
    let (lab, world) = twin();
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(told(&plan), [""; 0]);
    assert!(plan.steps.is_empty() && !plan.has_changes());
}

#[test]
fn the_same_input_gives_the_same_plan() {
    let (lab, mut world) = twin();
    let first = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &world);
    world.sightings.reverse();
    let second = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(
        serde_json::to_string(&first).ok(),
        serde_json::to_string(&second).ok()
    );
}

#[test]
fn what_changed_outside_is_drift() {
    let (lab, mut world) = twin();
    change(&mut world, "network.vpc", |sighting| {
        if let Seen::Vpc(vpc) = &mut sighting.seen {
            vpc.dns_hostnames = Some(false);
        }
    });
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(told(&plan), ["update network.vpc Differs"]);
    let field = plan
        .changes
        .iter()
        .flat_map(|change| &change.fields)
        .next()
        .expect("one field differs");
    assert!(field.drift, "the lockfile says it was as the profile wants");
}

#[test]
fn what_is_not_reported_is_not_drift() {
    let (lab, mut world) = twin();
    change_machine(&mut world, |seen| {
        seen.image = None;
        seen.zone = None;
        seen.subnet = None;
        seen.key = None;
        seen.security_groups = None;
        seen.imds_v2_required = None;
        seen.imds_hop_limit = None;
    });
    assert_eq!(
        told(&planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world)),
        [""; 0]
    );
}

#[test]
fn a_machine_stopped_on_purpose_is_left_alone() {
    let (lab, mut world) = twin();
    change_machine(&mut world, |seen| seen.state = InstanceState::Stopped);
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert!(!plan.has_changes());
    let reason = plan
        .changes
        .iter()
        .find(|c| c.kind == Kind::Instance)
        .map(|c| c.reason.clone());
    assert_eq!(reason, Some(Reason::Stopped));
}

#[test]
fn a_restart_that_was_cut_off_is_finished_and_a_stop_on_purpose_is_not_undone() {
    use InstanceState::{Running, Stopped, Stopping};
    let resized = "mark true, StopInstances, until stopped, ModifyInstanceAttribute, StartInstances, until running, mark false";
    let cases = [
        ("g5.2xlarge", Running, false, ""),
        ("g5.2xlarge", Running, true, "mark false"),
        ("g5.2xlarge", Stopped, false, ""),
        (
            "g5.2xlarge",
            Stopped,
            true,
            "StartInstances, until running, mark false",
        ),
        (
            "g5.2xlarge",
            Stopping,
            true,
            "until stopped, StartInstances, until running, mark false",
        ),
        ("g4dn.xlarge", Running, false, resized),
        ("g4dn.xlarge", Running, true, resized),
        ("g4dn.xlarge", Stopped, false, "ModifyInstanceAttribute"),
        (
            "g4dn.xlarge",
            Stopping,
            false,
            "until stopped, ModifyInstanceAttribute",
        ),
        (
            "g4dn.xlarge",
            Stopped,
            true,
            "ModifyInstanceAttribute, StartInstances, until running, mark false",
        ),
    ];
    for (instance_type, state, marked, expected) in cases {
        let (lab, mut world) = twin();
        change_machine(&mut world, |seen| {
            seen.instance_type = InstanceType::new(instance_type);
            seen.state = state;
        });
        change(&mut world, "node.sim.0", |sighting| {
            let tag = (TAG_RESTART.to_owned(), marked.to_string());
            sighting.tags.extend([tag]);
        });
        let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
        let steps: Vec<String> = plan
            .steps
            .iter()
            .map(|step| step_in_words(&step.op))
            .collect();
        assert_eq!(
            steps.join(", "),
            expected,
            "{instance_type} {state} {marked}"
        );
    }
}

/// An operation in a word or two.
fn step_in_words(op: &Op) -> String {
    match op {
        Op::CreateTags { tags, .. } => format!("mark {}", tags[TAG_RESTART]),
        Op::AwaitInstances { state, .. } => format!("until {state}"),
        other => other.name().to_owned(),
    }
}

#[test]
fn what_vanished_is_made_again_with_what_hangs_on_it() {
    let (lab, mut world) = twin();
    lose(&mut world, "node.sim.0");
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(told(&plan), ["create node.sim.0 Vanished"]);
    let ops = super::world::ops(&plan);
    assert_eq!(
        ops["volume.sim.0.data"],
        ["waiting for available", "AttachVolume"]
    );
    assert_eq!(ops["elastic-ip.sim.0"], ["AssociateAddress"]);
}

#[test]
fn a_kind_that_could_not_be_read_is_blocked_and_never_created() {
    let (lab, mut world) = twin();
    world
        .sightings
        .retain(|sighting| sighting.seen.kind() != Kind::Subnet);
    let failure = Failure::local(FailureClass::Permission, "DescribeSubnets", "no");
    world.unreadable.insert(Kind::Subnet, failure);
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert!(plan.steps.is_empty());
    assert_eq!((plan.tally().blocked, plan.tally().create), (1, 0));
}

#[test]
fn what_depends_on_something_unreadable_is_blocked_too() {
    let lab = lab_of(TWIN);
    let mut world = Inventory::empty(super::world::moment());
    world.unreadable.insert(
        Kind::Vpc,
        Failure::local(FailureClass::Permission, "DescribeVpcs", "no"),
    );
    let plan = planned(Mode::Apply, &lab, None, &world);
    let subnet = plan
        .changes
        .iter()
        .find(|change| change.kind == Kind::Subnet)
        .expect("a subnet");
    let reason = Reason::Blocked(BlockReason::DependsOnBlocked(Address::new("network.vpc")));
    assert_eq!(subnet.reason, reason);
}

#[test]
fn unrecorded_but_tagged_is_adopted() {
    let (lab, world) = twin();
    let mut lock = recorded(&lab);
    lock.resources.remove(&Address::new("network.vpc"));
    let plan = planned(Mode::Apply, &lab, Some(&lock), &world);
    assert_eq!(told(&plan), ["adopt network.vpc NotRecorded"]);
    assert!(plan.steps.is_empty());
}

#[test]
fn a_fallback_to_another_listed_type_or_zone_is_not_drift() {
    let lab = lab_of(&TWIN.replace(
        "zones = [\"us-east-1a\"]",
        "zones = [\"us-east-1a\", \"us-east-1b\"]",
    ));
    let mut world = applied(&lab);
    change_machine(&mut world, |seen| {
        seen.instance_type = InstanceType::new("g6.2xlarge");
        seen.zone = Some(Zone::new("us-east-1b"));
        seen.subnet = Some(id_of("network.subnet.us-east-1b"));
    });
    assert_eq!(
        told(&planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world)),
        [""; 0]
    );
}

#[test]
fn another_image_replaces_and_says_what_is_lost() {
    let (lab, mut world) = twin();
    change_machine(&mut world, |seen| {
        seen.image = Some(ImageId::new("ami-older"));
    });
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    let node = plan
        .changes
        .iter()
        .find(|change| change.kind == Kind::Instance)
        .expect("the node");
    assert_eq!(
        (node.action, &node.reason),
        (Action::Replace, &Reason::CannotUpdate)
    );
    assert!(
        node.losses
            .iter()
            .any(|loss| loss.0.contains("root volume")),
        "{:?}",
        node.losses
    );
    assert_eq!(
        plan.tally().delete,
        0,
        "the data volume and the address stay"
    );
}

#[test]
fn prevent_destroy_blocks_replacement_and_destruction() {
    let lab = lab_of(&TWIN.replace(
        "elastic_ip = true",
        "elastic_ip = true\nprevent_destroy = true",
    ));
    let mut world = applied(&lab);
    let plan = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(plan.tally().blocked, 1);
    change_machine(&mut world, |seen| {
        seen.image = Some(ImageId::new("ami-older"));
    });
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    assert_eq!(
        told(&plan),
        ["blocked node.sim.0 Blocked(PreventDestroy(\"line 16 of the profile\"))"]
    );
    assert!(plan.steps.is_empty());
}

#[test]
fn another_address_block_replaces_the_network_and_what_stands_in_it() {
    let (lab, world) = twin();
    let wider = lab_of(&TWIN.replace("[network]", "[network]\ncidr = \"10.9.0.0/16\""));
    let plan = planned(Mode::Apply, &wider, Some(&recorded(&lab)), &world);
    let replaced: Vec<_> = plan
        .changes
        .iter()
        .filter(|c| c.action == Action::Replace)
        .map(|c| c.address.as_str())
        .collect();
    assert_eq!(
        replaced,
        [
            "access.security-group.sim",
            "network.internet-gateway",
            "network.route-table",
            "network.route-table-association.us-east-1a",
            "network.route.default",
            "network.subnet.us-east-1a",
            "network.vpc",
            "node.sim.0",
        ]
    );
}

#[test]
fn a_node_that_is_no_longer_wanted_goes_and_the_others_keep_their_index() {
    let three = lab_of(&TWIN.replace("elastic_ip = true", "count = 3"));
    let one = lab_of(&TWIN.replace("elastic_ip = true", "count = 2"));
    let plan = planned(Mode::Apply, &one, Some(&recorded(&three)), &applied(&three));
    assert_eq!(
        told(&plan),
        ["delete node.sim.2 NotInProfile"],
        "its kept volume stays"
    );
}

#[test]
fn destroy_keeps_what_is_kept() {
    let (lab, world) = twin();
    let plan = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &world);
    let volume = plan
        .changes
        .iter()
        .find(|change| change.kind == Kind::Volume)
        .expect("the volume");
    assert_eq!(
        (volume.action, &volume.reason),
        (Action::NoOp, &Reason::Kept)
    );
    assert_eq!(plan.tally().delete, lab.resources.len() - 1);
    // It is marked in the profile, and not in the cloud yet: it is no leftover for that.
    let mut unmarked = world.clone();
    for sighting in &mut unmarked.sightings {
        sighting.tags.remove(TAG_KEEP);
    }
    let left = |kept| {
        let left = unmarked.left_of(&lab.id, kept).into_iter();
        left.filter(|sighting| sighting.seen.kind() == Kind::Volume && !sighting.is_part())
            .count()
    };
    assert_eq!((left(&plan.kept()), left(&BTreeSet::new())), (0, 1));
}

#[test]
fn another_labs_resources_are_not_seen() {
    let (lab, _) = twin();
    let mut other = lab.clone();
    other.id = roboinfra::model::LabId::new("lab2");
    let world = applied(&other);
    let plan = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &world);
    assert!(plan.steps.is_empty() && plan.changes.iter().all(|change| change.id.is_none()));
}

#[test]
fn two_of_one_address_are_not_touched() {
    let (lab, mut world) = twin();
    let mut double = world
        .sightings
        .iter()
        .find(|s| s.id == id_of("network.vpc"))
        .cloned()
        .expect("the VPC");
    double.id = CloudId::new("vpc-second");
    world.sightings.push(double);
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    let vpc = plan
        .changes
        .iter()
        .find(|change| change.kind == Kind::Vpc)
        .expect("the VPC");
    assert!(
        matches!(vpc.reason, Reason::Blocked(BlockReason::Ambiguous(_))),
        "{:?}",
        vpc.reason
    );
    assert!(
        plan.steps
            .iter()
            .all(|step| step.address.as_str() != "network.vpc")
    );
}

#[test]
fn a_machine_that_is_found_by_its_id_hides_no_other() {
    let (lab, mut world) = twin();
    let elsewhere = |sighting: &mut Sighting| {
        sighting
            .tags
            .insert(TAG_ADDRESS.to_owned(), "node.old".to_owned());
        let index = sighting.instance().map(|seen| seen.launch_index);
        sighting.owner = Owner::of(&sighting.tags, index);
    };
    change(&mut world, "node.sim.0", elsewhere);
    let mut other = world
        .sightings
        .iter()
        .find(|s| s.id == id_of("node.sim.0"))
        .cloned()
        .expect("the machine");
    other.id = CloudId::new("i-other");
    world.sightings.push(other);
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    let of = |id: &CloudId| {
        let mut changes = plan.changes.iter();
        changes
            .find(|change| change.id.as_ref() == Some(id))
            .map(|change| (change.address.as_str(), change.action))
    };
    assert_eq!(
        of(&id_of("node.sim.0")),
        Some(("node.sim.0", Action::Update))
    );
    assert_eq!(
        of(&CloudId::new("i-other")),
        Some(("node.old", Action::Delete))
    );
}

#[test]
fn targets_bring_what_they_need_and_nothing_else() {
    let lab = lab_of(TWIN);
    let empty = Inventory::empty(super::world::moment());
    let plan = planned_for(
        Mode::Apply,
        &lab,
        None,
        &empty,
        &["network.subnet.us-east-1a"],
    );
    assert_eq!(
        told(&plan),
        [
            "create network.subnet.us-east-1a New",
            "create network.vpc New"
        ]
    );
}

#[test]
fn refreshing_acts_on_nothing() {
    let (lab, mut world) = twin();
    lose(&mut world, "node.sim.0");
    let plan = planned(Mode::RefreshOnly, &lab, Some(&recorded(&lab)), &world);
    assert!(plan.steps.is_empty());
}
