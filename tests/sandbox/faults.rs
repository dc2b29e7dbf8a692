//! What a scenario asks to go wrong.

use aws_sdk_ec2::types::InstanceType;

use crate::support::{Bench, code};

async fn in_zone_a(scenario: &str) -> (Bench, String, String) {
    let bench = Bench::with_scenario(scenario).await;
    let vpc = bench.vpc().await;
    let a = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let b = bench.subnet(&vpc, "10.0.2.0/24", "us-east-1b").await;
    (bench, a, b)
}

#[tokio::test]
async fn no_capacity_in_one_zone_for_one_type() {
    let scenario = "[[fault]]\nkind = \"capacity\"\non = \"RunInstances\"\nzone = \"us-east-1a\"\ntype = \"g5.*\"\ntimes = 2";
    let (bench, a, b) = in_zone_a(scenario).await;
    let launch = bench.launch(&a).await;
    let refused = launch.clone().send().await;
    assert_eq!(
        refused
            .as_ref()
            .err()
            .and_then(aws_sdk_ec2::error::SdkError::raw_response)
            .map(|it| it.status().as_u16()),
        Some(500)
    );
    assert_eq!(code(refused), "InsufficientInstanceCapacity");
    let other_type = launch.clone().instance_type(InstanceType::G6Xlarge);
    other_type.send().await.expect("another type");
    launch
        .clone()
        .subnet_id(&b)
        .send()
        .await
        .expect("another zone");
    assert_eq!(
        code(launch.clone().send().await),
        "InsufficientInstanceCapacity"
    );
    launch.send().await.expect("the third time");
}

#[tokio::test]
async fn room_for_some() {
    let scenario = "[[fault]]\nkind = \"capacity\"\nzone = \"us-east-1a\"\navailable = 3";
    let (bench, a, _) = in_zone_a(scenario).await;
    let launch = bench.launch(&a).await;
    let made = launch.clone().max_count(5).send().await.expect("some");
    assert_eq!(made.instances().len(), 3);
    assert_eq!(code(launch.send().await), "InsufficientInstanceCapacity");
    bench.wait(2);
    let id = made.instances()[0].instance_id().expect("an id");
    let stop = bench.ec2.stop_instances().instance_ids(id).send().await;
    stop.expect("stopping");
    bench.wait(2);
    bench.launch(&a).await.send().await.expect("into the gap");
    let start = bench.ec2.start_instances().instance_ids(id).send().await;
    assert_eq!(code(start), "InsufficientInstanceCapacity");
}

#[tokio::test]
async fn calls_that_fail_before_their_effect() {
    for (kind, expected) in [
        ("throttle", "RequestLimitExceeded"),
        ("server-error", "InternalError"),
        ("denied", "UnauthorizedOperation"),
        ("expired", "RequestExpired"),
        ("refused", "connection"),
        ("error\"\ncode = \"Blocked", "Blocked"),
    ] {
        let scenario = format!("[[fault]]\nkind = \"{kind}\"\non = \"CreateV*\"\nnth = 2");
        let bench = Bench::with_scenario(&scenario).await;
        let create = || bench.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
        assert_eq!(code(create().await), "no error", "{kind}");
        assert_eq!(code(create().await), expected);
        assert_eq!(code(create().await), "no error", "{kind}");
        assert_eq!(bench.sandbox.live()["vpc"], 2, "{kind}");
    }
}

#[tokio::test]
async fn a_lost_response_leaves_its_effect() {
    let scenario = "[[fault]]\nkind = \"lost-response\"\non = \"CreateVpc\"\ntimes = 1";
    let bench = Bench::with_scenario(scenario).await;
    let create = || bench.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
    assert_eq!(code(create().await), "connection");
    assert_eq!(bench.sandbox.live()["vpc"], 1);
    let calls = bench.sandbox.calls();
    assert_eq!((calls.len(), calls[0].status), (1, None));
}

#[tokio::test]
async fn new_things_are_not_visible_at_once() {
    let scenario = "[[fault]]\nkind = \"invisible\"\non = \"DescribeInstances\"\nfor = \"5s\"";
    let (bench, a, _) = in_zone_a(scenario).await;
    let made = bench.launch(&a).await.send().await.expect("launched");
    let id = made.instances()[0].instance_id().expect("an id");
    let asked = || bench.ec2.describe_instances().instance_ids(id).send();
    assert_eq!(code(asked().await), "InvalidInstanceID.NotFound");
    let all = bench.ec2.describe_instances().send().await.expect("none");
    assert!(all.reservations().is_empty());
    bench.wait(5);
    asked().await.expect("visible");
}

#[tokio::test]
async fn slow_transitions_and_failing_launches() {
    let scenario = "[times]\nrunning = \"90s\"\n[[fault]]\nkind = \"launch-failure\"\nnth = 2\ncode = \"Client.VolumeLimitExceeded\"\nmessage = \"Volume limit exceeded\"";
    let (bench, a, _) = in_zone_a(scenario).await;
    let made = bench.launch(&a).await.max_count(2).send().await;
    let made = made.expect("launched");
    let ids: Vec<&str> = made
        .instances()
        .iter()
        .filter_map(|it| it.instance_id())
        .collect();
    bench.wait(89);
    assert_eq!(bench.state(ids[0]).await, "pending");
    bench.wait(1);
    assert_eq!(bench.state(ids[0]).await, "running");
    let failed = bench.instance(ids[1]).await;
    assert_eq!(bench.state(ids[1]).await, "terminated");
    assert_eq!(
        failed.state_reason().and_then(|it| it.code()),
        Some("Client.VolumeLimitExceeded")
    );
}

#[tokio::test]
async fn a_new_profile_is_unknown_to_ec2_for_a_while() {
    let scenario = "[times]\ninstance_profile = \"10s\"";
    let (bench, a, _) = in_zone_a(scenario).await;
    let iam = &bench.iam;
    iam.create_role()
        .role_name("lab")
        .assume_role_policy_document(r#"{"Statement":[]}"#)
        .send()
        .await
        .expect("a role");
    iam.create_instance_profile()
        .instance_profile_name("lab")
        .send()
        .await
        .expect("a profile");
    iam.add_role_to_instance_profile()
        .instance_profile_name("lab")
        .role_name("lab")
        .send()
        .await
        .expect("added");
    let spec = aws_sdk_ec2::types::IamInstanceProfileSpecification::builder()
        .name("lab")
        .build();
    let launch = bench.launch(&a).await.iam_instance_profile(spec);
    let refused = launch.clone().send().await.expect_err("too early");
    let text = format!("{:?}", refused.into_service_error());
    assert!(text.contains("Invalid IAM Instance Profile name"), "{text}");
    bench.wait(10);
    launch.send().await.expect("launched");
}

#[tokio::test]
async fn documented_request_rates() {
    let (bench, a, _) = in_zone_a("rate_limits = true").await;
    let launch = bench.launch(&a).await;
    let mut codes = Vec::new();
    for _ in 0..7 {
        codes.push(code(launch.clone().send().await));
    }
    assert_eq!(codes.iter().filter(|it| *it == "no error").count(), 5);
    assert_eq!(codes[6], "RequestLimitExceeded");
    bench.wait(1);
    launch.send().await.expect("refilled");
}
