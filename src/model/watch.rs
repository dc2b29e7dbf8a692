//! What watches a lab from outside: alarms on what its machines publish, and one dashboard.
//!
//! Owns: their names, by which they are found again, and what an alarm consists of. CloudWatch tells no tags when alarms
//! are listed, so a lab's identity is in their names. Does not own: which alarms a profile asks for.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Address, AgentMetric, CloudId, LabId, LabName, Ref};

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// Nothing is heard of a machine that runs.
    Silent,
    /// A GPU that the machine has does not answer.
    GpuMissing,
    /// A GPU is hot.
    GpuHot,
    /// A GPU's memory is nearly full.
    GpuMemory,
    /// The machine does nothing, and is paid for.
    Idle,
}

impl AlarmKind {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Silent,
        Self::GpuMissing,
        Self::GpuHot,
        Self::GpuMemory,
        Self::Idle,
    ];

    /// The last part of its name and address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::GpuMissing => "gpu-missing",
            Self::GpuHot => "gpu-hot",
            Self::GpuMemory => "gpu-memory",
            Self::Idle => "idle",
        }
    }
}

/// The names by which one lab's alarms and dashboard are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchNames {
    /// The lab's name.
    pub lab: LabName,
    /// Its identity.
    pub id: LabId,
}

impl WatchNames {
    /// The dashboard's. A dashboard belongs to the account, not to a region, so this must be unlike every other lab's.
    pub fn dashboard(&self) -> String {
        format!("roboinfra-{}-{}", self.lab, self.id)
    }

    /// What the names of all its alarms begin with, and no other lab's.
    pub fn alarms(&self) -> String {
        format!("{}.", self.dashboard())
    }

    /// The name of one alarm of a machine such as `sim.0`.
    pub fn alarm(&self, node: &str, kind: AlarmKind) -> String {
        format!("{}{node}.{}", self.alarms(), kind.slug())
    }

    /// The address of an alarm of this name, if it is one of the lab's: `alarm.sim.0.gpu-hot`.
    pub fn address_of(&self, alarm: &str) -> Option<Address> {
        let rest = alarm.strip_prefix(&self.alarms())?;
        let parts: Vec<&str> = rest.split('.').collect();
        let is_ours = matches!(parts.as_slice(), [group, index, slug]
            if !group.is_empty() && index.parse::<u32>().is_ok() && !slug.is_empty());
        is_ours.then(|| Address::of(&["alarm", rest]))
    }
}

/// The dashboard's address in the lab.
pub const DASHBOARD_ADDRESS: &str = "dashboard";

/// How the values of one period become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statistic {
    /// The mean.
    Average,
    /// The greatest.
    Maximum,
    /// The smallest.
    Minimum,
    /// How many there were.
    SampleCount,
    /// All together.
    Sum,
}

impl Statistic {
    /// CloudWatch's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::SampleCount => "SampleCount",
            Self::Sum => "Sum",
        }
    }
}

/// When a value is one that the alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// At this much or more.
    AtLeast(u32),
    /// Below this.
    Below(u32),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(threshold) => write!(f, "at least {threshold}"),
            Self::Below(threshold) => write!(f, "below {threshold}"),
        }
    }
}

/// An alarm on what one machine publishes.
///
/// Data that is missing never rings: a machine that is off publishes nothing, and is not in trouble for it. The alarm on
/// silence asks EC2 besides, which publishes the status check of a machine while it runs, and only then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmSpec {
    /// Its name, unique in the account and region.
    pub name: String,
    /// What it is about.
    pub about: AlarmKind,
    /// The machine.
    pub node: Ref,
    /// The lab, as a dimension of the metric.
    pub lab: String,
    /// The machine in the lab, such as `sim.0`, as a dimension of the metric.
    pub label: String,
    /// The CloudWatch namespace.
    pub namespace: String,
    /// The metric.
    pub metric: AgentMetric,
    /// What is looked at in each period.
    pub statistic: Statistic,
    /// When it counts.
    pub bound: Bound,
    /// The length of a period in seconds.
    pub period_s: u32,
    /// For how many periods on end.
    pub periods: u32,
    /// A digest of the user's tags, empty where there are none. Tags are told of one alarm at a time only; this is told
    /// with the alarm, in its description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tags: String,
}

