//! The answer of a creating call is lost: what it made exists once, whatever the call.

use roboinfra::event::RunEnd;
use roboinfra::plan::Mode;

use super::labs::{FLEET, complete, heals_and_goes, rig};

/// Every call of an apply that brings something into being or ties things together.
const EFFECTS: [&str; 21] = [
    "CreateVpc",
    "ModifyVpcAttribute",
    "CreateSubnet",
    "CreateInternetGateway",
    "AttachInternetGateway",
    "CreateRouteTable",
    "CreateRoute",
    "AssociateRouteTable",
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "ImportKeyPair",
    "CreateRole",
    "AttachRolePolicy",
    "CreateInstanceProfile",
    "AddRoleToInstanceProfile",
    "CreatePlacementGroup",
    "RunInstances",
    "CreateVolume",
    "AttachVolume",
    "AllocateAddress",
    "AssociateAddress",
];

fn grouped() -> String {
    FLEET.replace("count = 3", "count = 3\nplacement_group = true")
}

async fn struck(kind: &str, on: &str, how_often: &str) {
    let what = format!("{kind} on {on}, {how_often}");
    let fault = format!("[[fault]]\nkind = \"{kind}\"\non = \"{on}\"\n{how_often}\n");
    let mut rig = rig(&grouped(), &fault).await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{what}: {:?}", ran.report);
    complete(&mut rig, &what).await;
    heals_and_goes(&mut rig, &what).await;
}

#[tokio::test]
async fn one_lost_answer_of_each_call() {
    for on in EFFECTS {
        struck("lost-response", on, "times = 1").await;
    }
}

#[tokio::test]
async fn two_lost_answers_of_each_call() {
    for on in EFFECTS {
        struck("lost-response", on, "times = 2").await;
    }
}

#[tokio::test]
async fn one_internal_error_of_each_call() {
    for on in EFFECTS {
        struck("server-error", on, "times = 1").await;
    }
}

/// The effect happened, its answer was lost, and the first reads do not show it.
#[tokio::test]
async fn a_lost_answer_and_reads_that_lag_behind() {
    for on in [
        "CreateVpc",
        "RunInstances",
        "CreateVolume",
        "AllocateAddress",
    ] {
        let fault = format!(
            "[[fault]]\nkind = \"lost-response\"\non = \"{on}\"\ntimes = 1\n\
             [[fault]]\nkind = \"invisible\"\non = \"Describe*\"\nfor = \"4s\"\n"
        );
        let mut rig = rig(FLEET, &fault).await;
        let ran = rig.go(Mode::Apply).await;
        assert_eq!(ran.report.end, RunEnd::Done, "{on}: {:?}", ran.report);
        rig.clock.sleep(std::time::Duration::from_secs(10)).await;
        complete(&mut rig, on).await;
    }
}

/// A machine whose launch is told of by nobody for minutes still is launched once: its token is kept.
#[tokio::test]
async fn a_launch_that_is_not_seen_for_minutes_happens_once() {
    for on in ["RunInstances", "CreateVolume", "CreateRouteTable"] {
        let fault = format!(
            "[[fault]]\nkind = \"lost-response\"\non = \"{on}\"\ntimes = 1\n\
             [[fault]]\nkind = \"invisible\"\non = \"Describe*\"\nfor = \"100s\"\n"
        );
        let mut rig = rig(FLEET, &fault).await;
        let ran = rig.go(Mode::Apply).await;
        assert_eq!(ran.report.end, RunEnd::Done, "{on}: {:?}", ran.report);
        rig.clock.sleep(std::time::Duration::from_secs(200)).await;
        complete(&mut rig, on).await;
    }
}
