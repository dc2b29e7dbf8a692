//! The account of a lab in the sandbox, as its owner sees it in the console.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_ec2::types::{Filter, Instance, InstanceStateName, Tag};
use aws_types::region::Region;
use roboinfra::sandbox::{Options, Sandbox};

use crate::bench::Bench;

/// SDK clients that end in the world of a bench. To be dropped before the binary runs again.
pub(crate) struct Account {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
}

impl Account {
    pub(crate) async fn open(bench: &Bench) -> Self {
        let world = bench.path(".roboinfra/sandbox/world.log");
        let sandbox = Sandbox::open(&world, Options::default()).expect("the lab's world");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(sandbox.http_client())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await;
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
        }
    }

    pub(crate) async fn tag(&self, id: &str, key: &str, value: &str) {
        let tag = Tag::builder().key(key).value(value).build();
        let call = self.ec2.create_tags().resources(id).tags(tag);
        call.send().await.expect("tagged");
    }

    /// The alarms of the account, by name.
    pub(crate) async fn alarms(&self) -> BTreeMap<String, MetricAlarm> {
        let found = self.cloudwatch.describe_alarms().max_records(100).send();
        let alarms = found.await.expect("described").metric_alarms;
        let alarms = alarms.unwrap_or_default().into_iter();
        alarms
            .map(|alarm| (alarm.alarm_name().unwrap_or_default().to_owned(), alarm))
            .collect()
    }

    /// The tags of an alarm.
    pub(crate) async fn tags_of(&self, alarm: &MetricAlarm) -> BTreeMap<String, String> {
        let call = self.cloudwatch.list_tags_for_resource();
        let call = call.resource_arn(alarm.alarm_arn().expect("it has one"));
        let tags = call.send().await.expect("told").tags.unwrap_or_default();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        tags.iter()
            .map(|tag| (text(tag.key()), text(tag.value())))
            .collect()
    }

    pub(crate) async fn untag(&self, id: &str) {
        let call = self.ec2.delete_tags().resources(id);
        call.send().await.expect("untagged");
    }

    pub(crate) async fn instance(&self, id: &str) -> Instance {
        let found = self.ec2.describe_instances().instance_ids(id).send().await;
        let mut reservations = found.expect("described").reservations.unwrap_or_default();
        let mut instances = reservations.remove(0).instances.unwrap_or_default();
        instances.remove(0)
    }

    pub(crate) async fn settles(&self, id: &str, state: InstanceStateName) {
        for _ in 0..200 {
            let now = self.instance(id).await;
            if now.state().and_then(|s| s.name()) == Some(&state) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("{id} never was {state:?}");
    }

    /// A machine of somebody else's beside `neighbour`.
    pub(crate) async fn foreign_machine(&self, neighbour: &str) -> String {
        let beside = self.instance(neighbour).await;
        let made = self
            .ec2
            .run_instances()
            .image_id(beside.image_id().expect("an image"))
            .instance_type(beside.instance_type().expect("a type").clone())
            .subnet_id(beside.subnet_id().expect("a subnet"))
            .min_count(1)
            .max_count(1)
            .send()
            .await
            .expect("launched");
        let id = made.instances()[0].instance_id().expect("an id").to_owned();
        self.settles(&id, InstanceStateName::Running).await;
        id
    }

    pub(crate) async fn terminate(&self, id: &str) {
        let call = self.ec2.terminate_instances().instance_ids(id);
        call.send().await.expect("terminated");
        self.settles(id, InstanceStateName::Terminated).await;
    }

    /// How many VPCs, machines that live, volumes and addresses of any lab there are.
    pub(crate) async fn count(&self) -> [usize; 4] {
        let of_a_lab = || {
            Filter::builder()
                .name("tag-key")
                .values("roboinfra:lab")
                .build()
        };
        let vpcs = self.ec2.describe_vpcs().filters(of_a_lab()).send().await;
        let machines = self
            .ec2
            .describe_instances()
            .filters(of_a_lab())
            .send()
            .await;
        let volumes = self.ec2.describe_volumes().filters(of_a_lab()).send().await;
        let addresses = self
            .ec2
            .describe_addresses()
            .filters(of_a_lab())
            .send()
            .await;
        let living = machines
            .expect("described")
            .reservations
            .unwrap_or_default()
            .into_iter()
            .flat_map(|r| r.instances.unwrap_or_default())
            .filter(|i| i.state().and_then(|s| s.name()) != Some(&InstanceStateName::Terminated))
            .count();
        [
            vpcs.expect("described").vpcs().len(),
            living,
            volumes.expect("described").volumes().len(),
            addresses.expect("described").addresses().len(),
        ]
    }
}
