//! The agent of a host: what it is told, and which program it is.

use std::collections::BTreeMap;

use crate::host::{AgentWish, Arch, HostFile};
use crate::model::{
    AGENT_FORMAT, Address, AgentAction, AgentConfig, AgentIdle, AgentLease, AgentPaths,
    AgentPrometheus, AgentPublish, AgentSpot,
};
use crate::profile::{EdgeHost, GpuAction, MarketChoice, Node, Platform, Profile};

/// The step that installs the agent.
pub const AGENT_STEP: &str = "gpu-metrics";

/// Where the step leaves the lab's own programs.
const ON_INTERRUPTION: &str = "/etc/roboinfra/on-interruption";
const ON_REBALANCE: &str = "/etc/roboinfra/on-rebalance";

/// Seconds between two measurements.
const SAMPLE_S: u32 = 5;
/// So long before the end people are warned, where the idle time is long enough for it.
const WARN_S: u32 = 300;
/// AWS advises to look for spot notices this often.
const POLL_S: u32 = 5;

/// The programs of the agent that are at hand, one for each kind of processor at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentPrograms(BTreeMap<Arch, HostFile>);

impl AgentPrograms {
    /// Adds one, unless there is one for its processor already.
    pub fn add(&mut self, file: HostFile) {
        self.0.entry(file.arch).or_insert(file);
    }

    /// The one for a processor.
    pub fn of(&self, arch: Arch) -> Option<&HostFile> {
        self.0.get(&arch)
    }

    /// Those for a host: the one for its processor, or all where that is not known before the host is asked.
    pub(super) fn for_host(&self, arch: Option<Arch>) -> Vec<HostFile> {
        let fits = |file: &&HostFile| arch.is_none_or(|arch| arch == file.arch);
        self.0.values().filter(fits).cloned().collect()
    }
}

/// A host as far as its agent must know.
#[derive(Debug, Clone, Copy)]
pub(super) struct AgentHost<'a> {
    /// Where it is in the lab.
    pub(super) address: &'a Address,
    /// Its steps.
    pub(super) steps: &'a [String],
    /// Its processor, if that is known.
    pub(super) arch: Option<Arch>,
    /// How many GPUs its type has.
    pub(super) gpus: Option<u32>,
    /// Whether it is one of EC2: it may publish, and is paid for by the hour.
    pub(super) in_cloud: bool,
    /// Whether idleness and the lease end it.
    pub(super) may_end: bool,
    /// Whether the spot market may take it away.
    pub(super) spot: bool,
    /// What runs when it is about to, and when it may soon.
    pub(super) hooks: [Option<&'a str>; 2],
}

impl<'a> AgentHost<'a> {
    pub(super) fn of_node(
        (address, node): (&'a Address, &'a Node),
        arch: Option<Arch>,
        gpus: Option<u32>,
    ) -> Self {
        Self {
            address,
            steps: &node.bootstrap,
            arch,
            gpus: gpus.filter(|gpus| *gpus > 0),
            in_cloud: true,
            may_end: true,
            spot: node.market != MarketChoice::OnDemand,
            hooks: [&node.on_interruption, &node.on_rebalance].map(Option::as_deref),
        }
    }

    pub(super) fn of_edge(address: &'a Address, host: &'a EdgeHost) -> Self {
        Self {
            address,
            steps: &host.bootstrap,
            arch: match host.platform {
                Platform::Jetson | Platform::RaspberryPi => Some(Arch::Aarch64),
                Platform::Nuc => Some(Arch::X86_64),
                Platform::Linux => None,
            },
            gpus: None,
            in_cloud: false,
            may_end: host.power_off,
            spot: false,
            hooks: [None, None],
        }
    }

    /// Whether it gets the agent.
    pub(super) fn wish(&self, programs: &AgentPrograms) -> AgentWish {
        if !self.steps.iter().any(|step| step == AGENT_STEP) {
            AgentWish::NotAsked
        } else if programs.for_host(self.arch).is_empty() {
            AgentWish::NoProgram(self.arch)
        } else {
            AgentWish::Asked
        }
    }

    /// The inputs of its step.
    pub(super) fn inputs(
        &self,
        profile: &Profile,
        programs: &AgentPrograms,
    ) -> Vec<(String, String)> {
        let digests = programs.for_host(self.arch);
        let digests: Vec<String> = digests
            .iter()
            .map(|file| format!("{}:{}", file.arch.uname(), file.digest))
            .collect();
        let config = toml::to_string(&self.config(profile))
            .expect("plain values whose tables come last are TOML");
        let hook = |hook: Option<&str>| hook.filter(|_| self.spot).unwrap_or_default().to_owned();
        let [interruption, rebalance] = self.hooks.map(hook);
        vec![
            ("AGENT_CONFIG".to_owned(), config.trim_end().to_owned()),
            ("AGENT_SHA256".to_owned(), digests.join(" ")),
            ("AGENT_ON_INTERRUPTION".to_owned(), interruption),
            ("AGENT_ON_REBALANCE".to_owned(), rebalance),
        ]
    }

