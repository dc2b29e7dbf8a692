//! A world in a file: nothing that was answered is lost.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use roboinfra::port::TestClock;
use roboinfra::sandbox::Sandbox;

use crate::support::{Bench, code, options, test_clock};

async fn open(path: &Path, scenario: &str, clock: &Arc<TestClock>) -> Bench {
    let sandbox = Sandbox::open(path, options(scenario, clock)).expect("it opens");
    Bench::of(sandbox, clock.clone()).await
}

#[tokio::test]
async fn a_world_survives_its_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/world.jsonl");
    let clock = test_clock();
    let first = open(&path, "", &clock).await;
    let vpc = first.vpc().await;
    let subnet = first.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let id = first.running(&subnet).await;
    let token = first.launch(&subnet).await.client_token("t");
    let made = token.send().await.expect("launched");
    let tokened = made.instances()[0].instance_id().map(str::to_owned);
    drop(first);

    let second = open(&path, "", &clock).await;
    assert_eq!(second.state(&id).await, "running");
    let again = second.launch(&subnet).await.client_token("t").send().await;
    let again = again.expect("the same");
    assert_eq!(
        again.instances()[0].instance_id().map(str::to_owned),
        tokened
    );
    assert_eq!(
        code(second.ec2.delete_subnet().subnet_id(&subnet).send().await),
        "DependencyViolation",
        "the indexes are back"
    );
    let other = second.vpc().await;
    assert_ne!(other, vpc, "ids go on where they were");
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.jsonl");
    let clock = test_clock();
    let bench = open(&path, "", &clock).await;
    bench.vpc().await;
    let whole = std::fs::read(&path).expect("readable");
    bench.vpc().await;
    let longer = std::fs::read(&path).expect("readable");
    assert_eq!(longer[..whole.len()], whole, "append only");
    drop(bench);
    std::fs::write(&path, &longer[..longer.len() - 7]).expect("torn");

    let bench = open(&path, "", &clock).await;
    assert_eq!(bench.sandbox.live()["vpc"], 1);
    bench.vpc().await;
    drop(bench);
    let bench = open(&path, "", &clock).await;
    assert_eq!(bench.sandbox.live()["vpc"], 2);
    drop(bench);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("open");
    file.write_all(b"not a line of ours\n").expect("written");
    let damaged = Sandbox::open(&path, options("", &clock)).expect_err("damaged");
    assert_eq!(damaged.kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn two_processes_share_a_world() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.jsonl");
    let clock = test_clock();
    let one = open(&path, "", &clock).await;
    let two = open(&path, "", &clock).await;
    let vpc = one.vpc().await;
    let subnet = two.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    assert_eq!(
        code(one.ec2.delete_vpc().vpc_id(&vpc).send().await),
        "DependencyViolation"
    );
    let gone = one.ec2.delete_subnet().subnet_id(&subnet).send().await;
    gone.expect("deleted");
    two.ec2
        .delete_vpc()
        .vpc_id(&vpc)
        .send()
        .await
        .expect("deleted");
}

#[tokio::test]
async fn faults_go_on_counting_and_a_refused_call_writes_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.jsonl");
    let clock = test_clock();
    let scenario = "[[fault]]\nkind = \"lost-response\"\non = \"CreateVpc\"\ntimes = 1";
    let bench = open(&path, scenario, &clock).await;
    let create = bench.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
    assert_eq!(code(create.await), "connection");
    drop(bench);
    let bench = open(&path, scenario, &clock).await;
    assert_eq!(bench.sandbox.live()["vpc"], 1);
    bench.vpc().await;
    let before = std::fs::metadata(&path).expect("there").len();
    bench.ec2.describe_vpcs().send().await.expect("found");
    let refused = bench.ec2.delete_vpc().vpc_id("vpc-12345678").send().await;
    assert_eq!(code(refused), "InvalidVpcID.NotFound");
    let after = std::fs::metadata(&path).expect("there").len();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_log_that_outgrew_its_world_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.jsonl");
    let clock = test_clock();
    let bench = open(&path, "", &clock).await;
    let vpc = bench.vpc().await;
    for _ in 0..2_100 {
        bench
            .ec2
            .modify_vpc_attribute()
            .vpc_id(&vpc)
            .enable_dns_hostnames(crate::support::yes())
            .send()
            .await
            .expect("modified");
    }
    drop(bench);
    let before = std::fs::metadata(&path).expect("there").len();
    let bench = open(&path, "", &clock).await;
    let after = std::fs::metadata(&path).expect("there").len();
    assert!(after * 100 < before, "{before} to {after}");
    bench
        .ec2
        .delete_vpc()
        .vpc_id(&vpc)
        .send()
        .await
        .expect("deleted");
    drop(bench);
    let bench = open(&path, "", &clock).await;
    assert!(bench.sandbox.live().is_empty());
}
