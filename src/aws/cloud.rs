//! The cloud port, implemented: each question to the file that knows the answer. Reads are repeated here, effects
//! are not.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::cloudwatch::data;
use super::connect::Aws;
use super::ec2::{console, image, instance, interface, offering, spot, subnet, volume};
use super::patience::{Try, patiently};
use super::{collect, find, perform, quotas, ssm, sts};
use crate::inventory::{Identity, Interface, Inventory, Sighting};
use crate::model::{
    CloudId, Failure, FailureClass, ImageRef, InstanceType, Kind, Market, MetricPoints,
    MetricQuery, Op, Outcome, PinnedImage, QuotaCode, Secret, Stamp, UsageClass, Usd, Zone,
};
use crate::port::{Cloud, Parameters, Scope, Watched};

/// Half way: single reads have nobody to spread out from.
const JITTER: f64 = 0.5;

impl Aws {
    /// A single read, patiently.
    async fn ask<'a, T>(&'a self, read: impl Fn() -> Try<'a, T> + Send) -> Result<T, Failure> {
        patiently(self.clock.as_ref(), JITTER, read).await
    }

    /// The id behind an image's name, and where it stood.
    async fn image_id(&self, image: &ImageRef, architecture: &str) -> Result<String, Failure> {
        let name = image.0.as_str();
        if name.starts_with("ami-") {
            return Ok(name.to_owned());
        }
        let parameter = match name.strip_prefix("ssm:") {
            Some(path) => path,
            None => (self.known_images)(name, architecture).ok_or_else(|| {
                let message = format!("no image {name} is known for {architecture}");
                Failure::local(FailureClass::Invalid, "GetParameter", message)
            })?,
        };
        self.ask(|| Box::pin(ssm::parameter(&self.ssm, parameter)))
            .await
    }
}

#[async_trait]
impl Cloud for Aws {
    async fn identity(&self) -> Result<Identity, Failure> {
        self.ask(|| Box::pin(sts::identity(&self.sts, &self.region, &self.endpoint)))
            .await
    }

    async fn collect(&self, scope: &Scope) -> Inventory {
        collect::collect(self, scope).await
    }

    async fn zones_offering(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<InstanceType, BTreeSet<Zone>>, Failure> {
        self.ask(|| Box::pin(offering::read(&self.ec2, types)))
            .await
    }

    async fn image(&self, image: &ImageRef, architecture: &str) -> Result<PinnedImage, Failure> {
        let id = &self.image_id(image, architecture).await?;
        self.ask(|| Box::pin(image::read(&self.ec2, id, architecture)))
            .await
    }

    async fn subnet_zones(
        &self,
        subnets: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Zone>, Failure> {
        self.ask(|| Box::pin(subnet::zones(&self.ec2, subnets)))
            .await
    }

    async fn quota(&self, quota: &QuotaCode) -> Result<u32, Failure> {
        self.ask(|| Box::pin(quotas::value(&self.quotas, quota)))
            .await
    }

    async fn vcpus_in_use(&self, class: UsageClass, market: Market) -> Result<u32, Failure> {
        self.ask(|| Box::pin(instance::vcpus_in_use(&self.ec2, class, market)))
            .await
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<(InstanceType, Zone), Usd>, Failure> {
        let now = self.clock.now();
        self.ask(|| Box::pin(spot::prices(&self.ec2, types, now)))
            .await
    }

    async fn perform(&self, op: &Op, stamp: &Stamp) -> Result<Outcome, Failure> {
        perform::perform(self, op, stamp).await
    }

    async fn instance_states(
        &self,
        instances: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Watched>, Failure> {
        self.ask(|| Box::pin(instance::states(&self.ec2, instances)))
            .await
    }

    async fn volume_is_available(&self, volume: &CloudId) -> Result<bool, Failure> {
        self.ask(|| Box::pin(volume::is_available(&self.ec2, volume)))
            .await
    }

    async fn console_output(&self, instance: &CloudId) -> Result<String, Failure> {
        self.ask(|| Box::pin(console::read(&self.ec2, instance)))
            .await
    }

    async fn interfaces(&self, vpc: &CloudId) -> Result<Vec<Interface>, Failure> {
        self.ask(|| Box::pin(interface::read(&self.ec2, vpc))).await
    }

    async fn metric_data(
        &self,
        queries: &[MetricQuery],
        span: (i64, i64),
        period_s: u32,
    ) -> Result<Vec<MetricPoints>, Failure> {
        self.ask(|| Box::pin(data::read(&self.cloudwatch, queries, span, period_s)))
            .await
    }

    async fn find(
        &self,
        wanted: &BTreeMap<Kind, BTreeSet<CloudId>>,
    ) -> Result<Vec<Sighting>, Failure> {
        find::find(self, wanted).await
    }
}

#[async_trait]
impl Parameters for Aws {
    async fn parameter_version(&self, name: &str) -> Result<String, Failure> {
        self.ask(|| Box::pin(ssm::version(&self.ssm, name))).await
    }

    async fn parameter(&self, name: &str) -> Result<Secret, Failure> {
        self.ask(|| Box::pin(ssm::secret(&self.ssm, name))).await
    }
}