/// What CloudWatch does with missing data, in its word: the alarm then says that it cannot tell.
pub const MISSING_DATA: &str = "missing";
/// The heartbeat while EC2 says that the machine runs, and nothing while it does not.
pub const SILENT_EXPRESSION: &str = "IF(up >= 0, FILL(beats, 0))";

/// What an alarm or dashboard says that the lab has let go of. Its name still begins as the lab's do.
pub const LET_GO: &str = "roboinfra has let go of this.";
/// What the description of an alarm says of who keeps it.
const KEPT: &str = "Made by roboinfra, which changes it back.";
/// What stands before the digest of the tags.
const TAGS: &str = " Tags: ";

/// Whether the lab has let go of an alarm with this description.
pub fn is_let_go(description: &str) -> bool {
    description.contains(LET_GO)
}

/// A description as it is once the lab has let go of the alarm.
pub fn let_go(description: &str) -> String {
    let own = description.split(KEPT).next().unwrap_or_default().trim();
    if is_let_go(own) {
        return own.to_owned();
    }
    // CloudWatch API Reference, PutMetricAlarm: a description has at most 1024 characters.
    let own: String = own.chars().take(900).collect();
    format!("{own} {LET_GO}").trim().to_owned()
}

/// The digest of the tags that a description tells of.
pub fn described_tags(description: &str) -> &str {
    let told = description.split(KEPT).nth(1);
    let digest = told.and_then(|told| told.strip_prefix(TAGS)?.strip_suffix('.'));
    digest.unwrap_or_default()
}

/// Which of an alarm's settings is the digest of its tags.
pub const ALARM_TAGS: &str = "tags";

/// An alarm's settings as text, for comparing and for showing.
pub type AlarmSettings = BTreeMap<String, String>;

impl AlarmSpec {
    /// Whether EC2 is asked besides, which makes it an alarm over two metrics.
    pub fn asks_ec2(&self) -> bool {
        self.about == AlarmKind::Silent
    }

    /// How many metrics it is billed for.
    pub fn billed_metrics(&self) -> u32 {
        if self.asks_ec2() { 2 } else { 1 }
    }

    /// What it says when somebody wonders about it.
    pub fn description(&self) -> String {
        let (lab, node) = (&self.lab, &self.label);
        let what = match self.about {
            AlarmKind::Silent => "runs, and nothing has been heard of it",
            AlarmKind::GpuMissing => "has fewer GPUs that answer than its type has",
            AlarmKind::GpuHot => "has a hot GPU",
            AlarmKind::GpuMemory => "has a GPU whose memory is nearly full",
            AlarmKind::Idle => "does nothing and is paid for",
        };
        let tags = match self.tags.as_str() {
            "" => String::new(),
            digest => format!("{TAGS}{digest}."),
        };
        format!("{node} of the lab {lab} {what}. {KEPT}{tags}")
    }

    /// Its settings but for the machine.
    pub fn settings(&self) -> AlarmSettings {
        let ec2 = self.asks_ec2();
        settings(&AlarmParts {
            namespace: &self.namespace,
            metric: self.metric.name(),
            lab: Some(&self.lab),
            label: Some(&self.label),
            statistic: self.statistic.as_str(),
            bound: self.bound.to_string(),
            period_s: self.period_s,
            periods: self.periods,
            missing: MISSING_DATA,
            expression: ec2.then_some(SILENT_EXPRESSION),
            asks_ec2: ec2,
            kept: true,
            tags: &self.tags,
        })
    }
}

/// What the settings of an alarm are made from, whoever tells it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields of an alarm by their names")]
pub struct AlarmParts<'a> {
    pub namespace: &'a str,
    pub metric: &'a str,
    pub lab: Option<&'a str>,
    pub label: Option<&'a str>,
    pub statistic: &'a str,
    pub bound: String,
    pub period_s: u32,
    pub periods: u32,
    pub missing: &'a str,
    pub expression: Option<&'a str>,
    pub asks_ec2: bool,
    pub kept: bool,
    pub tags: &'a str,
}

