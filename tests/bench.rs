//! How fast: `cargo test --test bench -- --ignored --nocapture --test-threads 1`. Each prints what it measured and
//! fails where a promise is broken. They take a minute and want a quiet machine, so they are not part of the usual run.

#[path = "bench/hosts.rs"]
mod hosts;
#[path = "engine/memory.rs"]
#[expect(dead_code, reason = "nothing is cut here")]
mod memory;
#[path = "engine/rig.rs"]
mod rig;
#[path = "ssh/server.rs"]
#[expect(dead_code, reason = "nothing is cut here either")]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rig::{Rig, planned, still};
use roboinfra::event::RunEnd;
use roboinfra::model::{InstanceState, Op};
use roboinfra::plan::{Mode, Plan, Severity};
use roboinfra::port::TokioClock;
use roboinfra::sandbox::{Latency, Options, Scenario};

/// What calls cost in the measured account.
const LATENCY: Latency = Latency {
    read: Duration::from_millis(80),
    write: Duration::from_millis(200),
    run_instances: Duration::from_millis(1500),
};

/// The longest chain of reads before the plan: an image is a parameter and then a description.
const READS_IN_A_ROW: u32 = 2;
/// And after it, when something is launched: quotas and their use, side by side.
const READS_FOR_A_LAUNCH: u32 = 1;

/// How long a step takes when nothing is wasted: a wait ends with the first look after the state has come.
fn cost(op: &Op, running: Duration) -> Duration {
    match op {
        Op::RunInstances { .. } => LATENCY.run_instances,
        Op::AwaitInstances {
            state: InstanceState::Running,
            ..
        } => running + LATENCY.read,
        Op::AwaitInstances { .. } | Op::AwaitVolume { .. } => LATENCY.read,
        _ => LATENCY.write,
    }
}

/// The longest way through the steps.
fn critical_path(plan: &Plan, running: Duration) -> Duration {
    let mut ends: Vec<Duration> = Vec::new();
    for step in &plan.steps {
        let start = step.after.iter().map(|id| ends[*id]).max();
        ends.push(start.unwrap_or_default() + cost(&step.op, running));
    }
    ends.into_iter().max().unwrap_or_default()
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn an_apply_takes_hardly_longer_than_its_longest_chain_of_calls() {
    let starter = roboinfra::profile::starters()
        .iter()
        .find(|starter| starter.name == "digital-twin")
        .expect("shipped");
    for (zones, running) in [("[\"us-east-1a\"]", 1), ("\"auto\"", 1), ("\"auto\"", 15)] {
        let scenario = format!("[times]\nrunning = \"{running}s\"");
        let options = Options {
            clock: Arc::new(TokioClock),
            latency: LATENCY,
            scenario: Scenario::parse(&scenario).expect("a scenario"),
            ..Options::default()
        };
        let profile = format!("{}\n[network]\nzones = {zones}\n", starter.text);
        let mut rig = Rig::new(&profile, options).await;
        let began = Instant::now();
        let look = rig.look(Mode::Apply).await;
        let planning = began.elapsed();
        let ran = rig.act(&look, |_, _| ()).await.expect("in memory");
        let took = began.elapsed();
        assert_eq!(ran.report.end, RunEnd::Done);
        let reads = LATENCY.read * (READS_IN_A_ROW + READS_FOR_A_LAUNCH);
        let chain = critical_path(&look.plan, Duration::from_secs(running));
        let ratio = took.as_secs_f64() / (reads + chain).as_secs_f64();
        let calls = rig.sandbox.calls().len();
        println!(
            "zones = {zones}, running after {running} s: plan {planning:.2?} and apply {:.2?} in {calls} calls; \
             longest chain {reads:.2?} and {chain:.2?}; ratio {ratio:.3}",
            took.saturating_sub(planning)
        );
        assert!(ratio <= 1.25, "{ratio}");
    }
}

/// Groups of at most a thousand machines, each with a data volume: twice as many resources as nodes, and a few more.
fn lab(nodes: usize) -> String {
    let mut text = "version = 1\n[lab]\nname = \"many\"\nregion = \"us-east-1\"\n\
                    [network]\nzones = [\"us-east-1a\", \"us-east-1b\"]\n"
        .to_owned();
    let mut left = nodes;
    for group in 0.. {
        if left == 0 {
            break;
        }
        let count = left.min(1000);
        left -= count;
        text.push_str(&format!(
            "[node.group-{group}]\ncount = {count}\ntypes = [\"g5.xlarge\"]\n\
             volume.data = {{ size_gib = 50, mount = \"/data\" }}\n"
        ));
    }
    text
}

/// Seconds for each part of the life of a lab of so many nodes.
#[derive(Debug)]
struct Times {
    resources: usize,
    first_look: f64,
    apply: f64,
    second_look: f64,
    planning: f64,
    destroy: f64,
}

async fn life(nodes: usize) -> Times {
    let options = Options {
        clock: still(),
        ..Options::default()
    };
    let mut rig = Rig::new(&lab(nodes), options).await;
    let timed = Instant::now;
    let start = timed();
    let look = rig.look(Mode::Apply).await;
    let first_look = start.elapsed().as_secs_f64();
    let fits = |notice: &roboinfra::plan::Notice| notice.severity != Severity::Error;
    assert!(look.notices.iter().all(fits), "{:?}", look.notices);
    let start = timed();
    let ran = rig.act(&look, |_, _| ()).await.expect("in memory");
    let apply = start.elapsed().as_secs_f64();
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report.failures);
    assert!(ran.events.len() > nodes);
    let start = timed();
    let look = rig.look(Mode::Apply).await;
    let second_look = start.elapsed().as_secs_f64();
    assert!(!look.plan.has_changes());
    let living = rig.living().await;
    assert_eq!(living.len(), look.lab.resources.len());
    let world = rig.cloud.collect(&look.scope).await;
    let start = timed();
    let again = planned(Mode::Apply, &look.lab, rig.lockfile.as_ref(), &world);
    let planning = start.elapsed().as_secs_f64();
    assert_eq!(again, look.plan);
    let start = timed();
    let ran = rig.go(Mode::Destroy).await;
    let destroy = start.elapsed().as_secs_f64();
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report.failures);
    Times {
        resources: living.len(),
        first_look,
        apply,
        second_look,
        planning,
        destroy,
    }
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn time_is_linear_in_resources() {
    let small = life(495).await;
    println!(
        "{small:.3?}, {} resources, first look {:.3} s",
        small.resources, small.first_look
    );
    let large = life(4_990).await;
    println!("{large:.3?}");
    for (what, small, large) in [
        ("apply", small.apply, large.apply),
        ("destroy", small.destroy, large.destroy),
        ("look", small.second_look, large.second_look),
        ("plan", small.planning, large.planning),
    ] {
        println!(
            "{what}: {:.1} times as long for ten times the resources",
            large / small
        );
        assert!(large / small <= 12.0, "{what}: {small} s, {large} s");
    }
}