    fn config(&self, profile: &Profile) -> AgentConfig {
        let address = self.address.as_str();
        AgentConfig {
            version: AGENT_FORMAT,
            lab: profile.name.to_string(),
            node: address.strip_prefix("node.").unwrap_or(address).to_owned(),
            region: self.in_cloud.then(|| profile.region.to_string()),
            expected_gpus: self.gpus,
            sample_s: SAMPLE_S,
            // A host of one's own has no permission at AWS.
            publish: profile
                .metrics
                .as_ref()
                .filter(|_| self.in_cloud)
                .map(|metrics| AgentPublish {
                    namespace: metrics.namespace.clone(),
                    interval_s: metrics.interval_s,
                    queue_kib: 16 * 1024,
                    endpoint: None,
                }),
            prometheus: AgentPrometheus::default(),
            idle: profile.idle.as_ref().filter(|_| self.may_end).map(|idle| {
                let for_s = u32::try_from(idle.duration.as_secs()).unwrap_or(u32::MAX);
                AgentIdle {
                    gpu_below_percent: idle.gpu_below_percent,
                    cpu_below_percent: 10,
                    for_s,
                    warn_s: WARN_S.min(for_s / 2),
                    then: match idle.then {
                        GpuAction::Stop | GpuAction::Terminate => AgentAction::PowerOff,
                        GpuAction::Notify => AgentAction::Notify,
                    },
                }
            }),
            lease: lease(profile).filter(|_| self.may_end),
            spot: self.spot.then(|| AgentSpot {
                poll_s: POLL_S,
                interruption_hook: self.hooks[0].map(|_| ON_INTERRUPTION.into()),
                rebalance_hook: self.hooks[1].map(|_| ON_REBALANCE.into()),
            }),
            paths: AgentPaths::default(),
            rehearsal: None,
        }
    }
}

fn lease(profile: &Profile) -> Option<AgentLease> {
    let ttl = profile.schedule.as_ref()?.ttl?;
    Some(AgentLease {
        ttl_s: ttl.as_secs(),
        warn_s: WARN_S,
    })
}

