//! The order of the steps.

use roboinfra::inventory::Inventory;
use roboinfra::model::Op;
use roboinfra::plan::{Flaw, Mode, Plan, check};

use super::world::{TWIN, applied, lab_of, moment, planned, recorded};

fn place(plan: &Plan, address: &str, name: &str) -> usize {
    let found = plan
        .steps
        .iter()
        .position(|s| s.address.as_str() == address && s.op.name() == name);
    found.unwrap_or_else(|| unreachable!("{name} of {address} is in the plan"))
}

/// Whether step `late` waits for step `early`, directly or not.
fn waits(plan: &Plan, late: usize, early: usize) -> bool {
    plan.steps[late]
        .after
        .iter()
        .any(|step| *step == early || waits(plan, *step, early))
}

#[test]
fn a_machine_is_launched_into_a_network_that_works() {
    let lab = lab_of(TWIN);
    let plan = planned(Mode::Apply, &lab, None, &Inventory::empty(moment()));
    let launch = place(&plan, "node.sim", "RunInstances");
    for (address, name) in [
        ("network.subnet.us-east-1a", "CreateSubnet"),
        ("network.route.default", "CreateRoute"),
        (
            "network.route-table-association.us-east-1a",
            "AssociateRouteTable",
        ),
        ("access.security-group.sim", "CreateSecurityGroup"),
        ("access.key-pair", "ImportKeyPair"),
        ("access.instance-profile", "AddRoleToInstanceProfile"),
    ] {
        assert!(
            waits(&plan, launch, place(&plan, address, name)),
            "the launch waits for {name} of {address}"
        );
    }
    let allocate = place(&plan, "elastic-ip.sim.0", "AllocateAddress");
    assert!(
        plan.steps[allocate].after.is_empty(),
        "an address waits for nothing"
    );
    let volume = place(&plan, "volume.sim.0.data", "CreateVolume");
    let running = place(&plan, "node.sim", "waiting for running");
    assert!(
        !waits(&plan, volume, running),
        "a volume is made while the machine boots"
    );
}

#[test]
fn what_cannot_be_searched_for_comes_after_something_that_can() {
    let lab = lab_of(TWIN);
    let plan = planned(Mode::Apply, &lab, None, &Inventory::empty(moment()));
    let found_by_tag = place(&plan, "access.key-pair", "ImportKeyPair");
    for (address, name) in [
        ("access.role", "CreateRole"),
        ("access.instance-profile", "CreateInstanceProfile"),
    ] {
        assert!(waits(&plan, place(&plan, address, name), found_by_tag));
    }
}

#[test]
fn like_machines_share_one_call() {
    for (count, calls) in [(1, 1), (50, 1), (100, 1), (101, 2), (250, 3)] {
        let lab = lab_of(
            &TWIN
                .replace("elastic_ip = true", &format!("count = {count}"))
                .replace("volume.data", "# "),
        );
        let plan = planned(Mode::Apply, &lab, None, &Inventory::empty(moment()));
        let launches = plan
            .steps
            .iter()
            .filter(|s| matches!(s.op, Op::RunInstances { .. }))
            .count();
        assert_eq!(launches, calls, "{count} machines");
    }
}

#[test]
fn a_hole_in_a_group_is_filled_with_its_own_index() {
    let lab = lab_of(
        &TWIN
            .replace("elastic_ip = true", "count = 4")
            .replace("volume.data", "# "),
    );
    let mut world = applied(&lab);
    world
        .sightings
        .retain(|s| s.id.as_str() != "id-node.sim.1" && s.id.as_str() != "id-node.sim.3");
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    let firsts: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step.op {
            Op::RunInstances { first, count, .. } => Some((first, count)),
            _ => None,
        })
        .collect();
    assert_eq!(firsts, [(1, 1), (3, 1)]);
}

