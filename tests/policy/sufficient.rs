//! A lab's whole life with the printed policy and nothing more: no call is denied, and no statement is there for
//! nothing.

use std::collections::BTreeSet;

use roboinfra::policy::{Part, Policy};

use crate::gate::{Gate, texts};
use crate::iam::Used;
use crate::lab::{LARGE, SMALL};

/// What a policy allows and these stories do not come to use, each with its reason.
const UNUSED: &[(&str, &str, &str)] = &[
    (
        "ApplySpotRole",
        "iam:CreateServiceLinkedRole",
        "EC2 makes the role at an account's first spot request; the sandbox has no such role",
    ),
    (
        "ApplyOurs",
        "ec2:GetConsoleOutput",
        "asked when a machine is made ready, which these stories leave out",
    ),
    (
        "ApplyOurs",
        "ec2:ReplaceIamInstanceProfileAssociation",
        "asked only where the profile comes to name another instance profile",
    ),
    (
        "PlanRead",
        "ec2:DescribeIamInstanceProfileAssociations",
        "likewise",
    ),
    (
        "ApplyOurs",
        "ec2:ModifyInstancePlacement",
        "the machines of the story's placement group are spot machines, which are replaced",
    ),
    (
        "PlanRead",
        "servicequotas:GetAWSDefaultServiceQuota",
        "asked only where an account has no value of its own; the sandbox always has one",
    ),
];

/// Whether the stories need not use an action.
fn excused(sid: &str, action: &str) -> bool {
    UNUSED.iter().any(|(s, a, _)| (*s, *a) == (sid, action))
}

/// Places that no request of the stories names.
fn excused_place(sid: &str, arn: &str) -> bool {
    // The statement of `UNUSED` that has no other action.
    let alone = sid == "ApplySpotRole";
    // An address is taken from an instance; EC2 may ask for the interface that it was on.
    alone || (sid == "DestroyOurs" && arn.contains(":network-interface/"))
}

fn unused(policy: &Policy, used: &Used) -> BTreeSet<String> {
    let mut unused = BTreeSet::new();
    for statement in &policy.statement {
        for action in &statement.action {
            let key = (statement.sid.clone(), action.clone());
            if !used.actions.contains(&key) && !excused(&statement.sid, action) {
                unused.insert(format!("{} {action}", statement.sid));
            }
        }
        for arn in &statement.resource {
            let key = (statement.sid.clone(), arn.clone());
            if !used.resources.contains(&key) && !excused_place(&statement.sid, arn) {
                unused.insert(format!("{} {arn}", statement.sid));
            }
        }
    }
    unused
}

/// Changes of every sort, some in the profile and some behind its back.
fn story(gate: &Gate, text: &str) {
    gate.profile(text);
    gate.run(&["plan"], 0);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["status"], 0);
    // Not every lab of these stories publishes.
    if text.contains("[metrics]") {
        gate.run(&["metrics"], 0);
    }
    gate.run(&["stop"], 0);
    gate.run(&["start"], 0);
    gate.profile(&changed(text));
    gate.run(&["apply", "--yes"], 0);
    let group = behind_its_back(gate);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["plan", "--detailed-exitcode"], 0);
    gate.profile(&untagged(&changed(text)));
    gate.run(&["apply", "--yes"], 0);
    // A group that is not the lab's would keep its network from going.
    gate.admin(&format!("Action=DeleteSecurityGroup&GroupId={group}"));
}

/// The lab with another type, another port, another tag and a larger root volume.
pub(crate) fn changed(text: &str) -> String {
    text.replace(
        "[\"g5.xlarge\"]",
        "[\"g5.2xlarge\"]\nroot_volume = { size_gib = 300 }",
    )
    .replace("port = 22", "port = 2222")
    .replace(
        "region = \"us-east-1\"",
        "region = \"us-east-1\"\ntags = { project = \"x\" }",
    )
}

/// The tag is gone again.
pub(crate) fn untagged(text: &str) -> String {
    text.replace("tags = { project = \"x\" }\n", "")
}