/// What of the profile only an agent carries out and costs money where there is none: `[idle]`, `ttl`.
pub fn kept_by_agent(profile: &Profile) -> Vec<&'static str> {
    let idle = profile.idle.as_ref();
    let ends = idle.is_some_and(|idle| idle.then != GpuAction::Notify);
    [(ends, "[idle]"), (lease(profile).is_some(), "ttl")]
        .into_iter()
        .filter(|(asked, _)| *asked)
        .map(|(_, what)| what)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse;

    fn profile(text: &str) -> Profile {
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.2xlarge\"]\n\
             market = \"spot\"\n[edge.arm]\nhost = \"192.0.2.1\"\nuser = \"robot\"\nplatform = \"jetson\"\n\
             bootstrap = [\"gpu-metrics\"]\n{text}"
        );
        let parsed = parse(&text);
        assert!(parsed.profile.is_some(), "{:?}", parsed.problems);
        parsed.profile.expect("it was just looked at")
    }

    const ALL: &str = "[metrics]\nnamespace = \"Twin\"\ninterval_s = 30\n[idle]\nfor = \"45m\"\n[schedule]\nttl = \"12h\"\n";

    fn of_node(profile: &Profile) -> AgentConfig {
        let address = Address::new("node.sim.0");
        let node = profile.nodes.values().next().expect("one");
        AgentHost::of_node((&address, node), Some(Arch::X86_64), Some(1)).config(profile)
    }

    fn of_edge(profile: &Profile, power_off: bool) -> AgentConfig {
        let address = Address::new("edge.arm");
        let mut host = profile.edge.values().next().expect("one").clone();
        host.power_off = power_off;
        AgentHost::of_edge(&address, &host).config(profile)
    }

    #[test]
    fn a_node_is_told_what_the_profile_says() {
        let config = of_node(&profile(ALL));
        assert_eq!(
            (config.lab.as_str(), config.node.as_str()),
            ("lab", "sim.0")
        );
        assert_eq!(config.region.as_deref(), Some("us-east-1"));
        assert_eq!(config.expected_gpus, Some(1));
        let publish = config.publish.expect("[metrics]");
        assert_eq!(
            (publish.namespace.as_str(), publish.interval_s),
            ("Twin", 30)
        );
        let idle = config.idle.expect("[idle]");
        assert_eq!(
            (idle.for_s, idle.warn_s, idle.then),
            (2700, 300, AgentAction::PowerOff)
        );
        assert_eq!(config.lease.map(|lease| lease.ttl_s), Some(12 * 3600));
        assert!(config.spot.is_some());
        let plain = of_node(&profile(""));
        assert!(plain.publish.is_none() && plain.idle.is_none() && plain.lease.is_none());
        let short = of_node(&profile("[idle]\nfor = \"1m\"\nthen = \"notify\"\n"));
        let idle = short.idle.expect("[idle]");
        assert_eq!((idle.warn_s, idle.then), (30, AgentAction::Notify));
    }

    #[test]
    fn hooks_go_to_machines_of_the_spot_market_alone() {
        let mut profile = profile("");
        let node = profile.nodes.values_mut().next().expect("one");
        node.on_interruption = Some("echo 'bye'\nsync".to_owned());
        let config = of_node(&profile);
        let spot = config.spot.expect("its market is spot");
        assert_eq!(spot.interruption_hook, Some(ON_INTERRUPTION.into()));
        assert_eq!(spot.rebalance_hook, None);
        for (market, text) in [
            (MarketChoice::Spot, "echo 'bye'\nsync"),
            (MarketChoice::OnDemand, ""),
        ] {
            let node = profile.nodes.values_mut().next().expect("one");
            node.market = market;
            let address = Address::new("node.sim.0");
            let node = profile.nodes.values().next().expect("one");
            let host = AgentHost::of_node((&address, node), None, None);
            let inputs: BTreeMap<String, String> = host
                .inputs(&profile, &AgentPrograms::default())
                .into_iter()
                .collect();
            assert_eq!(inputs["AGENT_ON_INTERRUPTION"], text);
            assert_eq!(inputs["AGENT_ON_REBALANCE"], "");
            let step = crate::assets::step(AGENT_STEP).expect("shipped");
            assert!(inputs.keys().eq(step.header.inputs.keys()));
        }
    }

    #[test]
    fn a_robot_is_measured_and_never_switched_off_unasked() {
        let profile = profile(ALL);
        let robot = of_edge(&profile, false);
        assert_eq!(robot.node, "edge.arm");
        assert!(robot.publish.is_none() && robot.idle.is_none() && robot.lease.is_none());
        let asked = of_edge(&profile, true);
        assert!(asked.publish.is_none() && asked.idle.is_some() && asked.lease.is_some());
    }

    #[test]
    fn the_file_is_read_as_it_was_meant() {
        for profile in [profile(ALL), profile("")] {
            let config = of_node(&profile);
            let text = toml::to_string(&config).expect("TOML");
            assert_eq!(toml::from_str::<AgentConfig>(&text), Ok(config), "{text}");
        }
    }

    #[test]
    fn the_program_is_that_of_the_processor() {
        let mut programs = AgentPrograms::default();
        let profile = profile("");
        let (node, edge) = (Address::new("node.sim.0"), Address::new("edge.arm"));
        let sim = profile.nodes.values().next().expect("one");
        let arm = profile.edge.values().next().expect("one");
        let host = AgentHost::of_node((&node, sim), Some(Arch::X86_64), None);
        assert_eq!(
            host.wish(&programs),
            AgentWish::NoProgram(Some(Arch::X86_64))
        );
        programs.add(HostFile::new(Arch::X86_64, b"one".to_vec()));
        programs.add(HostFile::new(Arch::X86_64, b"another".to_vec()));
        assert_eq!(host.wish(&programs), AgentWish::Asked);
        let jetson = AgentHost::of_edge(&edge, arm);
        assert_eq!(
            jetson.wish(&programs),
            AgentWish::NoProgram(Some(Arch::Aarch64))
        );
        let inputs: BTreeMap<String, String> =
            host.inputs(&profile, &programs).into_iter().collect();
        let first = programs.of(Arch::X86_64).expect("added");
        assert_eq!(first.bytes.as_ref(), b"one");
        assert_eq!(inputs["AGENT_SHA256"], format!("x86_64:{}", first.digest));
        // Some Linux: it says itself what it is.
        programs.add(HostFile::new(Arch::Aarch64, b"two".to_vec()));
        assert_eq!(
            AgentHost {
                arch: None,
                ..jetson
            }
            .inputs(&profile, &programs)[1]
                .1
                .split(' ')
                .count(),
            2
        );
        let without = AgentHost {
            steps: &[],
            ..jetson
        };
        assert_eq!(without.wish(&programs), AgentWish::NotAsked);
    }

    #[test]
    fn what_only_an_agent_keeps() {
        assert_eq!(kept_by_agent(&profile(ALL)), ["[idle]", "ttl"]);
        assert!(kept_by_agent(&profile("[idle]\nfor = \"1h\"\nthen = \"notify\"\n")).is_empty());
    }
}
