//! The documents: that IAM can evaluate every statement, and that a profile gets what it needs and no more.

use std::collections::BTreeSet;

use roboinfra::policy::{MANAGED_POLICY_LIMIT, Part, Place, Policy, TABLE, policy};
use roboinfra::profile::{Profile, parse, starters};

use crate::facts;
use crate::lab::{GUEST, LARGE, SMALL};

fn profile(text: &str) -> Profile {
    let parsed = parse(text);
    assert!(parsed.profile.is_some(), "{:?}", parsed.problems);
    parsed.profile.expect("looked at above")
}

fn actions(policy: &Policy) -> BTreeSet<String> {
    policy
        .statement
        .iter()
        .flat_map(|statement| statement.action.iter().cloned())
        .collect()
}

/// The resource type of an ARN, as EC2, IAM and SSM write it.
fn kind(arn: &str) -> &str {
    if arn == "*" {
        return arn;
    }
    let resource = arn.split(':').nth(5).unwrap_or_default();
    resource.split('/').next().unwrap_or_default()
}

/// Every statement names an action's own resource types, and keys that IAM has for them.
#[test]
fn every_statement_can_be_evaluated() {
    for text in [SMALL, LARGE, GUEST] {
        let policy = policy(&profile(text), Part::All);
        let mut names = BTreeSet::new();
        for statement in &policy.statement {
            assert!(names.insert(&statement.sid), "{} twice", statement.sid);
            assert!(statement.sid.chars().all(|c| c.is_ascii_alphanumeric()));
            assert!(!statement.resource.is_empty(), "{statement:?}");
            let keys: BTreeSet<&str> = statement
                .condition
                .iter()
                .flat_map(|condition| condition.values().flat_map(|keys| keys.keys()))
                .map(|key| key.split('/').next().unwrap_or(key))
                .filter(|key| *key != "aws:RequestedRegion")
                .collect();
            for action in &statement.action {
                let facts = facts::of(action);
                if statement.resource == ["*"] {
                    // IAM ignores a condition on a key that the action does not have: it would never hold.
                    assert!(keys.is_empty(), "{action} in {}", statement.sid);
                    continue;
                }
                let known = |kind: &&str| *kind == "*" || facts.contains_key(*kind);
                let kinds: Vec<&str> = statement.resource.iter().map(|arn| kind(arn)).collect();
                let of_action: Vec<&str> = kinds.iter().copied().filter(known).collect();
                // Spot requests are in the User Guide, not in the reference.
                let spot = statement.sid == "ApplySpotRequest";
                assert!(
                    spot || !of_action.is_empty(),
                    "{action} in {}",
                    statement.sid
                );
                for key in &keys {
                    let has = |kind: &&str| {
                        *kind == "*" || facts.get(*kind).is_some_and(|of| of.keys.contains(*key))
                    };
                    let whole = facts.get("").is_some_and(|of| of.keys.contains(*key));
                    let there = spot || whole || of_action.iter().any(has);
                    assert!(there, "{action} has no {key} ({})", statement.sid);
                }
            }
        }
    }
}

/// The table names an action's own types, and tags only where the action knows tags of them.
#[test]
fn every_row_is_as_documented() {
    for grant in TABLE.iter().flat_map(|call| call.grants) {
        let (kinds, key): (Vec<&str>, _) = match grant.place {
            Place::Ours(kinds) => (kinds.to_vec(), "aws:ResourceTag"),
            Place::New(kind) | Place::NewInVpc(kind) => (vec![kind], "aws:RequestTag"),
            Place::NewMachine => (
                vec!["instance", "network-interface", "volume"],
                "aws:RequestTag",
            ),
            Place::NewRule => (vec!["security-group-rule"], "aws:RequestTag"),
            _ => continue,
        };
        for kind in kinds.into_iter().filter(|kind| *kind != "*") {
            let of = facts::of(grant.action).get(kind);
            let known = of.is_some_and(|of| of.keys.contains(key));
            assert!(known, "{} has no {key} on {kind}", grant.action);
        }
    }
}

