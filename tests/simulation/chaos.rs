//! When the process dies, and in which order things happen: between any two calls, and at any write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use roboinfra::inventory::{Identity, Interface, Inventory, Sighting};
use roboinfra::model::{
    CloudId, Failure, ImageRef, InstanceType, Kind, Market, MetricPoints, MetricQuery, Op, Outcome,
    PinnedImage, QuotaCode, Stamp, UsageClass, Usd, Zone,
};
use roboinfra::port::{Clock, Cloud, Scope, Watched};

use super::clock::SimClock;
use super::rng::Rng;

/// The fate of one process.
#[derive(Debug)]
pub(crate) struct Fate(Mutex<Thread>);

#[derive(Debug)]
struct Thread {
    rng: Rng,
    /// How many more points it passes; it dies at the one after.
    left: Option<u64>,
    dead: bool,
    /// How many more writes the disk has room for.
    room: Option<u64>,
}

impl Fate {
    pub(crate) fn new(rng: Rng, left: Option<u64>, room: Option<u64>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Thread {
            rng,
            left,
            dead: false,
            room,
        })))
    }

    /// Passes a point, or dies there. The dead do nothing any more.
    pub(crate) fn passes(&self) -> bool {
        let mut thread = self.0.lock().expect("no panic holds it");
        if thread.dead {
            return false;
        }
        match &mut thread.left {
            Some(0) => thread.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        !thread.dead
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().expect("no panic holds it").dead
    }

    /// Whether the disk takes one more write.
    pub(crate) fn has_room(&self) -> bool {
        match &mut self.0.lock().expect("no panic holds it").room {
            Some(0) => false,
            Some(room) => {
                *room -= 1;
                true
            }
            None => true,
        }
    }

    /// How many of so many bytes a torn write leaves.
    pub(crate) fn torn(&self, length: usize) -> usize {
        self.0.lock().expect("no panic holds it").rng.index(length)
    }

    /// How long a packet is on its way.
    fn lag(&self) -> Duration {
        let mut thread = self.0.lock().expect("no panic holds it");
        Duration::from_millis(thread.rng.below(120))
    }

    /// A point at which a call is under way.
    async fn point(&self) {
        if !self.passes() {
            std::future::pending::<()>().await;
        }
    }
}

/// A cloud as a mortal sees it.
pub(crate) struct Mortal {
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) fate: Arc<Fate>,
}

impl fmt::Debug for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mortal")
    }
}

impl Mortal {
    async fn through<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let lag = self.fate.lag();
        self.clock.sleep(lag).await;
        self.fate.point().await;
        let answer = call.await;
        self.fate.point().await;
        answer
    }
}

#[async_trait]
impl Cloud for Mortal {
    async fn identity(&self) -> Result<Identity, Failure> {
        self.through(self.cloud.identity()).await
    }

    async fn collect(&self, scope: &Scope) -> Inventory {
        self.through(self.cloud.collect(scope)).await
    }

    async fn zones_offering(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<InstanceType, BTreeSet<Zone>>, Failure> {
        self.through(self.cloud.zones_offering(types)).await
    }

    async fn image(&self, image: &ImageRef, architecture: &str) -> Result<PinnedImage, Failure> {
        self.through(self.cloud.image(image, architecture)).await
    }

    async fn subnet_zones(
        &self,
        subnets: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Zone>, Failure> {
        self.through(self.cloud.subnet_zones(subnets)).await
    }

    async fn quota(&self, quota: &QuotaCode) -> Result<u32, Failure> {
        self.through(self.cloud.quota(quota)).await
    }

    async fn vcpus_in_use(&self, class: UsageClass, market: Market) -> Result<u32, Failure> {
        self.through(self.cloud.vcpus_in_use(class, market)).await
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<InstanceType>,
    ) -> Result<BTreeMap<(InstanceType, Zone), Usd>, Failure> {
        self.through(self.cloud.spot_prices(types)).await
    }

    async fn perform(&self, op: &Op, stamp: &Stamp) -> Result<Outcome, Failure> {
        self.through(self.cloud.perform(op, stamp)).await
    }

    async fn instance_states(
        &self,
        instances: &BTreeSet<CloudId>,
    ) -> Result<BTreeMap<CloudId, Watched>, Failure> {
        self.through(self.cloud.instance_states(instances)).await
    }

    async fn volume_is_available(&self, volume: &CloudId) -> Result<bool, Failure> {
        self.through(self.cloud.volume_is_available(volume)).await
    }

    async fn console_output(&self, instance: &CloudId) -> Result<String, Failure> {
        self.through(self.cloud.console_output(instance)).await
    }

    async fn interfaces(&self, vpc: &CloudId) -> Result<Vec<Interface>, Failure> {
        self.through(self.cloud.interfaces(vpc)).await
    }

    async fn metric_data(
        &self,
        queries: &[MetricQuery],
        span: (i64, i64),
        period_s: u32,
    ) -> Result<Vec<MetricPoints>, Failure> {
        self.through(self.cloud.metric_data(queries, span, period_s))
            .await
    }

    async fn find(
        &self,
        wanted: &BTreeMap<Kind, BTreeSet<CloudId>>,
    ) -> Result<Vec<Sighting>, Failure> {
        self.through(self.cloud.find(wanted)).await
    }
}
