//! A large world costs no more for each call than a small one.

use std::time::{Duration, Instant};

use aws_sdk_ec2::types::{Filter, InstanceType, ResourceType};

use crate::support::{Bench, tags};

/// Launches `count` instances in hundreds, lists them by tag, terminates them in hundreds; says how long it took.
async fn up_and_down(count: usize) -> Duration {
    let bench = Bench::new().await;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.0.0/17", "us-east-1a").await;
    let launch = bench
        .launch(&subnet)
        .await
        .instance_type(InstanceType::T3Micro)
        .tag_specifications(tags(ResourceType::Instance, &[("lab", "a")]))
        .min_count(100)
        .max_count(100);
    let start = Instant::now();
    for _ in 0..count / 100 {
        launch.clone().send().await.expect("launched");
    }
    bench.wait(2);
    let mut ids = Vec::new();
    let mut pages = bench
        .ec2
        .describe_instances()
        .filters(Filter::builder().name("tag:lab").values("a").build())
        .into_paginator()
        .page_size(1000)
        .send();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        let instances = page
            .reservations()
            .iter()
            .flat_map(aws_sdk_ec2::types::Reservation::instances);
        ids.extend(instances.filter_map(|it| it.instance_id().map(str::to_owned)));
    }
    assert_eq!(ids.len(), count);
    for hundred in ids.chunks(100) {
        let terminate = bench.ec2.terminate_instances();
        terminate
            .set_instance_ids(Some(hundred.to_vec()))
            .send()
            .await
            .expect("terminating");
    }
    bench.wait(2);
    assert!(!bench.sandbox.live().contains_key("instance"));
    start.elapsed()
}

#[tokio::test]
async fn time_is_linear_in_instances() {
    let small = up_and_down(500).await;
    let large = up_and_down(5_000).await;
    // Linear is 10; the slack is for a busy machine.
    assert!(large < small * 25, "{small:?} for 500, {large:?} for 5,000");
}
