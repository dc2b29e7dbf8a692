//! The cloud as the engine needs it. Real AWS, an emulator behind an endpoint and the sandbox are one adapter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;

use crate::inventory::{Identity, Interface, Inventory, Sighting};
use crate::model::{
    CloudId, Failure, ImageRef, InstanceState, InstanceType, Kind, LabName, Market, MetricPoints,
    MetricQuery, Op, Outcome, PinnedImage, QuotaCode, Stamp, UsageClass, Usd, WatchNames, Zone,
};

/// What one reading of the world covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The lab whose tags are looked for.
    pub lab: Option<LabName>,
    /// IAM roles, looked up by name because IAM has no filter by tag.
    pub roles: BTreeSet<String>,
    /// Instance profiles, likewise.
    pub instance_profiles: BTreeSet<String>,
    /// Whether placement groups matter to this lab; their API is called only then.
    pub placement_groups: bool,
    /// The names of the lab's alarms and dashboard; CloudWatch is asked only where there are some, or may be.
    pub watch: Option<WatchNames>,
    /// An existing VPC that the lab uses.
    pub vpc: Option<CloudId>,
    /// The lab's own VPC, if it is known already: its interfaces are read.
    pub own_vpc: Option<CloudId>,
    /// Existing subnets that the lab uses.
    pub subnets: BTreeSet<CloudId>,
}

/// The state of an instance that something waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its state; `None` while it is not visible yet.
    pub state: Option<InstanceState>,
    /// Why, in EC2's words.
    pub reason: Option<String>,
}

/// Everything that roboinfra asks of the cloud.
#[async_trait]
pub trait Cloud: Send + Sync + fmt::Debug {
    /// Who is asking: one `GetCallerIdentity`.
    async fn identity(&self) -> Result<Identity, Failure>;

    /// Reads the world, all kinds at once; the number of calls does not grow with the number of resources but for
    /// pages. What cannot be read is part of the answer.
    async fn collect(&self, scope: &Scope) -> Inventory;

    /// The zones that offer each type; a type that no zone offers has an empty set.
    async fn zones_offering(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<InstanceType, BTreeSet<Zone>>, Failure>;

    /// Finds an image by known name, id or SSM parameter; `architecture` is `x86_64` or `arm64`.
    async fn image(&self, image: &ImageRef, architecture: &str) -> Result<PinnedImage, Failure>;

    /// The zones of existing subnets.
    async fn subnet_zones(
        &self,
        subnets: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Zone>, Failure>;

    /// The applied value of a quota; AWS's default where none is stored.
    async fn quota(&self, quota: &QuotaCode) -> Result<u32, Failure>;

    /// The vCPUs of running instances of a class, bought on a market.
    async fn vcpus_in_use(&self, class: UsageClass, market: Market) -> Result<u32, Failure>;

    /// The latest spot price per type and zone.
    async fn spot_prices(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<(InstanceType, Zone), Usd>, Failure>;

    /// Performs one operation whose references are resolved. It does not retry. Waits are not performed here.
    /// Something that is already as asked is a success; so is deleting what is gone.
    async fn perform(&self, op: &Op, stamp: &Stamp) -> Result<Outcome, Failure>;

    /// The states of instances, in one paged call.
    async fn instance_states(
        &self,
        instances: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Watched>, Failure>;

    /// Whether a volume is attached to nothing and usable.
    async fn volume_is_available(&self, volume: &CloudId) -> Result<bool, Failure>;

    /// What a machine has written to its console, as far as the cloud has it; empty where it has nothing yet.
    async fn console_output(&self, instance: &CloudId) -> Result<String, Failure>;

    /// The interfaces in a VPC: they say what keeps it from being deleted.
    async fn interfaces(&self, vpc: &CloudId) -> Result<Vec<Interface>, Failure>;

    /// What machines have published between two moments, in seconds since 1970, as means of periods; one answer for each
    /// question, in their order. One call for each five hundred questions, but for pages.
    async fn metric_data(
        &self,
        queries: &[MetricQuery],
        span: (i64, i64),
        period_s: u32,
    ) -> Result<Vec<MetricPoints>, Failure>;

    /// What these ids stand for, whoever's it is; what does not exist is left out. One call for each kind.
    async fn find(
        &self,
        wanted: &BTreeMap<Kind, BTreeSet<CloudId>>,
    ) -> Result<Vec<Sighting>, Failure>;
}

/// Tells the public address that the operator's packets come from.
#[async_trait]
pub trait WhoAmI: Send + Sync + fmt::Debug {
    /// The address, as text.
    async fn my_ip(&self) -> Result<std::net::IpAddr, Failure>;
}