/// Statements join actions. Where the tags of the request decide, which are the same for every resource in it, no
/// action may gain a resource by that: making VPCs with our tag must not let subnets be made in any VPC.
#[test]
fn joining_actions_gives_none_of_them_more() {
    let policy = policy(&profile(LARGE), Part::All);
    for statement in &policy.statement {
        let decides = |key: &str| {
            let conditions = statement.condition.iter().flatten();
            conditions
                .flat_map(|(_, keys)| keys.keys())
                .any(|k| k.starts_with(key))
        };
        if !decides("aws:RequestTag") || statement.action == ["ec2:CreateTags"] {
            continue;
        }
        for action in &statement.action {
            let makes = |kind: &&str| {
                let keys = facts::of(action).get(*kind).map(|of| &of.keys);
                let whole = facts::of(action).get("").map(|of| &of.keys);
                keys.is_some_and(|keys| {
                    keys.contains("aws:RequestTag")
                        || whole.is_some_and(|keys| keys.contains("aws:RequestTag"))
                })
            };
            let kinds = statement.resource.iter().map(|arn| kind(arn));
            for kind in kinds.filter(|kind| facts::of(action).contains_key(*kind)) {
                assert!(makes(&kind), "{action} on {kind} in {}", statement.sid);
            }
        }
    }
}

/// What an action must be allowed on is allowed somewhere.
#[test]
fn every_required_resource_of_an_action_is_there() {
    for text in [SMALL, LARGE, GUEST] {
        let policy = policy(&profile(text), Part::All);
        for action in actions(&policy) {
            let allowed: Vec<&str> = policy
                .statement
                .iter()
                .filter(|statement| statement.action.contains(&action))
                .flat_map(|statement| statement.resource.iter().map(|arn| kind(arn)))
                .collect();
            for (required, _) in facts::of(&action).iter().filter(|(_, of)| of.required) {
                let there = allowed.contains(&required.as_str()) || allowed.contains(&"*");
                assert!(there, "{action} takes {required}");
            }
        }
    }
}

#[test]
fn what_only_some_labs_need_is_there_only_then() {
    let of = |text: &str| actions(&policy(&profile(text), Part::All));
    let (small, large, guest) = (of(SMALL), of(LARGE), of(GUEST));
    for action in [
        "ec2:AllocateAddress",
        "ec2:CreateVolume",
        "ec2:CreatePlacementGroup",
        "ec2:DescribePlacementGroups",
        "ec2:CancelSpotInstanceRequests",
        "ec2:DescribeSpotPriceHistory",
        "iam:CreateServiceLinkedRole",
        "ssm:GetParameter",
    ] {
        assert!(
            large.contains(action) && !small.contains(action),
            "{action}"
        );
    }
    for action in ["ec2:CreateVpc", "ec2:DeleteVpc", "iam:CreateRole"] {
        assert!(
            small.contains(action) && !guest.contains(action),
            "{action}"
        );
    }
    let text = serde_json::to_string(&policy(&profile(GUEST), Part::All)).expect("it is JSON");
    assert!(text.contains(":vpc/vpc-0123456789abcdef0"));
    assert!(text.contains(":subnet/subnet-0123456789abcdef0"));
    assert!(text.contains(":role/company-default"));
    let text = serde_json::to_string(&policy(&profile(SMALL), Part::All)).expect("it is JSON");
    assert!(text.contains("::image/ami-0123456789abcdef0"));
}

#[test]
fn a_part_holds_its_own_and_no_more() {
    let profile = profile(LARGE);
    let of = |part| actions(&policy(&profile, part));
    let reads = |action: &String| {
        let name = action.split(':').nth(1).unwrap_or_default();
        ["Describe", "Get", "List"]
            .iter()
            .any(|verb| name.starts_with(verb))
    };
    assert!(of(Part::Plan).iter().all(reads));
    let power: Vec<_> = of(Part::Power)
        .difference(&of(Part::Plan))
        .cloned()
        .collect();
    assert_eq!(power, ["ec2:StartInstances", "ec2:StopInstances"]);
    let takes_away = |action: &String| {
        ["Delete", "Terminate", "Release", "Cancel"]
            .iter()
            .any(|verb| action.contains(verb) && action != "ec2:DeleteTags")
    };
    assert!(!of(Part::Apply).iter().any(takes_away));
    let creates = |action: &String| action.contains("Create") || action.contains("Run");
    assert!(!of(Part::Destroy).iter().any(creates));
    let mut all = of(Part::Apply);
    all.extend(of(Part::Destroy));
    assert_eq!(all, of(Part::All));
}