#[test]
fn nothing_goes_before_what_stands_on_it() {
    let lab = lab_of(TWIN);
    let plan = planned(Mode::Destroy, &lab, Some(&recorded(&lab)), &applied(&lab));
    let order = [
        (
            "node.sim.0",
            "waiting for terminated",
            "access.security-group.sim",
            "DeleteSecurityGroup",
        ),
        (
            "node.sim.0",
            "waiting for terminated",
            "network.subnet.us-east-1a",
            "DeleteSubnet",
        ),
        (
            "node.sim.0",
            "waiting for terminated",
            "network.internet-gateway",
            "DetachInternetGateway",
        ),
        (
            "elastic-ip.sim.0",
            "ReleaseAddress",
            "network.internet-gateway",
            "DetachInternetGateway",
        ),
        (
            "network.internet-gateway",
            "DetachInternetGateway",
            "network.internet-gateway",
            "DeleteInternetGateway",
        ),
        (
            "network.route-table-association.us-east-1a",
            "DisassociateRouteTable",
            "network.route-table",
            "DeleteRouteTable",
        ),
        (
            "network.subnet.us-east-1a",
            "DeleteSubnet",
            "network.vpc",
            "DeleteVpc",
        ),
        (
            "network.internet-gateway",
            "DeleteInternetGateway",
            "network.vpc",
            "DeleteVpc",
        ),
        (
            "network.route-table",
            "DeleteRouteTable",
            "network.vpc",
            "DeleteVpc",
        ),
        (
            "access.security-group.sim",
            "DeleteSecurityGroup",
            "network.vpc",
            "DeleteVpc",
        ),
        (
            "access.instance-profile",
            "DeleteInstanceProfile",
            "access.role",
            "DeleteRole",
        ),
        // IAM cannot be searched by tag: something that can be stays until it is empty.
        (
            "access.role",
            "DeleteRole",
            "access.key-pair",
            "DeleteKeyPair",
        ),
    ];
    for (first, first_op, then, then_op) in order {
        let (early, late) = (place(&plan, first, first_op), place(&plan, then, then_op));
        assert!(
            waits(&plan, late, early),
            "{then_op} of {then} waits for {first_op} of {first}"
        );
    }
}

#[test]
fn a_replaced_machine_is_gone_before_the_next_one_comes() {
    let lab = lab_of(TWIN);
    let mut world = applied(&lab);
    for sighting in &mut world.sightings {
        if let roboinfra::inventory::Seen::Instance(seen) = &mut sighting.seen {
            seen.image = Some(roboinfra::model::ImageId::new("ami-older"));
        }
    }
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&lab)), &world);
    let gone = place(&plan, "node.sim.0", "waiting for terminated");
    let launch = place(&plan, "node.sim", "RunInstances");
    let attach = place(&plan, "volume.sim.0.data", "AttachVolume");
    assert!(waits(&plan, launch, gone) && waits(&plan, attach, launch));
    let Op::RunInstances { launch, .. } = &plan.steps[launch].op else {
        unreachable!("it launches")
    };
    assert!(
        launch
            .ladder
            .iter()
            .all(|rung| rung.zone.as_str() == "us-east-1a"),
        "in the zone of its volume"
    );
}

#[test]
fn what_machines_use_goes_after_they_have_left_it() {
    let lab = lab_of(TWIN);
    let world = applied(&lab);
    let other = lab_of(&TWIN.replace(
        "elastic_ip = true",
        "elastic_ip = true\ninstance_profile = \"lab-hosts\"",
    ));
    let plan = planned(Mode::Apply, &other, Some(&recorded(&lab)), &world);
    assert_eq!(check(&plan), []);
    let changed = place(&plan, "node.sim.0", "ReplaceIamInstanceProfileAssociation");
    let profile = place(&plan, "access.instance-profile", "DeleteInstanceProfile");
    let role = place(&plan, "access.role", "DeleteRole");
    assert!(waits(&plan, profile, changed) && waits(&plan, role, profile));

    // And back: the lab's own is made first.
    let world = applied(&other);
    let plan = planned(Mode::Apply, &lab, Some(&recorded(&other)), &world);
    let changed = place(&plan, "node.sim.0", "ReplaceIamInstanceProfileAssociation");
    let made = place(&plan, "access.instance-profile", "AddRoleToInstanceProfile");
    assert!(waits(&plan, changed, made));
}

#[test]
fn a_plan_that_ends_a_machine_and_makes_none_is_not_sound() {
    let lab = lab_of(TWIN);
    let mut plan = planned(Mode::Apply, &lab, None, &Inventory::empty(moment()));
    let launch = place(&plan, "node.sim", "RunInstances");
    plan.steps[launch].op = Op::TerminateInstances {
        instances: Vec::new(),
    };
    let node = roboinfra::model::Address::new("node.sim.0");
    assert!(check(&plan).contains(&Flaw::NeverMade(node)));
}
