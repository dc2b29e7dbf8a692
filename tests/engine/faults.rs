//! What goes wrong at the cloud, and what the engine makes of it.

use std::time::Duration;

use roboinfra::event::{Event, RunEnd};
use roboinfra::model::{Action, Address, FailureClass};
use roboinfra::plan::{Mode, Severity};

use super::labs::{FLEET, complete, fallbacks, goes, heals_and_goes, nonzero, rig, twin};

/// All choices but one have no capacity.
const ONLY_G6_IN_B: &str = r#"
[[fault]]
kind = "capacity"
type = "g5.*"
[[fault]]
kind = "capacity"
zone = "us-east-1a"
"#;

#[tokio::test]
async fn without_capacity_the_next_choice_is_taken_in_the_plans_order() {
    let mut rig = rig(FLEET, ONLY_G6_IN_B).await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
    let choice = |kind: &str, zone: &str| format!("on-demand {kind} in us-east-1{zone}");
    let order = [
        choice("g5.xlarge", "a"),
        choice("g5.xlarge", "b"),
        choice("g6.xlarge", "a"),
        choice("g6.xlarge", "b"),
    ];
    let expected: Vec<_> = order
        .windows(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect();
    assert_eq!(fallbacks(&ran.events), expected);
    complete(&mut rig, "in the last choice").await;
    goes(&mut rig, "in the last choice").await;
}

#[tokio::test]
async fn what_a_zone_has_room_for_is_taken_and_the_rest_goes_elsewhere() {
    let fault = "[[fault]]\nkind = \"capacity\"\nzone = \"us-east-1a\"\navailable = 1\n";
    let mut rig = rig(FLEET, fault).await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
    assert_eq!(fallbacks(&ran.events).len(), 1);
    let nodes = rig.lockfile.as_ref().expect("applied").resources.iter();
    let zones: Vec<_> = nodes
        .filter(|(address, _)| address.is_within(&Address::new("node.sim")))
        .map(|(_, node)| {
            node.zone
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        })
        .collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1b"]);
    complete(&mut rig, "in two zones").await;
    goes(&mut rig, "in two zones").await;
}

#[tokio::test]
async fn without_capacity_anywhere_it_fails_and_leaves_nothing_in_doubt() {
    let mut rig = rig(FLEET, "[[fault]]\nkind = \"capacity\"\n").await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Failed);
    let classes: Vec<_> = ran.report.failures.iter().map(|(_, f)| f.class).collect();
    assert_eq!(classes, [FailureClass::Capacity]);
    assert_eq!(fallbacks(&ran.events).len(), 3);
    let message = &ran.report.failures[0].1.message;
    assert!(message.contains("4 choices"), "{message}");
    assert!(!rig.sandbox.live().contains_key("instance"));
    assert!(rig.journal.folded(&rig.lockfile).is_settled());
    goes(&mut rig, "without machines").await;
}

#[tokio::test]
async fn machines_that_were_launched_before_capacity_ran_out_are_kept() {
    let fault = "[[fault]]\nkind = \"capacity\"\ntype = \"g5.*\"\nzone = \"us-east-1a\"\navailable = 2\n\
                 [[fault]]\nkind = \"capacity\"\ntype = \"g6.*\"\navailable = 0\n\
                 [[fault]]\nkind = \"capacity\"\nzone = \"us-east-1b\"\navailable = 0\n";
    let mut rig = rig(FLEET, fault).await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Failed);
    assert_eq!(rig.sandbox.live()["instance"], 2);
    let known = &rig.lockfile.as_ref().expect("applied").resources;
    assert!(known.contains_key(&Address::new("node.sim.1")));
    assert!(!known.contains_key(&Address::new("node.sim.2")));
    // The run did not wait for them.
    rig.clock.sleep(Duration::from_secs(5)).await;
    let look = rig.look(Mode::Apply).await;
    let node = look
        .plan
        .changes
        .iter()
        .find(|c| c.address.as_str() == "node.sim.0")
        .expect("planned");
    assert_eq!(node.action, Action::NoOp, "{node:?}");
    goes(&mut rig, "with two of three").await;
}

