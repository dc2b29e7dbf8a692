//! Spot instances and their requests.

use aws_sdk_ec2::types::{
    InstanceInterruptionBehavior, InstanceMarketOptionsRequest, MarketType, SpotInstanceType,
    SpotMarketOptions,
};

use crate::support::{Bench, code};

fn spot(persistent: bool) -> InstanceMarketOptionsRequest {
    let mut options = SpotMarketOptions::builder();
    if persistent {
        options = options
            .spot_instance_type(SpotInstanceType::Persistent)
            .instance_interruption_behavior(InstanceInterruptionBehavior::Stop);
    }
    InstanceMarketOptionsRequest::builder()
        .market_type(MarketType::Spot)
        .spot_options(options.build())
        .build()
}

/// A running spot instance: its id and its request's.
async fn launch(bench: &Bench, persistent: bool) -> (String, String) {
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let made = bench
        .launch(&subnet)
        .await
        .instance_market_options(spot(persistent))
        .send()
        .await
        .expect("launched");
    bench.wait(2);
    let instance = &made.instances()[0];
    (
        instance.instance_id().expect("an id").to_owned(),
        instance
            .spot_instance_request_id()
            .expect("an id")
            .to_owned(),
    )
}

async fn request_state(bench: &Bench, id: &str) -> (String, String) {
    let found = bench
        .ec2
        .describe_spot_instance_requests()
        .spot_instance_request_ids(id)
        .send()
        .await
        .expect("found");
    let request = &found.spot_instance_requests()[0];
    (
        request.state().expect("a state").as_str().to_owned(),
        request
            .status()
            .and_then(|it| it.code())
            .expect("a code")
            .to_owned(),
    )
}

#[tokio::test]
async fn a_one_time_request_ends_with_its_instance() {
    let bench = Bench::new().await;
    let (id, request) = launch(&bench, false).await;
    assert_eq!(request_state(&bench, &request).await.0, "active");
    let stop = bench.ec2.stop_instances().instance_ids(&id).send().await;
    assert_eq!(code(stop), "UnsupportedOperation");
    let terminate = bench.ec2.terminate_instances().instance_ids(&id);
    terminate.send().await.expect("terminating");
    bench.wait(2);
    assert_eq!(
        request_state(&bench, &request).await,
        (
            "closed".to_owned(),
            "instance-terminated-by-user".to_owned()
        )
    );
    assert!(!bench.sandbox.live().contains_key("instance"));
}

#[tokio::test]
async fn a_persistent_request_brings_a_replacement_unless_cancelled() {
    let bench = Bench::new().await;
    let (id, request) = launch(&bench, true).await;
    let terminate = bench.ec2.terminate_instances().instance_ids(&id);
    terminate.send().await.expect("terminating");
    bench.wait(3);
    assert_eq!(bench.sandbox.live()["instance"], 1, "the replacement");
    let found = bench.ec2.describe_spot_instance_requests().send().await;
    let found = found.expect("found");
    let replacement = found.spot_instance_requests()[0]
        .instance_id()
        .expect("an id")
        .to_owned();
    assert_ne!(replacement, id);
    assert_eq!(found.spot_instance_requests().len(), 1, "the same request");

    let cancel = bench.ec2.cancel_spot_instance_requests();
    cancel
        .spot_instance_request_ids(&request)
        .send()
        .await
        .expect("cancelled");
    assert_eq!(bench.state(&replacement).await, "running", "not terminated");
    let terminate = bench.ec2.terminate_instances().instance_ids(&replacement);
    terminate.send().await.expect("terminating");
    bench.wait(3);
    assert!(!bench.sandbox.live().contains_key("instance"));
}

#[tokio::test]
async fn cancelling_the_request_of_a_stopped_instance_terminates_it() {
    let bench = Bench::new().await;
    let (id, request) = launch(&bench, true).await;
    let stop = bench.ec2.stop_instances().instance_ids(&id).send().await;
    stop.expect("stopping");
    bench.wait(2);
    assert_eq!(
        request_state(&bench, &request).await,
        ("disabled".to_owned(), "instance-stopped-by-user".to_owned())
    );
    let cancel = bench.ec2.cancel_spot_instance_requests();
    cancel
        .spot_instance_request_ids(&request)
        .send()
        .await
        .expect("cancelled");
    bench.wait(2);
    assert_eq!(bench.state(&id).await, "terminated");
}

#[tokio::test]
async fn the_spot_quota_is_its_own() {
    let bench = Bench::with_scenario("[quotas]\nL-3819A6DF = 0").await;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let launch = bench.launch(&subnet).await;
    let refused = launch.clone().instance_market_options(spot(false)).send();
    assert_eq!(code(refused.await), "MaxSpotInstanceCountExceeded");
    launch.send().await.expect("on demand");
}

#[tokio::test]
async fn interruption_stops_or_terminates() {
    for (persistent, expected, restart) in [
        (true, "stopped", "IncorrectSpotRequestState"),
        (false, "terminated", "IncorrectInstanceState"),
    ] {
        let bench = Bench::with_scenario("[[fault]]\nkind = \"interrupt\"\nafter = \"60s\"").await;
        let (id, _) = launch(&bench, persistent).await;
        assert_eq!(bench.state(&id).await, "running");
        bench.wait(60);
        bench.wait(2);
        assert_eq!(bench.state(&id).await, expected);
        let start = bench.ec2.start_instances().instance_ids(&id).send().await;
        assert_eq!(code(start), restart);
    }
}