/// The settings as text.
pub fn settings(parts: &AlarmParts<'_>) -> AlarmSettings {
    let dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    [
        ("metric", format!("{}/{}", parts.namespace, parts.metric)),
        ("lab", dash(parts.lab)),
        ("node", dash(parts.label)),
        ("statistic", parts.statistic.to_owned()),
        ("threshold", parts.bound.clone()),
        ("period_s", parts.period_s.to_string()),
        ("periods", parts.periods.to_string()),
        ("missing_data", parts.missing.to_owned()),
        ("expression", dash(parts.expression)),
        (
            "status_check",
            if parts.asks_ec2 { "asked" } else { "-" }.to_owned(),
        ),
        ("kept", if parts.kept { "yes" } else { "no" }.to_owned()),
        (ALARM_TAGS, parts.tags.to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// What an alarm sets off. roboinfra sets off nothing itself, and keeps what somebody has hung on an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmActions {
    /// Whether they are set off at all.
    pub enabled: bool,
    /// ARNs, when all is well again.
    pub ok: Vec<String>,
    /// ARNs, when it rings.
    pub alarm: Vec<String>,
    /// ARNs, when it cannot tell.
    pub no_data: Vec<String>,
}

impl Default for AlarmActions {
    fn default() -> Self {
        Self {
            enabled: true,
            ok: Vec::new(),
            alarm: Vec::new(),
            no_data: Vec::new(),
        }
    }
}

/// The lab's dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardSpec {
    /// Its name, unique in the account.
    pub name: String,
    /// Its body as JSON, in one spelling.
    pub body: String,
}

/// One question about a metric of a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricQuery {
    /// The CloudWatch namespace.
    pub namespace: String,
    /// The metric.
    pub metric: AgentMetric,
    /// The machine.
    pub instance: CloudId,
    /// The lab, as a dimension.
    pub lab: String,
    /// The machine in the lab, as a dimension.
    pub label: String,
    /// One of its GPUs, where there are several.
    pub gpu: Option<u32>,
}

/// What was answered: seconds since 1970 and the mean of the period that begins there, in the order of time.
pub type MetricPoints = Vec<(i64, f64)>;

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> WatchNames {
        WatchNames {
            lab: LabName::try_from("twin").expect("a name"),
            id: LabId::new("x1"),
        }
    }

    #[test]
    fn a_name_tells_the_address_and_only_of_its_own_lab() {
        let names = names();
        for kind in AlarmKind::ALL {
            let name = names.alarm("sim.0", kind);
            let address = names.address_of(&name).expect("its own");
            assert_eq!(address.as_str(), format!("alarm.sim.0.{}", kind.slug()));
        }
        for foreign in [
            "roboinfra-twin-x12.sim.0.idle",
            "roboinfra-twin-x1.mine",
            "roboinfra-twin-x1.sim.a.idle",
            "roboinfra-twin-x1..0.idle",
            "roboinfra-twin-x1.sim.0.a.b",
            "mine",
        ] {
            assert_eq!(names.address_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_description_tells_the_tags_and_whether_it_is_kept() {
        let mut alarm = AlarmSpec {
            name: String::new(),
            about: AlarmKind::GpuHot,
            node: Ref::Existing(CloudId::new("i-1")),
            lab: "twin".to_owned(),
            label: "sim.0".to_owned(),
            namespace: "Twin".to_owned(),
            metric: AgentMetric::GpuTemperature,
            statistic: Statistic::Average,
            bound: Bound::AtLeast(85),
            period_s: 300,
            periods: 2,
            tags: String::new(),
        };
        let bare = alarm.description();
        assert_eq!(described_tags(&bare), "");
        "0a1b2c3d".clone_into(&mut alarm.tags);
        let tagged = alarm.description();
        assert_eq!(described_tags(&tagged), "0a1b2c3d");
        for description in [&bare, &tagged] {
            assert!(!is_let_go(description));
            let gone = let_go(description);
            assert!(is_let_go(&gone), "{gone}");
            assert_eq!(described_tags(&gone), "");
            assert_eq!(let_go(&gone), gone, "it is said once");
            assert!(gone.starts_with("sim.0 of the lab twin has a hot GPU."));
        }
        for others in ["", "mine", "Tags: x.", &"x".repeat(1024)] {
            let gone = let_go(others);
            assert!(is_let_go(&gone) && gone.chars().count() <= 1024, "{gone}");
            assert_eq!(described_tags(others), "");
        }
    }

    #[test]
    fn a_dashboards_name_has_only_what_cloudwatch_allows() {
        let name = names().dashboard();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(name.chars().all(allowed) && name.len() <= 255, "{name}");
    }
}
