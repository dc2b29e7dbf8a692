//! The AWS adapter against something that answers: every operation, and the reading of what it left.
//!
//! `ROBOINFRA_TEST_ENDPOINT` names the target, for example moto's server (`tests/moto/server.py`). What only a
//! faithful target does is asserted only there; what an emulator gets wrong must not break the adapter.

#[path = "adapter/bench.rs"]
mod bench;
#[path = "adapter/counted.rs"]
mod counted;
#[path = "adapter/lab.rs"]
mod lab;
#[path = "adapter/refusals.rs"]
mod refusals;

use std::collections::BTreeSet;

use bench::Bench;
use roboinfra::model::{
    CloudId, FailureClass, ImageRef, InstanceType, Market, QuotaCode, UsageClass,
};
use roboinfra::port::Cloud;

fn types(names: &[&str]) -> BTreeSet<InstanceType> {
    names.iter().map(|name| InstanceType::new(*name)).collect()
}

#[tokio::test]
async fn questions_that_change_nothing() {
    let Some(bench) = Bench::connect("questions").await else {
        return;
    };
    let identity = bench.aws.identity().await.expect("an identity");
    assert_eq!(identity.account.as_str().len(), 12);
    assert_ne!(identity.endpoint, "aws");

    let zones = bench
        .aws
        .zones_offering(&types(&["g5.xlarge", "p3.2xlarge"]))
        .await
        .expect("zones");
    assert!(!zones[&InstanceType::new("g5.xlarge")].is_empty());
    assert!(
        zones[&InstanceType::new("p3.2xlarge")].is_empty(),
        "retired"
    );

    let prices = bench
        .aws
        .spot_prices(&types(&["g5.xlarge"]))
        .await
        .expect("prices");
    assert!(prices.keys().all(|(kind, _)| kind.as_str() == "g5.xlarge"));
    assert!(!prices.is_empty());

    for (class, market) in [
        (UsageClass::G, Market::OnDemand),
        (UsageClass::P5, Market::Spot),
    ] {
        let quota = QuotaCode::vcpus(class, market);
        bench.aws.quota(&quota).await.expect("a quota");
    }
    assert!(bench.aws.quota(&QuotaCode::VPCS).await.expect("a quota") > 0);
}

#[tokio::test]
async fn images_by_every_kind_of_name() {
    let Some(bench) = Bench::connect("images").await else {
        return;
    };
    for image in roboinfra::catalog::images() {
        for architecture in ["x86_64", "arm64"] {
            let asked = ImageRef(image.name.to_owned());
            let found = bench.aws.image(&asked, architecture).await;
            let Some(parameter) = image.parameter(architecture) else {
                assert_eq!(found.expect_err("none").class, FailureClass::Invalid);
                continue;
            };
            let found = found.expect("found");
            assert_eq!(found.architecture, architecture);
            assert!(found.root_gib > 0 && found.root_device.starts_with("/dev/"));
            let by_path = ImageRef(format!("ssm:{parameter}"));
            assert_eq!(
                bench.aws.image(&by_path, architecture).await.as_ref(),
                Ok(&found)
            );
            let by_id = ImageRef(found.id.to_string());
            assert_eq!(
                bench.aws.image(&by_id, architecture).await.as_ref(),
                Ok(&found)
            );
        }
    }
    for (missing, class) in [
        ("ami-0123456789abcdef0", FailureClass::NotFound),
        ("ssm:/no/such/parameter", FailureClass::NotFound),
        ("ubuntu-20.04", FailureClass::Invalid),
    ] {
        let failure = bench
            .aws
            .image(&ImageRef(missing.to_owned()), "x86_64")
            .await;
        assert_eq!(failure.expect_err("missing").class, class, "{missing}");
    }
    let jammy = ImageRef("ubuntu-22.04".to_owned());
    let arm = bench.aws.image(&jammy, "arm64").await.expect("found").id;
    let crossed = bench.aws.image(&ImageRef(arm.to_string()), "x86_64").await;
    assert_eq!(
        crossed.expect_err("another architecture").class,
        FailureClass::Invalid
    );
}

#[tokio::test]
async fn what_is_not_there() {
    let Some(bench) = Bench::connect("nothing").await else {
        return;
    };
    let world = bench.world().await;
    assert!(bench::owned(&world).is_empty());
    let calls = bench.calls.take();
    assert!(calls.len() <= 13, "{calls:?}");

    let missing = CloudId::new("i-0123456789abcdef0");
    let states = bench
        .aws
        .instance_states(&BTreeSet::from([missing.clone()]))
        .await
        .expect("states");
    assert_eq!(states[&missing].state, None);
    let volume = CloudId::new("vol-0123456789abcdef0");
    assert_eq!(bench.aws.volume_is_available(&volume).await, Ok(false));
    let subnet = BTreeSet::from([CloudId::new("subnet-0123456789abcdef0")]);
    let failure = bench.aws.subnet_zones(&subnet).await.expect_err("missing");
    assert_eq!(failure.class, FailureClass::NotFound);
}

#[tokio::test]
async fn a_lab_from_nothing_to_nothing() {
    let Some(bench) = Bench::connect("whole").await else {
        return;
    };
    lab::from_nothing_to_nothing(&bench).await;
}
