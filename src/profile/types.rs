//! The validated profile. Only `parse` makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;

use crate::assets::{self, StackTemplate, Step};
use crate::model::{
    CloudId, ImageRef, InstanceType, LabName, Market, NodeName, PortRange, Protocol, Region,
    RootVolume, SecretSource, Shutdown, Usd, Zone,
};

/// A whole lab as its owner describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// `[lab] name`.
    pub name: LabName,
    /// `[lab] region`.
    pub region: Region,
    /// `[lab] tags`: put on everything that can carry tags.
    pub tags: BTreeMap<String, String>,
    /// `[network]`.
    pub network: Network,
    /// `[access] operators`.
    pub operators: Vec<Operator>,
    /// `[access] keys`: paths of public keys, as written; empty means a key made for the lab.
    pub keys: Vec<String>,
    /// `[access.port.*]`.
    pub ports: BTreeMap<NodeName, AccessPort>,
    /// `[node.*]`.
    pub nodes: BTreeMap<NodeName, Node>,
    /// `[stack.*]`.
    pub stacks: BTreeMap<NodeName, Stack>,
    /// `[step.*]`.
    pub steps: BTreeMap<NodeName, StepSettings>,
    /// `[metrics]`.
    pub metrics: Option<Metrics>,
    /// `[idle]`.
    pub idle: Option<Idle>,
    /// `[schedule]`.
    pub schedule: Option<Schedule>,
    /// `[budget]`.
    pub budget: Option<Budget>,
    /// `[state]`.
    pub state: Option<StateStore>,
    /// `[[moved]]`.
    pub moved: Vec<Moved>,
    /// `[edge.*]`.
    pub edge: BTreeMap<NodeName, EdgeHost>,
}

/// `[network]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    /// The VPC's address block; /16 to /24.
    pub cidr: Ipv4Net,
    /// The zones that get a subnet.
    pub zones: Zones,
    /// An existing network to use instead; it is never changed or deleted.
    pub existing: Option<ExistingNetwork>,
}

/// Which zones get a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Zones {
    /// Every zone that offers one of the node types.
    Auto,
    /// These, in this order.
    Listed(Vec<Zone>),
}

/// An existing VPC and the subnets in it to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExistingNetwork {
    /// The VPC.
    pub vpc: CloudId,
    /// Its subnets; at least one.
    pub subnets: Vec<CloudId>,
}

/// One of `[access] operators`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Operator {
    /// The address that the operator's packets come from, looked up once.
    MyIp,
    /// An address block.
    Cidr(IpNet),
}

/// `[access.port.*]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessPort {
    /// The ports.
    pub ports: PortRange,
    /// The protocol; TCP unless said otherwise.
    pub protocol: Protocol,
    /// Who may connect.
    pub from: Source,
}

/// Who may connect to a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Source {
    /// Nobody: it is reached through an SSH tunnel.
    Tunnel,
    /// The operators.
    Operators,
    /// These address blocks.
    Cidrs(Vec<IpNet>),
}

/// How a node's capacity is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarketChoice {
    /// On demand only.
    OnDemand,
    /// Spot only.
    Spot,
    /// Spot, and on demand where there is none.
    SpotThenOnDemand,
}

impl MarketChoice {
    /// The markets in the order they are tried.
    pub fn markets(self) -> &'static [Market] {
        match self {
            Self::OnDemand => &[Market::OnDemand],
            Self::Spot => &[Market::Spot],
            Self::SpotThenOnDemand => &[Market::Spot, Market::OnDemand],
        }
    }
}

/// `[node.*]`: a group of like machines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// How many.
    pub count: u32,
    /// Instance types in order of preference; at least one.
    pub types: Vec<InstanceType>,
    /// How they are bought.
    pub market: MarketChoice,
    /// The most to pay per hour on the spot market.
    pub max_price: Option<Usd>,
    /// What runs when a spot machine is about to be taken away.
    pub on_interruption: Option<String>,
    /// What runs when it may be taken away soon.
    pub on_rebalance: Option<String>,
    /// The image.
    pub image: ImageRef,
    /// Whether each gets an Elastic IP.
    pub elastic_ip: bool,
    /// The root volume.
    pub root: RootVolume,
    /// `volume.*`: data volumes that outlive the instance.
    pub volumes: BTreeMap<NodeName, DataVolume>,
    /// The bootstrap steps, in order.
    pub bootstrap: Vec<String>,
    /// The NVIDIA driver branch, for example `580-server`.
    pub driver: Option<String>,
    /// The stack that runs on it, a key of `stacks`.
    pub stack: Option<NodeName>,
    /// Whether the group launches into a cluster placement group.
    pub placement_group: bool,
    /// An existing instance profile to use instead of the lab's own.
    pub instance_profile: Option<String>,
    /// What a shutdown from inside does.
    pub shutdown: Shutdown,
    /// Whether deleting or replacing it is forbidden.
    pub prevent_destroy: bool,
    /// The line that says so, from 1.
    pub prevent_destroy_line: Option<usize>,
}

