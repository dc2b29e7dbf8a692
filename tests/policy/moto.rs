//! The same life on moto with its evaluation of IAM turned on: a user that has the printed policy and nothing else.
//!
//! moto compares actions. It does not know which resources an EC2, IAM or SSM request is about (it asks its policies
//! about `*`), and it passes over condition keys that it has no value for; see moto's `iam/access_control.py`. So
//! resources are put aside here, conditions stand and are passed over, and both are evaluated in `sufficient.rs`.

use std::collections::BTreeSet;

use roboinfra::policy::{Part, Policy, policy};
use roboinfra::profile::parse;

use crate::gate::Gate;
use crate::lab::LARGE;
use crate::sufficient::{behind_its_back, changed, taken_elsewhere, untagged};

/// What moto never asks about, each with its reason.
const UNASKED: &[(&str, &str)] = &[
    (
        "iam:PassRole",
        "moto evaluates the action of the call alone, not those that it implies",
    ),
    ("iam:TagRole", "likewise"),
    ("iam:TagInstanceProfile", "likewise"),
    ("iam:CreateServiceLinkedRole", "likewise"),
    (
        "ec2:CancelSpotInstanceRequests",
        "moto starts spot machines without a request, so there is none to cancel",
    ),
    (
        "ec2:GetConsoleOutput",
        "asked when a machine is made ready, which this story leaves out",
    ),
    (
        "ec2:DescribeNetworkInterfaces",
        "asked only where something foreign keeps the network from going",
    ),
    (
        "ec2:ReplaceIamInstanceProfileAssociation",
        "asked only where the profile comes to name another instance profile",
    ),
    ("ec2:DescribeIamInstanceProfileAssociations", "likewise"),
    (
        "servicequotas:GetAWSDefaultServiceQuota",
        "asked only where an account has no value of its own",
    ),
    (
        "ec2:DeleteRoute",
        "a route goes with its table; the sandbox's story deletes one alone",
    ),
];

/// moto answers 500 to everything about placement groups; `server.py` grants 64 vCPUs.
fn profile() -> String {
    LARGE
        .replace("placement_group = true\n", "")
        .replace("g5.12xlarge", "g4dn.xlarge")
}

/// A policy as moto can evaluate it.
fn without_resources(policy: &Policy) -> String {
    let mut document = serde_json::to_value(policy).expect("a policy is JSON");
    for statement in document["Statement"]
        .as_array_mut()
        .expect("statements are a list")
    {
        statement["Resource"] = "*".into();
    }
    document.to_string()
}

fn document(text: &str, part: Part) -> (Policy, String) {
    let policy = policy(&parse(text).profile.expect("a valid profile"), part);
    let document = without_resources(&policy);
    (policy, document)
}

#[test]
#[ignore = "needs moto: ROBOINFRA_MOTO=1 cargo test --test policy -- --include-ignored moto::"]
fn a_lab_lives_with_its_policy_and_uses_all_of_it() {
    let mut gate = Gate::moto();
    let text = profile();
    let (policy, document) = document(&text, Part::All);
    gate.user("operator", &document);
    gate.profile(&text);
    gate.run(&["plan"], 0);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["status"], 0);
    gate.run(&["metrics"], 0);
    gate.run(&["stop", "sim"], 0);
    gate.run(&["start", "sim"], 0);
    gate.profile(&changed(&text));
    gate.run(&["apply", "--yes"], 0);
    let group = behind_its_back(&gate);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["plan", "--detailed-exitcode"], 0);
    gate.profile(&untagged(&changed(&text)));
    gate.run(&["apply", "--yes"], 0);
    gate.admin(&format!("Action=DeleteSecurityGroup&GroupId={group}"));
    taken_elsewhere(&gate);
    gate.run(&["apply", "--yes"], 0);
    gate.run(&["destroy", "--yes"], 0);
    assert_eq!(gate.denied(), Vec::<String>::new());
    let seen = gate.seen();
    let allowed = policy
        .statement
        .iter()
        .flat_map(|statement| &statement.action);
    let unused: BTreeSet<&String> = allowed
        .filter(|action| !seen.contains(*action))
        .filter(|action| !UNASKED.iter().any(|(unasked, _)| unasked == action))
        .collect();
    assert_eq!(unused, BTreeSet::new());
}

#[test]
#[ignore = "needs moto: ROBOINFRA_MOTO=1 cargo test --test policy -- --include-ignored moto::"]
fn a_part_is_refused_the_rest() {
    let mut gate = Gate::moto();
    let text = profile();
    gate.user("reader", &document(&text, Part::Plan).1);
    gate.profile(&text);
    gate.run(&["plan", "--detailed-exitcode"], 2);
    assert_eq!(gate.denied(), Vec::<String>::new());
    let said = gate.run(&["apply", "--yes"], 4);
    assert!(said.contains("roboinfra policy apply"), "{said}");
}
