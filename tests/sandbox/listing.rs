//! Filters, pages, tags.

use aws_sdk_ec2::types::{Filter, ResourceType};

use crate::support::{Bench, code, tag, tags};

fn filter(name: &str, values: &[&str]) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.iter().map(|it| (*it).to_owned()).collect()))
        .build()
}

#[tokio::test]
async fn pages_hold_everything_once() {
    let bench = Bench::new().await;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let made = bench
        .launch(&subnet)
        .await
        .min_count(12)
        .max_count(12)
        .send();
    made.await.expect("launched");
    let mut sizes = Vec::new();
    let mut pages = bench
        .ec2
        .describe_instances()
        .into_paginator()
        .page_size(5)
        .send();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        let ids: Vec<_> = page
            .reservations()
            .iter()
            .flat_map(aws_sdk_ec2::types::Reservation::instances)
            .filter_map(|it| it.instance_id().map(str::to_owned))
            .collect();
        sizes.push(ids.len());
        seen.extend(ids);
    }
    assert_eq!((sizes, seen.len()), (vec![5, 5, 2], 12));
    for (size, expected) in [
        (4, "InvalidParameterValue"),
        (1001, "InvalidParameterValue"),
    ] {
        let page = bench
            .ec2
            .describe_instances()
            .max_results(size)
            .send()
            .await;
        assert_eq!(code(page), expected, "{size}");
    }
    let bad = bench
        .ec2
        .describe_instances()
        .next_token("nonsense!")
        .send();
    assert_eq!(code(bad.await), "InvalidNextToken");
    let first = seen.first().expect("one");
    let both = bench
        .ec2
        .describe_instances()
        .instance_ids(first)
        .max_results(5)
        .send();
    assert_eq!(code(both.await), "InvalidParameterCombination");
}

#[tokio::test]
async fn filters_and_their_wildcards() {
    let bench = Bench::new().await;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    for (lab, name) in [("a", "sim-1"), ("a", "sim-2"), ("b", "sim-1")] {
        let labelled = tags(ResourceType::Instance, &[("lab", lab), ("Name", name)]);
        let launch = bench.launch(&subnet).await.tag_specifications(labelled);
        launch.send().await.expect("launched");
    }
    bench.wait(2);
    for (filters, expected) in [
        (vec![filter("tag:lab", &["a"])], 2),
        (vec![filter("tag:lab", &["a", "b"])], 3),
        (vec![filter("tag:lab", &["A"])], 0),
        (vec![filter("tag:Name", &["sim-*"])], 3),
        (
            vec![filter("tag:lab", &["a"]), filter("tag:Name", &["sim-2"])],
            1,
        ),
        (vec![filter("tag-key", &["lab"])], 3),
        (vec![filter("tag-key", &["none"])], 0),
        (vec![filter("instance-state-name", &["running"])], 3),
        (
            vec![filter("instance-state-name", &["pending", "stopped"])],
            0,
        ),
        (vec![filter("instance-type", &["g?.xlarge"])], 3),
        (vec![filter("vpc-id", &[&vpc])], 3),
        (vec![filter("vpc-id", &["vpc-12345678"])], 0),
    ] {
        let shown = format!("{filters:?}");
        let found = bench
            .ec2
            .describe_instances()
            .set_filters(Some(filters))
            .send()
            .await
            .expect("found");
        assert_eq!(found.reservations().len(), expected, "{shown}");
    }
    let unknown = bench
        .ec2
        .describe_instances()
        .filters(filter("colour", &["red"]))
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidParameterValue");
}

#[tokio::test]
async fn tags_are_added_and_taken_away() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let add = |key: &str, value: &str| {
        ec2.create_tags()
            .resources(&vpc)
            .tags(tag(key, value))
            .send()
    };
    add("lab", "a").await.expect("tagged");
    add("lab", "b").await.expect("tagged over");
    assert_eq!(code(add("aws:x", "y").await), "InvalidParameterValue");
    let missing = ec2
        .create_tags()
        .resources("vpc-12345678")
        .tags(tag("a", "b"))
        .send();
    assert_eq!(code(missing.await), "InvalidVpcID.NotFound");
    for number in 0..49 {
        add(&format!("k{number}"), "v").await.expect("tagged");
    }
    assert_eq!(code(add("one-more", "v").await), "TagLimitExceeded");
    let by_tag = |value: &str| {
        ec2.describe_vpcs()
            .filters(filter("tag:lab", &[value]))
            .send()
    };
    assert_eq!(by_tag("a").await.expect("found").vpcs().len(), 0);
    assert_eq!(by_tag("b").await.expect("found").vpcs().len(), 1);
    let take = |value: &str| {
        ec2.delete_tags()
            .resources(&vpc)
            .tags(tag("lab", value))
            .send()
    };
    take("other").await.expect("a no-op");
    assert_eq!(by_tag("b").await.expect("found").vpcs().len(), 1);
    take("b").await.expect("taken");
    assert_eq!(by_tag("b").await.expect("found").vpcs().len(), 0);
}

#[tokio::test]
async fn regions_are_apart() {
    let bench = Bench::new().await;
    let vpc = bench.vpc().await;
    let there = Bench::in_region(bench.sandbox.clone(), bench.clock.clone(), "eu-west-1").await;
    let found = there.ec2.describe_vpcs().send().await.expect("none");
    assert!(found.vpcs().is_empty());
    assert_eq!(
        code(there.ec2.delete_vpc().vpc_id(&vpc).send().await),
        "InvalidVpcID.NotFound"
    );
    let nowhere = Bench::in_region(bench.sandbox.clone(), bench.clock.clone(), "nowhere-1").await;
    assert_eq!(code(nowhere.ec2.describe_vpcs().send().await), "connection");
    let zones = there.ec2.describe_availability_zones().send().await;
    let zones = zones.expect("found");
    assert_eq!(zones.availability_zones()[0].zone_id(), Some("euw1-az1"));
}

#[tokio::test]
async fn offerings_and_prices() {
    let bench = Bench::new().await;
    let offered = bench
        .ec2
        .describe_instance_type_offerings()
        .location_type(aws_sdk_ec2::types::LocationType::AvailabilityZone)
        .filters(filter("instance-type", &["g5.xlarge"]))
        .send()
        .await
        .expect("found");
    let zones: Vec<_> = offered
        .instance_type_offerings()
        .iter()
        .filter_map(|it| it.location())
        .collect();
    assert!(
        zones.contains(&"us-east-1a") && !zones.contains(&"us-east-1e"),
        "{zones:?}"
    );
    let unknown = bench
        .ec2
        .describe_instance_types()
        .instance_types("p3.2xlarge".into())
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidInstanceType");
    let prices = bench
        .ec2
        .describe_spot_price_history()
        .instance_types("g5.xlarge".into())
        .send()
        .await
        .expect("found");
    let price: f64 = prices.spot_price_history()[0]
        .spot_price()
        .and_then(|it| it.parse().ok())
        .expect("a price");
    assert!((0.3..0.6).contains(&price), "{price}");
}