/// Somebody in the console: metadata without tokens, another group, the DNS attribute. Returns that group.
pub(crate) fn behind_its_back(gate: &Gate) -> String {
    let machines = gate.admin(
        "Action=DescribeInstances&Filter.1.Name=tag:roboinfra:address&Filter.1.Value.1=node.sim*&Filter.2.Name=instance-state-name&Filter.2.Value.1=running",
    );
    let machine = texts(&machines, "instanceId")[0];
    let vpc = texts(&machines, "vpcId")[0];
    let refused = |answer: &str| answer.contains("<Errors>");
    let group = gate.admin(&format!(
        "Action=CreateSecurityGroup&VpcId={vpc}&GroupName=console&GroupDescription=x"
    ));
    let group = texts(&group, "groupId")[0];
    for query in [
        format!("Action=ModifyInstanceMetadataOptions&InstanceId={machine}&HttpTokens=optional"),
        format!("Action=ModifyInstanceAttribute&InstanceId={machine}&GroupId.1={group}"),
        format!("Action=ModifyVpcAttribute&VpcId={vpc}&EnableDnsHostnames.Value=false"),
    ] {
        let answer = gate.admin(&query);
        assert!(!refused(&answer), "{query}: {answer}");
    }
    group.to_owned()
}

/// Another machine takes the address and the volume; the lab takes both back at its next apply.
pub(crate) fn taken_elsewhere(gate: &Gate) {
    let addresses = gate.admin("Action=DescribeAddresses");
    let volumes = gate.admin(
        "Action=DescribeVolumes&Filter.1.Name=tag:roboinfra:address&Filter.1.Value.1=volume.*",
    );
    let other = texts(&gate.admin("Action=DescribeInstances&Filter.1.Name=tag:roboinfra:address&Filter.1.Value.1=node.train*&Filter.2.Name=instance-state-name&Filter.2.Value.1=running"), "instanceId")[0].to_owned();
    let (association, allocation) = (
        texts(&addresses, "associationId")[0],
        texts(&addresses, "allocationId")[0],
    );
    let volume = texts(&volumes, "volumeId")[0];
    for query in [
        format!("Action=DisassociateAddress&AssociationId={association}"),
        format!("Action=AssociateAddress&AllocationId={allocation}&InstanceId={other}"),
        format!("Action=DetachVolume&VolumeId={volume}"),
        format!("Action=AttachVolume&VolumeId={volume}&InstanceId={other}&Device=/dev/sdf"),
    ] {
        let answer = gate.admin(&query);
        assert!(!answer.contains("<Errors>"), "{query}: {answer}");
    }
}

#[test]
fn a_large_lab_lives_with_its_policy_and_uses_all_of_it() {
    let gate = Gate::new();
    let policy = gate.allow(LARGE, Part::All);
    story(&gate, LARGE);
    taken_elsewhere(&gate);
    gate.run(&["apply", "--yes"], 0);
    // A route goes with its table, unless it goes alone.
    gate.run(
        &["destroy", "--yes", "--target", "network.route.default"],
        0,
    );
    gate.run(&["destroy", "--yes"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());
    assert_eq!(unused(&policy, &gate.used()), BTreeSet::new());
}

#[test]
fn a_small_lab_lives_with_its_policy() {
    let gate = Gate::new();
    let text = SMALL.replace("image = \"ami-0123456789abcdef0\"\n", "");
    gate.allow(&text, Part::All);
    story(&gate, &text);
    gate.run(&["destroy", "--yes"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());
}

#[test]
fn each_part_does_its_own_and_is_refused_the_rest() {
    let gate = Gate::new();
    let text = SMALL.replace("image = \"ami-0123456789abcdef0\"\n", "");
    gate.profile(&text);
    gate.allow(&text, Part::Plan);
    gate.run(&["plan", "--detailed-exitcode"], 2);
    assert!(gate.denied().is_empty());
    let said = gate.run(&["apply", "--yes"], 4);
    assert!(said.contains("roboinfra policy apply"), "{said}");
    assert!(!gate.denied().is_empty());

    gate.allow(&text, Part::Apply);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["stop"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());
    let said = gate.run(&["destroy", "--yes"], 4);
    assert!(said.contains("roboinfra policy destroy"), "{said}");
    gate.denied();

    gate.allow(&text, Part::Power);
    gate.run(&["start"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());

    gate.allow(&text, Part::Destroy);
    gate.run(&["destroy", "--yes"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());
}

/// The policy of one lab is no use against another.
#[test]
fn another_labs_things_cannot_be_touched() {
    let gate = Gate::new();
    let text = SMALL.replace("image = \"ami-0123456789abcdef0\"\n", "");
    gate.profile(&text);
    gate.run(&["apply", "--yes"], 0);
    gate.allow(&text.replace("\"small\"", "\"other\""), Part::All);
    gate.run(&["stop"], 4);
    // What may not be read is not touched, and nothing else is while that is so.
    gate.run(&["destroy", "--yes"], 4);
    assert!(!gate.denied().is_empty());
    gate.allow(&text, Part::All);
    gate.run(&["plan", "--detailed-exitcode"], 0);
}
