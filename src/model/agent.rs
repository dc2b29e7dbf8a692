//! What the daemon on a host is told, and what it publishes: shared by who writes its file, who runs it, and who
//! makes alarms and bills from its metrics.
//!
//! Owns: the shape of `/etc/roboinfra/agent.toml` and the list of metrics. Does not own: how either comes about.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The format of the file that this version reads and writes.
pub const AGENT_FORMAT: u32 = 1;

/// Where the daemon's file lies on a host.
pub const AGENT_CONFIG: &str = "/etc/roboinfra/agent.toml";

/// Where a hold is left on a host: as long as it stands the machine counts as busy.
pub const HOLD_FILE: &str = "/var/lib/roboinfra/hold";

/// Where the daemon says what it thinks, as JSON.
pub const AGENT_STATUS: &str = "/run/roboinfra-agent/status.json";

/// The daemon's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The format: [`AGENT_FORMAT`].
    pub version: u32,
    /// The lab's name: a dimension of every metric.
    pub lab: String,
    /// The machine's address in the lab, such as `sim.0`: a dimension of every metric.
    pub node: String,
    /// The region; without it the metadata service is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How many GPUs the machine type has; without it nothing is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_gpus: Option<u32>,
    /// Seconds between two measurements.
    #[serde(default = "sample_s")]
    pub sample_s: u32,
    /// Publishing to CloudWatch; without it nothing leaves the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<AgentPublish>,
    /// What Prometheus is answered.
    #[serde(default)]
    pub prometheus: AgentPrometheus,
    /// What idleness leads to; without it the machine is never idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<AgentIdle>,
    /// The hard lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<AgentLease>,
    /// Notices of the spot market; without it the metadata service is not asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<AgentSpot>,
    /// Where things are; the defaults are right everywhere but in tests.
    #[serde(default)]
    pub paths: AgentPaths,
    /// Another clock than the machine's, for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<AgentRehearsal>,
}

/// `[rehearsal]`: the daemon lives through a day in seconds. It says so when it starts, and it turns nothing off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRehearsal {
    /// How many times faster than the machine's clock.
    pub speed: u32,
    /// The wall clock at the start, in seconds since 1970; without it the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_s: Option<i64>,
}

/// `[publish]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPublish {
    /// The CloudWatch namespace.
    pub namespace: String,
    /// Seconds that one statistic set covers.
    #[serde(default = "interval_s")]
    pub interval_s: u32,
    /// The most that may wait on disk, in KiB; beyond it the oldest is dropped and counted.
    #[serde(default = "queue_kib")]
    pub queue_kib: u32,
    /// Another endpoint than the region's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// `[prometheus]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPrometheus {
    /// Address and port; empty means that nothing listens.
    pub listen: String,
}

impl Default for AgentPrometheus {
    /// Loopback only, on the port that DCGM exporter uses.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9400".to_owned(),
        }
    }
}

/// What the daemon does with an idle machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentAction {
    /// The machine is shut down; whether that stops or terminates it is the instance's shutdown behaviour.
    PowerOff,
    /// It is only said.
    Notify,
}

/// `[idle]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentIdle {
    /// GPU use below this is idle.
    pub gpu_below_percent: u32,
    /// CPU use below this is idle; it counts on machines that have no GPU.
    #[serde(default = "cpu_below_percent")]
    pub cpu_below_percent: u32,
    /// For so many seconds.
    pub for_s: u32,
    /// So many seconds before the end people are warned.
    #[serde(default = "warn_s")]
    pub warn_s: u32,
    /// What happens then.
    pub then: AgentAction,
}

/// `[lease]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentLease {
    /// Seconds from the machine's first start, or from its first start after the last lease has ended.
    pub ttl_s: u64,
    /// So many seconds before the end people are warned.
    #[serde(default = "warn_s")]
    pub warn_s: u32,
}

/// `[spot]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpot {
    /// Seconds between two looks; AWS advises five.
    #[serde(default = "poll_s")]
    pub poll_s: u32,
    /// A program to run when the machine is about to be taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption_hook: Option<PathBuf>,
    /// A program to run when it may be taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalance_hook: Option<PathBuf>,
}

