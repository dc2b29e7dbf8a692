//! SDK clients that end in a sandbox.

use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, InstanceType, IpPermission, IpRange, ResourceType, Tag, TagSpecification,
};
use aws_types::region::Region;
use base64::Engine as _;
use roboinfra::port::TestClock;
use roboinfra::sandbox::{Options, Sandbox, Scenario};

pub(crate) const UBUNTU: &str =
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id";

/// A sandbox on a clock of its own, and the clients.
pub(crate) struct Bench {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) quotas: aws_sdk_servicequotas::Client,
}

pub(crate) fn options(scenario: &str, clock: &Arc<TestClock>) -> Options {
    Options {
        clock: clock.clone(),
        scenario: Scenario::parse(scenario).expect("a valid scenario"),
        ..Options::default()
    }
}

pub(crate) fn test_clock() -> Arc<TestClock> {
    Arc::new(TestClock::new(
        "2026-11-21T00:00:00Z".parse().expect("a time"),
    ))
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with_scenario("").await
    }

    pub(crate) async fn with_scenario(scenario: &str) -> Self {
        let clock = test_clock();
        let sandbox = Sandbox::new(options(scenario, &clock));
        Self::of(sandbox, clock).await
    }

    pub(crate) async fn of(sandbox: Arc<Sandbox>, clock: Arc<TestClock>) -> Self {
        Self::in_region(sandbox, clock, "us-east-1").await
    }

    pub(crate) async fn in_region(
        sandbox: Arc<Sandbox>,
        clock: Arc<TestClock>,
        region: &'static str,
    ) -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(sandbox.http_client())
            .region(Region::new(region))
            .credentials_provider(Credentials::for_tests())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await;
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            quotas: aws_sdk_servicequotas::Client::new(&config),
            sandbox,
            clock,
        }
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn image(&self) -> String {
        let found = self.ssm.get_parameter().name(UBUNTU).send().await;
        found
            .expect("shipped")
            .parameter
            .and_then(|it| it.value)
            .expect("an id")
    }

    pub(crate) async fn vpc(&self) -> String {
        let made = self.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
        made.expect("made")
            .vpc
            .and_then(|it| it.vpc_id)
            .expect("an id")
    }

    pub(crate) async fn subnet(&self, vpc: &str, cidr: &str, zone: &str) -> String {
        let made = self
            .ec2
            .create_subnet()
            .vpc_id(vpc)
            .cidr_block(cidr)
            .availability_zone(zone)
            .send()
            .await;
        made.expect("made")
            .subnet
            .and_then(|it| it.subnet_id)
            .expect("an id")
    }

    pub(crate) async fn gateway(&self, vpc: &str) -> String {
        let made = self.ec2.create_internet_gateway().send().await;
        let id = made
            .expect("made")
            .internet_gateway
            .and_then(|it| it.internet_gateway_id)
            .expect("an id");
        self.ec2
            .attach_internet_gateway()
            .internet_gateway_id(&id)
            .vpc_id(vpc)
            .send()
            .await
            .expect("attached");
        id
    }

    pub(crate) async fn group(&self, vpc: &str, name: &str) -> String {
        let made = self
            .ec2
            .create_security_group()
            .vpc_id(vpc)
            .group_name(name)
            .description("a group")
            .send()
            .await;
        made.expect("made").group_id.expect("an id")
    }

    /// A launch of one g5.xlarge, to be completed.
    pub(crate) async fn launch(
        &self,
        subnet: &str,
    ) -> aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder {
        self.ec2
            .run_instances()
            .image_id(self.image().await)
            .instance_type(InstanceType::G5Xlarge)
            .subnet_id(subnet)
            .min_count(1)
            .max_count(1)
    }

    /// The id of a running instance in a subnet.
    pub(crate) async fn running(&self, subnet: &str) -> String {
        let made = self.launch(subnet).await.send().await.expect("launched");
        let id = made.instances()[0].instance_id().expect("an id").to_owned();
        self.wait(2);
        id
    }

    pub(crate) async fn state(&self, id: &str) -> String {
        let instance = self.instance(id).await;
        instance
            .state()
            .and_then(|it| it.name())
            .expect("a state")
            .as_str()
            .to_owned()
    }

    pub(crate) async fn instance(&self, id: &str) -> aws_sdk_ec2::types::Instance {
        let found = self.ec2.describe_instances().instance_ids(id).send().await;
        found.expect("found").reservations()[0].instances()[0].clone()
    }
}

/// The code of a refusal.
pub(crate) fn code<T, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(SdkError::ServiceError(error)) => error.err().code().unwrap_or("no code").to_owned(),
        Err(SdkError::DispatchFailure(_)) => "connection".to_owned(),
        Err(_) => "something else".to_owned(),
    }
}

pub(crate) fn tags(resource: ResourceType, pairs: &[(&str, &str)]) -> TagSpecification {
    pairs
        .iter()
        .fold(
            TagSpecification::builder().resource_type(resource),
            |all, (key, value)| all.tags(tag(key, value)),
        )
        .build()
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

pub(crate) fn yes() -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(true).build()
}

pub(crate) fn ssh_from(cidr: &str) -> IpPermission {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(
            IpRange::builder()
                .cidr_ip(cidr)
                .description("operators")
                .build(),
        )
        .build()
}

/// An ED25519 public key whose 32 bytes are all `seed`.
pub(crate) fn public_key(seed: u8) -> String {
    let mut blob = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[seed; 32]] {
        blob.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
        blob.extend(part);
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(blob);
    format!("ssh-ed25519 {encoded} lab")
}
