//! The AWS adapter against something that answers: every operation, and the reading of what it left.
//!
//! The target is the sandbox, or what `ROBOINFRA_TEST_ENDPOINT` names: for example moto's server
//! (`tests/moto/server.py`). What only a faithful target does is asserted only there; what an emulator gets wrong
//! must not break the adapter.

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
    CloudId, FailureClass, ImageRef, InstanceType, Kind, LabName, Leftover, Market, Op, QuotaCode,
    UsageClass,
};
use roboinfra::port::{Cloud, Scope};

fn types(names: &[&str]) -> BTreeSet<InstanceType> {
    names.iter().map(|name| InstanceType::new(*name)).collect()
}

#[tokio::test]
async fn questions_that_change_nothing() {
    let bench = Bench::connect("questions").await;
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
    let bench = Bench::connect("images").await;
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
    let bench = Bench::connect("nothing").await;
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
    let bench = Bench::connect("whole").await;
    lab::from_nothing_to_nothing(&bench).await;
}

/// What went wrong where, and what the adapter must say of it.
#[tokio::test]
async fn faults_are_told_apart() {
    use FailureClass as Class;
    let vpc = Op::CreateVpc {
        cidr: "10.0.0.0/16".parse().expect("a block"),
    };
    for (kind, class, leftover) in [
        ("throttle", Class::Throttled, Leftover::Nothing),
        ("server-error", Class::Transient, Leftover::Unknown),
        ("lost-response", Class::Transient, Leftover::Unknown),
        ("refused", Class::Unreachable, Leftover::Nothing),
        ("expired", Class::Credentials, Leftover::Nothing),
        ("denied", Class::Permission, Leftover::Nothing),
    ] {
        let faults = format!("[[fault]]\nkind = \"{kind}\"\non = \"CreateVpc\"\n");
        let bench = Bench::against("faults", &faults).await;
        let failure = bench.perform("network.vpc", &vpc).await.expect_err(kind);
        assert_eq!(
            (failure.class, failure.leftover),
            (class, leftover),
            "{kind}: {failure}"
        );
        assert_eq!(bench.calls.take(), ["CreateVpc"], "an effect is sent once");
        let exists = !bench::owned(&bench.world().await).is_empty();
        assert_eq!(exists, kind == "lost-response", "{kind}");
    }
}

#[tokio::test]
async fn reads_are_sent_again_and_what_stays_unreadable_is_said() {
    let faults = r#"
        [[fault]]
        kind = "throttle"
        on = "DescribeSubnets"
        times = 2
        [[fault]]
        kind = "denied"
        on = "DescribeRouteTables"
        [[fault]]
        kind = "server-error"
        on = "DescribeVolumes"
    "#;
    let bench = Bench::against("reads", faults).await;
    let scope = Scope {
        lab: LabName::try_from("reads").ok(),
        ..Scope::default()
    };
    let world = bench.aws.collect(&scope).await;
    let unreadable: Vec<_> = world
        .unreadable
        .iter()
        .map(|(kind, f)| (*kind, f.class))
        .collect();
    assert_eq!(
        unreadable,
        [
            (Kind::RouteTable, FailureClass::Permission),
            (Kind::Route, FailureClass::Permission),
            (Kind::RouteTableAssociation, FailureClass::Permission),
            (Kind::Volume, FailureClass::Transient),
        ]
    );
    let calls = bench.calls.take();
    let times = |action: &str| calls.iter().filter(|call| *call == action).count();
    assert_eq!(times("DescribeSubnets"), 3);
    assert_eq!(times("DescribeRouteTables"), 1);
    assert!((2..=5).contains(&times("DescribeVolumes")));
}
