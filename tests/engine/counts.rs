//! How many calls things take. Each is a promise of the README, and reads count.

use roboinfra::event::RunEnd;
use roboinfra::plan::Mode;

use super::labs::{complete, rig, twin, twins};
use super::rig::Rig;

/// The calls so far, with what they were.
fn calls(rig: &Rig) -> (usize, String) {
    let counts = rig.sandbox.call_counts();
    (counts.values().sum(), format!("{counts:?}"))
}

/// How many of the calls were for pages after the first.
async fn plan_of_what_is_there(profile: &str) -> (usize, String) {
    let mut rig = rig(profile, "").await;
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
    complete(&mut rig, "applied").await;
    rig.sandbox.forget_calls();
    let look = rig.look(Mode::Apply).await;
    assert!(!look.plan.has_changes());
    calls(&rig)
}

#[tokio::test]
async fn a_plan_without_changes_takes_the_same_calls_for_any_number_of_nodes() {
    let (one, told) = plan_of_what_is_there(&twin()).await;
    assert!(one <= 16, "{one}: {told}");
    let (fifty, told) = plan_of_what_is_there(&twins(50)).await;
    assert_eq!(fifty, one, "{told}");
    // Pages of a thousand: instances and volumes fit into one each.
    let (thousand, told) = plan_of_what_is_there(&twins(1000)).await;
    assert!((one..=one + 2).contains(&thousand), "{thousand}: {told}");
}

#[tokio::test]
async fn an_apply_of_the_digital_twin() {
    let mut rig = rig(&twin(), "").await;
    let ran = rig.go(Mode::Apply).await;
    let (count, told) = calls(&rig);
    assert_eq!(ran.report.end, RunEnd::Done);
    assert!(count <= 42, "{count}: {told}");
    complete(&mut rig, "applied").await;
}

#[tokio::test]
async fn an_apply_of_the_digital_twin_whose_machine_takes_its_time() {
    let mut rig = rig(&twin(), "[times]\nrunning = \"15s\"").await;
    let ran = rig.go(Mode::Apply).await;
    let (count, told) = calls(&rig);
    assert_eq!(ran.report.end, RunEnd::Done);
    assert!(count <= 42, "{count}: {told}");
}

#[tokio::test]
async fn an_apply_of_fifty_nodes() {
    let mut rig = rig(&twins(50), "rate_limits = true\n[times]\nrunning = \"15s\"").await;
    let ran = rig.go(Mode::Apply).await;
    let (count, told) = calls(&rig);
    assert_eq!(ran.report.end, RunEnd::Done);
    assert!(count <= 60, "{count}: {told}");
    complete(&mut rig, "applied").await;
}