#[tokio::test]
async fn a_quota_of_nothing_is_told_before_and_stops_at_once() {
    let mut rig = rig(&twin(), "[quotas]\nL-DB2E81BA = 0\n").await;
    let look = rig.look(Mode::Apply).await;
    let told = look
        .notices
        .iter()
        .find(|notice| notice.severity == Severity::Error)
        .expect("told");
    assert_eq!(told.topic, "quota");
    let help = told.help.as_deref().unwrap_or_default();
    assert_eq!(
        help,
        "aws service-quotas request-service-quota-increase --region us-east-1 --service-code ec2 \
         --quota-code L-DB2E81BA --desired-value 8"
    );
    // Told or not, who goes on is stopped by EC2, and nothing after that is begun.
    let ran = rig.act(&look, |_, _| ()).await.expect("in memory");
    let classes: Vec<_> = ran.report.failures.iter().map(|(_, f)| f.class).collect();
    assert_eq!(classes, [FailureClass::Quota]);
    assert_eq!(fallbacks(&ran.events), []);
    assert_eq!(rig.sandbox.call_counts()["RunInstances"], 1);
    assert!(rig.journal.folded(&rig.lockfile).is_settled());
    goes(&mut rig, "without quota").await;
}

#[tokio::test]
async fn throttling_is_sat_out() {
    let mut rig = rig(FLEET, "[[fault]]\nkind = \"throttle\"\nevery = 3\n").await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
    complete(&mut rig, "throttled").await;
    goes(&mut rig, "throttled").await;
}

/// Every fifth call fails in a way that leaves its outcome open. A call may strike it lucky too rarely and give up; the
/// next run goes on from there.
#[tokio::test]
async fn stumbling_is_sat_out_or_healed() {
    for kind in ["server-error", "lost-response"] {
        let fault = format!("[[fault]]\nkind = \"{kind}\"\nevery = 5\n");
        let mut rig = rig(FLEET, &fault).await;
        let mut runs = 0;
        while rig.go(Mode::Apply).await.report.end != RunEnd::Done {
            runs += 1;
            assert!(runs < 4, "{kind}");
        }
        complete(&mut rig, kind).await;
        while rig.go(Mode::Destroy).await.report.end != RunEnd::Done {
            runs += 1;
            assert!(runs < 6, "{kind}");
        }
        assert_eq!(nonzero(&rig), Vec::<String>::new(), "{kind}");
    }
}

#[tokio::test]
async fn what_was_just_made_may_not_be_seen_for_a_while() {
    for seconds in [1, 10, 45, 120] {
        let fault = format!("[[fault]]\nkind = \"invisible\"\nfor = \"{seconds}s\"\n");
        let mut rig = rig(FLEET, &fault).await;
        let ran = rig.go(Mode::Apply).await;
        assert_eq!(
            ran.report.end,
            RunEnd::Done,
            "{seconds} s: {:?}",
            ran.report
        );
        rig.clock.sleep(Duration::from_secs(seconds)).await;
        complete(&mut rig, "seen in the end").await;
        goes(&mut rig, "seen in the end").await;
    }
}

#[tokio::test]
async fn a_new_instance_profile_reaches_ec2_late() {
    let mut rig = rig(FLEET, "[times]\ninstance_profile = \"20s\"\n").await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
    let retried = |event: &Event| matches!(event, Event::Retrying { failure, .. } if failure.class == FailureClass::NotVisibleYet);
    assert!(ran.events.iter().any(retried));
    assert_eq!(fallbacks(&ran.events), []);
    complete(&mut rig, "late").await;
}

