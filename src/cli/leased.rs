//! A cloud that only the holder of a lease may change, and hosts that only it may work on: each changing call waits
//! for the lease to be young, or is refused when it is lost. Reading the cloud is always allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::inventory::{Identity, Interface, Inventory, Sighting};
use crate::model::{
    CloudId, Failure, FailureClass, ImageRef, InstanceType, Kind, Market, MetricPoints,
    MetricQuery, Op, Outcome, PinnedImage, QuotaCode, Stamp, UsageClass, Usd, Zone,
};
use crate::port::{
    self, Clock, Cloud, HostError, HostErrorKind, HostLink, HostTarget, Hosts, Scope, Watched,
};
use crate::store::Term;

/// A cloud behind a lease.
#[derive(Debug)]
pub(super) struct Leased {
    cloud: Arc<dyn Cloud>,
    term: Arc<Term>,
    clock: Arc<dyn Clock>,
}

impl Leased {
    /// `cloud`, to be changed only within `term`.
    pub(super) fn new(cloud: Arc<dyn Cloud>, term: Arc<Term>, clock: Arc<dyn Clock>) -> Self {
        Self { cloud, term, clock }
    }
}

#[async_trait]
impl Cloud for Leased {
    async fn perform(&self, op: &Op, stamp: &Stamp) -> Result<Outcome, Failure> {
        // Nothing stands between this question and the call.
        if let Err(loss) = self.term.admitted(self.clock.as_ref()).await {
            let (class, why) = (FailureClass::Interrupted, loss.to_string());
            return Err(Failure::local(class, op.name(), why));
        }
        self.cloud.perform(op, stamp).await
    }

    async fn identity(&self) -> Result<Identity, Failure> {
        self.cloud.identity().await
    }

    async fn collect(&self, scope: &Scope) -> Inventory {
        self.cloud.collect(scope).await
    }

    async fn zones_offering(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<InstanceType, BTreeSet<Zone>>, Failure> {
        self.cloud.zones_offering(types).await
    }

    async fn image(&self, image: &ImageRef, architecture: &str) -> Result<PinnedImage, Failure> {
        self.cloud.image(image, architecture).await
    }

    async fn subnet_zones(
        &self,
        subnets: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Zone>, Failure> {
        self.cloud.subnet_zones(subnets).await
    }

    async fn quota(&self, quota: &QuotaCode) -> Result<u32, Failure> {
        self.cloud.quota(quota).await
    }

    async fn vcpus_in_use(&self, class: UsageClass, market: Market) -> Result<u32, Failure> {
        self.cloud.vcpus_in_use(class, market).await
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<(InstanceType, Zone), Usd>, Failure> {
        self.cloud.spot_prices(types).await
    }

    async fn instance_states(
        &self,
        instances: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Watched>, Failure> {
        self.cloud.instance_states(instances).await
    }

    async fn volume_is_available(&self, volume: &CloudId) -> Result<bool, Failure> {
        self.cloud.volume_is_available(volume).await
    }

    async fn console_output(&self, instance: &CloudId) -> Result<String, Failure> {
        self.cloud.console_output(instance).await
    }

    async fn interfaces(&self, vpc: &CloudId) -> Result<Vec<Interface>, Failure> {
        self.cloud.interfaces(vpc).await
    }

    async fn metric_data(
        &self,
        queries: &[MetricQuery],
        span: (i64, i64),
        period_s: u32,
    ) -> Result<Vec<MetricPoints>, Failure> {
        self.cloud.metric_data(queries, span, period_s).await
    }

    async fn find(
        &self,
        wanted: &BTreeMap<Kind, BTreeSet<CloudId>>,
    ) -> Result<Vec<Sighting>, Failure> {
        self.cloud.find(wanted).await
    }
}

/// Hosts behind a lease.
#[derive(Debug)]
pub(super) struct LeasedHosts {
    hosts: Arc<dyn Hosts>,
    gate: Gate,
}

#[derive(Debug, Clone)]
struct Gate {
    term: Arc<Term>,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// A run that has lost its lease is told to stop at the same moment: it does not try such a host again.
    async fn admitted(&self) -> Result<(), HostError> {
        let admitted = self.term.admitted(self.clock.as_ref()).await;
        admitted.map_err(|loss| HostError::new(HostErrorKind::Unreachable, loss.to_string()))
    }
}

impl LeasedHosts {
    /// `hosts`, to be worked on only within `term`.
    pub(super) fn new(hosts: Arc<dyn Hosts>, term: Arc<Term>, clock: Arc<dyn Clock>) -> Self {
        let gate = Gate { term, clock };
        Self { hosts, gate }
    }
}

#[async_trait]
impl Hosts for LeasedHosts {
    async fn connect(&self, target: &HostTarget) -> Result<Box<dyn HostLink>, HostError> {
        self.gate.admitted().await?;
        let link = self.hosts.connect(target).await?;
        let gate = self.gate.clone();
        Ok(Box::new(LeasedLink { link, gate }))
    }

    fn knows(&self, target: &HostTarget) -> bool {
        self.hosts.knows(target)
    }
}

/// A connection behind a lease.
#[derive(Debug)]
struct LeasedLink {
    link: Box<dyn HostLink>,
    gate: Gate,
}

#[async_trait]
impl HostLink for LeasedLink {
    fn is_root(&self) -> bool {
        self.link.is_root()
    }

    fn trusted_on_first_use(&self) -> Option<&str> {
        self.link.trusted_on_first_use()
    }

    fn was_introduced(&self) -> bool {
        self.link.was_introduced()
    }

    async fn run(
        &mut self,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, HostError> {
        self.gate.admitted().await?;
        self.link.run(command, input, limit).await
    }

    async fn stream(
        &mut self,
        command: &str,
        silence: Duration,
        taken: &mut port::Taken<'_>,
    ) -> Result<(), HostError> {
        self.gate.admitted().await?;
        self.link.stream(command, silence, taken).await
    }
}