/// `volume.*` of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataVolume {
    /// Size in GiB.
    pub size_gib: u32,
    /// Provisioned operations per second; 3000 unless said otherwise.
    pub iops: u32,
    /// Provisioned throughput in MiB/s; 125 unless said otherwise.
    pub throughput_mib: u32,
    /// Where it is mounted.
    pub mount: String,
    /// Whether `destroy` leaves it.
    pub keep: bool,
}

/// `[stack.*]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stack {
    /// The stack that it is: a shipped one, or the user's own. There is none only where the profile has problems.
    #[serde(skip)]
    pub template: Option<Arc<StackTemplate>>,
    /// The components that run.
    pub components: BTreeSet<String>,
    /// Whether the user has accepted the licences of its components.
    pub accept_eula: bool,
    /// Images to take instead of the shipped ones, by component.
    pub images: BTreeMap<String, String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Where secret variables come from.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// `[step.*]`: a step of the user's own, or settings of a shipped one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepSettings {
    /// The step itself, if it is the user's own. Its needs are there, and its inputs and secrets are those below.
    #[serde(skip)]
    pub own: Option<Arc<Step>>,
    /// Values of its inputs.
    pub inputs: BTreeMap<String, String>,
    /// Where its secrets come from.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl Profile {
    /// The bootstrap step of a name: the user's own, or a shipped one.
    pub fn step(&self, name: &str) -> Option<Arc<Step>> {
        find_step(&self.steps, name)
    }

    /// What `[step.*]` says of a step.
    pub fn step_settings(&self, name: &str) -> Option<&StepSettings> {
        let name = NodeName::try_from(name).ok()?;
        self.steps.get(&name)
    }
}

/// The step of a name, where these are the sections about steps.
pub(super) fn find_step(
    sections: &BTreeMap<NodeName, StepSettings>,
    name: &str,
) -> Option<Arc<Step>> {
    let section = NodeName::try_from(name)
        .ok()
        .and_then(|name| sections.get(&name));
    let own = section.and_then(|section| section.own.as_ref());
    own.or_else(|| assets::step(name)).cloned()
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// The CloudWatch namespace.
    pub namespace: String,
    /// How often they are published, in seconds.
    pub interval_s: u32,
    /// Whether each machine gets alarms.
    pub alarms: bool,
    /// Whether the lab gets a dashboard.
    pub dashboard: bool,
    /// A GPU is hot at this many degrees Celsius.
    pub gpu_hot_celsius: u32,
    /// A GPU's memory is nearly full at this many percent.
    pub gpu_memory_percent: u32,
}

/// What idleness leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuAction {
    /// The instance stops.
    Stop,
    /// The instance is terminated.
    Terminate,
    /// It is only said.
    Notify,
}

/// `[idle]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Idle {
    /// GPU use below this is idle.
    pub gpu_below_percent: u32,
    /// For this long.
    pub duration: Duration,
    /// What happens then.
    pub then: GpuAction,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A time on some days of every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weekly {
    /// The days, in order; at least one.
    pub days: Vec<Weekday>,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
}

/// `[schedule]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// An IANA time zone.
    pub timezone: String,
    /// When it starts, for example `Mon-Fri 08:00`.
    pub start: Option<Weekly>,
    /// When it stops, for example `daily 20:00`.
    pub stop: Option<Weekly>,
    /// A hard lease.
    pub ttl: Option<Duration>,
}

/// `[budget]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// The most that all running machines may cost per hour.
    pub max_hourly: Usd,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateStore {
    /// The S3 bucket.
    pub bucket: String,
    /// What stands before the keys of its objects.
    pub prefix: String,
}

/// `[[moved]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The old address, for example `node.simulator`.
    pub from: String,
    /// The new address.
    pub to: String,
}

/// What an edge host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Platform {
    Jetson,
    Nuc,
    RaspberryPi,
    Linux,
}

/// `[edge.*]`: a robot or edge computer that exists already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeHost {
    /// Its name or address.
    pub host: String,
    /// Its SSH port.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// What it is.
    pub platform: Platform,
    /// The bootstrap steps, in order.
    pub bootstrap: Vec<String>,
    /// The stack that runs on it.
    pub stack: Option<NodeName>,
    /// Whether `[idle]` and `ttl` switch it off.
    pub power_off: bool,
}