#[tokio::test]
async fn a_machine_that_ends_before_it_runs_is_told_and_made_again() {
    let fault = "[[fault]]\nkind = \"launch-failure\"\nnth = 2\ncode = \"Client.InternalError\"\n\
                 message = \"Client.InternalError: Client error on launch\"\n";
    let mut rig = rig(FLEET, fault).await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Failed);
    let (address, failure) = &ran.report.failures[0];
    assert_eq!(address.as_str(), "node.sim");
    assert!(
        failure.message.contains("terminated instead of running")
            && failure.message.contains("Client error on launch"),
        "{failure}"
    );
    heals_and_goes(&mut rig, "made again").await;
}

#[tokio::test]
async fn a_missing_permission_stops_at_once() {
    let fault = "[[fault]]\nkind = \"denied\"\non = \"CreateRole\"\ntimes = 1\n";
    let mut rig = rig(FLEET, fault).await;
    rig.parallelism = 1;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Failed);
    let classes: Vec<_> = ran.report.failures.iter().map(|(_, f)| f.class).collect();
    assert_eq!(classes, [FailureClass::Permission]);
    let calls = rig.sandbox.calls();
    let last = calls.iter().rposition(|call| call.action == "CreateRole");
    assert_eq!(last, Some(calls.len() - 1), "nothing is sent after it");
    heals_and_goes(&mut rig, "with the permission").await;
}

/// The user asks to stop after every single event of a run.
#[tokio::test]
async fn a_run_that_is_interrupted_drains_and_the_next_finishes() {
    let mut place = 0;
    loop {
        let mut rig = rig(FLEET, "[times]\nrunning = \"20s\"").await;
        let look = rig.look(Mode::Apply).await;
        let mut seen = 0;
        let ran = rig
            .act(&look, |_, stop| {
                if seen == place {
                    stop.ask();
                }
                seen += 1;
            })
            .await
            .expect("in memory");
        // Whoever asks when all has been told is too late.
        if seen <= place + 1 {
            break;
        }
        let what = format!("interrupted after event {place}");
        assert_eq!(ran.report.end, RunEnd::Interrupted, "{what}");
        assert!(rig.journal.folded(&rig.lockfile).is_settled(), "{what}");
        // Nothing is begun once it has been said that it drains.
        let drains = ran
            .events
            .iter()
            .position(|e| matches!(e, Event::Draining { .. }));
        if let Some(drains) = drains {
            let begun = |event: &Event| matches!(event, Event::StepBegun { .. });
            assert!(!ran.events[drains..].iter().any(begun), "{what}");
        }
        let begun_after = ran.events[place..].iter().skip(1);
        let begun = begun_after
            .filter(|e| matches!(e, Event::StepBegun { .. }))
            .count();
        assert!(begun <= rig.parallelism, "{what}: {begun} steps began");
        heals_and_goes(&mut rig, &what).await;
        place += 7;
    }
    assert!(place > 60, "only {place} events");
}

/// Waits are given up, not sat out.
#[tokio::test]
async fn an_interrupted_wait_is_given_up() {
    let mut rig = rig(FLEET, "[times]\nrunning = \"9m\"").await;
    let look = rig.look(Mode::Apply).await;
    let began = rig.clock.now();
    let ran = rig
        .act(&look, |event, stop| {
            if matches!(event, Event::Waiting { .. }) {
                stop.ask();
            }
        })
        .await
        .expect("in memory");
    assert_eq!(ran.report.end, RunEnd::Interrupted);
    assert_eq!(ran.report.failures, []);
    let took = rig.clock.now().duration_since(began).unsigned_abs();
    assert!(took < Duration::from_secs(60), "{took:?}");
    heals_and_goes(&mut rig, "after the wait").await;
}

#[tokio::test]
async fn a_region_without_network_is_told() {
    let mut rig = rig(FLEET, "[[fault]]\nkind = \"refused\"\non = \"CreateVpc\"\n").await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Failed);
    let classes: Vec<_> = ran.report.failures.iter().map(|(_, f)| f.class).collect();
    assert_eq!(classes, [FailureClass::Unreachable]);
    assert!(rig.journal.folded(&rig.lockfile).is_settled());
    let vpcs = nonzero(&rig).iter().any(|line| line.ends_with(" vpc"));
    assert!(!vpcs);
}