/// Two labs of which one name begins with the other never meet.
#[test]
fn a_role_is_told_from_that_of_a_lab_with_a_longer_name() {
    let policy = policy(&profile(SMALL), Part::All);
    let pattern = policy
        .statement
        .iter()
        .find(|statement| statement.sid == "DestroyRole")
        .and_then(|statement| statement.resource.iter().find(|arn| arn.contains(":role/")))
        .expect("it deletes its role");
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/roboinfra/roboinfra-{name}");
    assert!(crate::iam::matches(pattern, &arn("small-abcdefghijkl")));
    assert!(!crate::iam::matches(pattern, &arn("small-2-abcdefghijkl")));
    assert!(!crate::iam::matches(pattern, &arn("smaller-abcdefghijkl")));
}

#[test]
fn each_part_fits_into_a_managed_policy() {
    let texts = starters().iter().map(|starter| starter.text);
    for text in texts.chain([SMALL, LARGE, GUEST]) {
        let profile = profile(text);
        for part in [
            Part::Plan,
            Part::Power,
            Part::Apply,
            Part::Destroy,
            Part::All,
        ] {
            let weight = policy(&profile, part).weight();
            assert!(
                weight <= MANAGED_POLICY_LIMIT || part == Part::All,
                "{} {part:?}: {weight}",
                profile.name
            );
        }
    }
}

#[test]
fn nothing_is_allowed_everywhere_but_reading() {
    for text in [SMALL, LARGE, GUEST] {
        for statement in policy(&profile(text), Part::All).statement {
            assert!(statement.action.iter().all(|action| !action.contains('*')));
            if statement.resource == ["*"] {
                assert!(statement.sid.ends_with("Read"), "{}", statement.sid);
            }
        }
    }
}

/// A stack with a secret of the account.
const SECRET: &str = r#"
[stack.digital-twin]
components = ["riva"]
accept_eula = true
secrets = { NGC_API_KEY = "ssm:/labs/ngc" }
"#;

#[test]
fn the_manual_explains_every_statement_and_no_other() {
    let manual = include_str!("../../docs/permissions.md");
    let explained: BTreeSet<&str> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| !name.contains(' '))
        .collect();
    let shared =
        format!("{SMALL}stack = \"digital-twin\"\n{SECRET}[state]\nbucket = \"lab-state\"\n");
    let policies = [SMALL, LARGE, GUEST, &shared].map(|text| policy(&profile(text), Part::All));
    let printed: BTreeSet<&str> = policies
        .iter()
        .flat_map(|policy| {
            policy
                .statement
                .iter()
                .map(|statement| statement.sid.as_str())
        })
        .collect();
    assert_eq!(explained, printed);
}

/// State in a bucket takes the lab's own objects, and leave to see that one is not there yet.
#[test]
fn shared_state_takes_the_labs_own_objects() {
    let shared = format!("{SMALL}[state]\nbucket = \"lab-state\"\nprefix = \"robots\"\n");
    let of = |part| -> BTreeSet<(String, String)> {
        let policy = policy(&profile(&shared), part);
        let statements = policy.statement.into_iter();
        statements
            .flat_map(|statement| {
                let resources = statement.resource.join(" ");
                let pairs = statement.action.into_iter();
                pairs.map(move |action| (action, resources.clone()))
            })
            .filter(|(action, _)| action.starts_with("s3:"))
            .collect()
    };
    let own = "arn:aws:s3:::lab-state/robots/roboinfra/small/*";
    let pairs = |actions: &[&str]| -> BTreeSet<(String, String)> {
        let own = actions.iter().map(|a| ((*a).to_owned(), own.to_owned()));
        own.chain([(
            "s3:ListBucket".to_owned(),
            "arn:aws:s3:::lab-state".to_owned(),
        )])
        .collect()
    };
    assert_eq!(of(Part::Plan), pairs(&["s3:GetObject"]));
    assert_eq!(of(Part::Apply), pairs(&["s3:GetObject", "s3:PutObject"]));
    let all = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    assert_eq!(of(Part::Destroy), pairs(&all));
    assert_eq!(
        actions(&policy(&profile(SMALL), Part::All))
            .iter()
            .find(|a| a.starts_with("s3:")),
        None
    );
}