/// `[paths]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentPaths {
    /// What survives a restart: the queue, the lease, the notices that were heeded.
    pub state: PathBuf,
    /// What does not: the status.
    pub run: PathBuf,
    /// The hold.
    pub hold: PathBuf,
    /// The metadata service.
    pub metadata: String,
    /// Where `proc`, `dev`, `run` and `var` are found.
    pub root: PathBuf,
    /// NVML; without it the loader's own search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvml: Option<PathBuf>,
    /// Where programs are looked for before the usual folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programs: Option<PathBuf>,
}

impl Default for AgentPaths {
    fn default() -> Self {
        Self {
            state: "/var/lib/roboinfra-agent".into(),
            run: "/run/roboinfra-agent".into(),
            hold: HOLD_FILE.into(),
            metadata: "http://169.254.169.254".to_owned(),
            root: "/".into(),
            nvml: None,
            programs: None,
        }
    }
}

fn sample_s() -> u32 {
    5
}

fn interval_s() -> u32 {
    60
}

/// About three days of a machine with one GPU.
fn queue_kib() -> u32 {
    16 * 1024
}

fn cpu_below_percent() -> u32 {
    10
}

fn warn_s() -> u32 {
    300
}

fn poll_s() -> u32 {
    5
}

/// What a number counts, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricUnit {
    /// Of a hundred.
    Percent,
    /// Things.
    Count,
    /// Bytes in a second.
    BytesPerSecond,
    /// Seconds.
    Seconds,
    /// Degrees, watts: what CloudWatch has no word for.
    None,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $variant:ident, $name:literal, $unit:ident, $gpu:literal;)*) => {
        /// A metric that the daemon publishes, with the dimensions `InstanceId`, `Lab` and `Node`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum AgentMetric {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl AgentMetric {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in CloudWatch.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it counts.
            pub const fn unit(self) -> MetricUnit {
                match self { $(Self::$variant => MetricUnit::$unit),* }
            }

            /// Whether machines of several GPUs publish it for each one as well, with the dimension `Gpu`.
            pub const fn for_each_gpu(self) -> bool {
                match self { $(Self::$variant => $gpu),* }
            }
        }
    };
}

metrics! {
    /// One at each measurement: an alarm on its absence finds a silent daemon.
    Heartbeat, "agent_heartbeat", Count, false;
    /// Conditions that hold: a missing library, a lost GPU, a queue that cannot be written.
    Conditions, "agent_conditions", Count, false;
    /// GPUs that answer.
    GpuCount, "gpu_count", Count, false;
    /// GPUs that the machine type has and that do not answer.
    GpuMissing, "gpu_missing", Count, false;
    /// Share of the time that a kernel ran; the mean of the machine's GPUs.
    GpuUtilization, "gpu_utilization", Percent, true;
    /// Filled memory; the fullest of the machine's GPUs.
    GpuMemory, "gpu_memory_used", Percent, true;
    /// Degrees Celsius; the hottest of the machine's GPUs.
    GpuTemperature, "gpu_temperature", None, true;
    /// Watts; all GPUs of the machine together.
    GpuPower, "gpu_power", None, true;
    /// Use of the video encoders; the highest of the machine's GPUs.
    GpuEncoder, "gpu_encoder_utilization", Percent, false;
    /// Xid messages of the kernel and uncorrected ECC errors since the measurement before.
    GpuErrors, "gpu_errors", Count, false;
    /// Use of all CPUs together.
    CpuUtilization, "cpu_utilization", Percent, false;
    /// Memory that is not available.
    MemoryUsed, "memory_used", Percent, false;
    /// The fullest file system on a disk.
    DiskUsed, "disk_used", Percent, false;
    /// Received on all interfaces but loopback and virtual ones.
    NetworkReceived, "network_received", BytesPerSecond, false;
    /// Sent on them.
    NetworkSent, "network_sent", BytesPerSecond, false;
    /// The load of the last minute, for each CPU.
    Load, "load_per_cpu", None, false;
    /// How long the machine has been idle.
    Idle, "idle_seconds", Seconds, false;
    /// Notices of the spot market; published when there is one, so a machine without any is not billed for it.
    SpotNotice, "spot_notice", Count, false;
}

/// How many metrics, as CloudWatch bills them, a machine with so many GPUs publishes if no spot notice comes.
pub fn published_metrics(gpus: u32) -> u32 {
    let count = |kept: fn(&AgentMetric) -> bool| {
        let kept = AgentMetric::ALL.iter().filter(|metric| kept(metric));
        u32::try_from(kept.count()).expect("the list is short")
    };
    let whole = if gpus == 0 {
        count(|metric| !metric.of_gpus() && *metric != AgentMetric::SpotNotice)
    } else {
        count(|metric| *metric != AgentMetric::SpotNotice)
    };
    let each = if gpus > 1 {
        gpus * count(|metric| metric.for_each_gpu())
    } else {
        0
    };
    whole + each
}

impl AgentMetric {
    /// Whether only machines with a GPU publish it. That GPUs are missing is told by all.
    pub const fn of_gpus(self) -> bool {
        match self {
            Self::GpuUtilization
            | Self::GpuMemory
            | Self::GpuTemperature
            | Self::GpuPower
            | Self::GpuEncoder => true,
            Self::Heartbeat
            | Self::Conditions
            | Self::GpuCount
            | Self::GpuMissing
            | Self::GpuErrors
            | Self::CpuUtilization
            | Self::MemoryUsed
            | Self::DiskUsed
            | Self::NetworkReceived
            | Self::NetworkSent
            | Self::Load
            | Self::Idle
            | Self::SpotNotice => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "version = 1\nlab = \"twin\"\nnode = \"sim.0\"\n";

    #[test]
    fn what_is_left_out_has_a_default() {
        let config: AgentConfig = toml::from_str(SMALLEST).expect("the smallest file");
        assert_eq!(config.sample_s, 5);
        assert_eq!(config.prometheus.listen, "127.0.0.1:9400");
        assert_eq!(
            config.paths.state,
            PathBuf::from("/var/lib/roboinfra-agent")
        );
        assert!(config.publish.is_none() && config.idle.is_none() && config.spot.is_none());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = format!(
            "{SMALLEST}expected_gpus = 4\n[publish]\nnamespace = \"Twin\"\n[idle]\ngpu_below_percent = 5\n\
             for_s = 2700\nthen = \"power-off\"\n[lease]\nttl_s = 43200\n[spot]\n\
             interruption_hook = \"/etc/roboinfra/hooks/interruption\"\n"
        );
        let config: AgentConfig = toml::from_str(&text).expect("a whole file");
        let publish = config.publish.as_ref().expect("it publishes");
        assert_eq!((publish.interval_s, publish.queue_kib), (60, 16 * 1024));
        assert_eq!(config.idle.as_ref().map(|idle| idle.warn_s), Some(300));
        let written = toml::to_string(&config).expect("it can be written");
        let again: AgentConfig = toml::from_str(&written).expect("and read");
        assert_eq!(again, config);
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let error = toml::from_str::<AgentConfig>(&format!("{SMALLEST}sampel_s = 5\n"))
            .expect_err("it is misspelt");
        assert!(error.to_string().contains("sampel_s"), "{error}");
    }

    #[test]
    fn the_bill_grows_with_the_gpus() {
        let all = u32::try_from(AgentMetric::ALL.len()).expect("few");
        assert_eq!(published_metrics(1), all - 1);
        assert_eq!(published_metrics(0), all - 6);
        assert_eq!(published_metrics(8), all - 1 + 8 * 4);
    }

    #[test]
    fn names_are_unlike() {
        let names: std::collections::BTreeSet<&str> = AgentMetric::ALL
            .iter()
            .map(|metric| metric.name())
            .collect();
        assert_eq!(names.len(), AgentMetric::ALL.len());
    }
}
