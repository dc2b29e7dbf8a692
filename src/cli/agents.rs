//! The agent's programs: where they are found, what is wrong with them, and what a plan says of hosts that get none.
//!
//! Owns: the order of the places, and the notices. Does not own: what an agent is told (`lab`), or how its program reaches a
//! host (`apply`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::target::Target;
use crate::host::{AgentWish, Arch, HostFile};
use crate::lab::{AGENT_STEP, AgentPrograms, HostWish, kept_by_agent};
use crate::model::{Address, NodeName, Shutdown};
use crate::plan::{Notice, Severity};
use crate::profile::{GpuAction, Profile};
use crate::state::Lockfile;

/// The topic of notices about the agent.
pub(super) const AGENT_TOPIC: &str = "agent";

/// Runners on hosts take no larger file.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Where the agent's programs are looked for.
#[derive(Debug)]
pub(super) struct AgentPlaces {
    /// Those that the user has named.
    named: Vec<PathBuf>,
    /// The folder of this program.
    beside: Option<PathBuf>,
    /// In the sandbox none is needed: its hosts run nothing.
    played: bool,
}

impl AgentPlaces {
    pub(super) fn new(target: &Target) -> Self {
        let own = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        Self {
            named: target.agent_binaries.clone(),
            beside: own.and_then(|own| Some(own.parent()?.to_owned())),
            played: target.sandbox,
        }
    }
}

/// Whether a host of the profile wants one.
pub(super) fn wanted(profile: &Profile) -> bool {
    let asks = |steps: &Vec<String>| steps.iter().any(|step| step == AGENT_STEP);
    let nodes = profile.nodes.values().map(|node| &node.bootstrap);
    let edge = profile.edge.values().map(|host| &host.bootstrap);
    nodes.chain(edge).any(asks)
}

/// The programs that are there, and what is wrong with those that are of no use.
pub(super) fn find(places: &AgentPlaces) -> (AgentPrograms, Vec<Notice>) {
    let mut found = Found::default();
    for path in &places.named {
        let taken = read(path).and_then(|file| match found.agents.of(file.arch) {
            None => Ok(file),
            Some(_) => Err(format!(
                "{} is the second agent for {}: name one for each kind of processor",
                path.display(),
                file.arch.uname()
            )),
        });
        found.take(taken);
    }
    if places.played {
        for arch in Arch::ALL {
            let text = format!(
                "stands for the agent on the sandbox's {} hosts\n",
                arch.uname()
            );
            found.agents.add(HostFile::new(arch, text.into_bytes()));
        }
        return (found.agents, found.useless);
    }
    let Some(folder) = &places.beside else {
        return (found.agents, found.useless);
    };
    for arch in Arch::ALL {
        let path = folder.join(format!("roboinfra-agent-{}", arch.uname()));
        if found.agents.of(arch).is_none() && path.is_file() {
            let taken = read(&path).and_then(|file| {
                if file.arch == arch {
                    return Ok(file);
                }
                let is = file.arch.uname();
                Err(format!("{} is an agent for {is} machines", path.display()))
            });
            found.take(taken);
        }
    }
    // As cargo leaves it, for machines like this one. One that is for no host, as on a Mac, is in nobody's way.
    let path = folder.join("roboinfra-agent");
    if let Ok(file) = read(&path) {
        found.agents.add(file);
    }
    (found.agents, found.useless)
}

#[derive(Default)]
struct Found {
    agents: AgentPrograms,
    useless: Vec<Notice>,
}

impl Found {
    fn take(&mut self, taken: Result<HostFile, String>) {
        match taken {
            Ok(file) => self.agents.add(file),
            Err(why) => self.useless.push(Notice {
                severity: Severity::Error,
                topic: AGENT_TOPIC.to_owned(),
                text: why,
                help: Some(
                    "build the agent as docs/agent.md says, and name it with --agent-binary"
                        .to_owned(),
                ),
            }),
        }
    }
}

fn read(path: &Path) -> Result<HostFile, String> {
    let shown = path.display();
    let unreadable = |error: io::Error| format!("the agent {shown} cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("the agent {shown} is larger than 256 MiB"));
    }
    match Arch::of_program(&bytes) {
        Some(arch) => Ok(HostFile::new(arch, bytes)),
        None => Err(format!(
            "{shown} is no program for x86_64 or aarch64 hosts with Linux"
        )),
    }
}

/// A host as far as the notices go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hosted<'a> {
    pub(super) address: &'a Address,
    pub(super) agent: &'a AgentWish,
    pub(super) asleep: bool,
    /// Whether its agent was installed earlier.
    pub(super) has_one: bool,
}

/// What is to be known of the agents of these hosts.
pub(super) fn notices(profile: &Profile, hosts: &[Hosted<'_>]) -> Vec<Notice> {
    let kept = kept_by_agent(profile).join(" and ");
    let mut without: BTreeMap<(bool, Option<Arch>), Vec<&Address>> = BTreeMap::new();
    let mut unasked = Vec::new();
    let mut left = Vec::new();
    for host in hosts {
        let ends = !kept.is_empty() && may_end(profile, host.address);
        match host.agent {
            AgentWish::NoProgram(arch) => {
                let grave = ends && !host.asleep;
                without
                    .entry((grave, *arch))
                    .or_default()
                    .push(host.address);
            }
            AgentWish::NotAsked if host.has_one => left.push(host.address),
            AgentWish::NotAsked if ends => unasked.push(host.address),
            AgentWish::NotAsked | AgentWish::Asked => {}
        }
    }
    let mut notices: Vec<Notice> = without
        .iter()
        .map(|((grave, arch), addresses)| no_program(*grave, *arch, &named(addresses), &kept))
        .collect();
    if !unasked.is_empty() {
        notices.push(warning(
            format!(
                "{kept}: nothing stops {}, which has no step {AGENT_STEP}",
                named(&unasked)
            ),
            format!("add \"{AGENT_STEP}\" to its bootstrap"),
        ));
    }
    if !left.is_empty() {
        notices.push(warning(
            format!(
                "the agent on {} goes on as it was told last: {AGENT_STEP} is no step of it any more",
                named(&left)
            ),
            format!(
                "take it away with: roboinfra ssh {} -- sudo systemctl disable --now roboinfra-agent",
                left[0]
            ),
        ));
    }
    notices.extend(endings(profile));
    notices
}

/// The same for the hosts of a plan; `targets` limits to some, empty for all.
pub(super) fn of_plan(
    profile: &Profile,
    wishes: &[HostWish],
    recorded: Option<&Lockfile>,
    targets: &BTreeSet<Address>,
) -> Vec<Notice> {
    let aimed = |wish: &&HostWish| {
        targets.is_empty() || targets.iter().any(|target| wish.address.is_within(target))
    };
    let hosted: Vec<Hosted<'_>> = wishes
        .iter()
        .filter(aimed)
        .map(|wish| {
            let known = recorded.and_then(|lock| lock.hosts.get(&wish.address));
            let lasting = known.filter(|known| wish.machine.as_deref() == Some(&known.machine));
            Hosted {
                address: &wish.address,
                agent: &wish.agent,
                asleep: wish.asleep,
                has_one: lasting.is_some_and(|known| known.steps.contains_key(AGENT_STEP)),
            }
        })
        .collect();
    notices(profile, &hosted)
}

fn no_program(grave: bool, arch: Option<Arch>, hosts: &str, kept: &str) -> Notice {
    let kind = arch.map_or_else(String::new, |arch| format!(" for {}", arch.uname()));
    let file = arch.map_or_else(
        || "roboinfra-agent".to_owned(),
        |arch| format!("roboinfra-agent-{}", arch.uname()),
    );
    let place = format!("put {file} beside roboinfra, or name it with --agent-binary");
    if grave {
        Notice {
            severity: Severity::Error,
            topic: AGENT_TOPIC.to_owned(),
            text: format!("there is no agent{kind}, so {kept} would not stop {hosts}"),
            help: Some(format!(
                "{place}; docs/agent.md says how it is built. Without {AGENT_STEP} in its bootstrap it goes on and costs on"
            )),
        }
    } else {
        let text = format!("there is no agent{kind}: {AGENT_STEP} is left out on {hosts}");
        warning(text, format!("{place}; docs/agent.md says how it is built"))
    }
}

/// A few of them by name.
fn named(addresses: &[&Address]) -> String {
    match addresses {
        [first, second, third, _, ..] => {
            format!(
                "{first}, {second}, {third} and {} more",
                addresses.len() - 3
            )
        }
        few => few
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn warning(text: String, help: String) -> Notice {
    Notice {
        severity: Severity::Warning,
        topic: AGENT_TOPIC.to_owned(),
        text,
        help: Some(help),
    }
}

/// Machines of the lab do; one of the user's own only if the profile says so.
fn may_end(profile: &Profile, address: &Address) -> bool {
    let mut parts = address.as_str().split('.');
    match (parts.next(), parts.next().map(NodeName::try_from)) {
        (Some("edge"), Some(Ok(name))) => {
            profile.edge.get(&name).is_some_and(|host| host.power_off)
        }
        _ => true,
    }
}

/// What `[idle]` says of the end, and what the machines' own `shutdown` makes of it.
fn endings(profile: &Profile) -> Vec<Notice> {
    let idle = profile.idle.as_ref().map(|idle| idle.then);
    let has_lease = profile
        .schedule
        .as_ref()
        .is_some_and(|schedule| schedule.ttl.is_some());
    let asks = |steps: &[String]| steps.iter().any(|step| step == AGENT_STEP);
    let nodes = profile
        .nodes
        .iter()
        .filter(|(_, node)| asks(&node.bootstrap));
    nodes
        .filter_map(|(name, node)| match (node.shutdown, idle) {
            (Shutdown::Stop, Some(GpuAction::Terminate)) => Some(warning(
                format!("an idle node.{name} stops and is not terminated, as `shutdown` of it is \"stop\""),
                format!("set shutdown = \"terminate\" in [node.{name}], or then = \"stop\" in [idle]"),
            )),
            (Shutdown::Terminate, idle) if idle == Some(GpuAction::Stop) || has_lease => {
                Some(warning(
                    format!("node.{name} is terminated, not stopped, when it is idle or its lease is over: its `shutdown` is \"terminate\""),
                    format!("set shutdown = \"stop\" in [node.{name}] if its disks are to stay"),
                ))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse;

    fn program(machine: u8) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(64, 0);
        bytes[18] = machine;
        bytes
    }

    struct Rig {
        folder: tempfile::TempDir,
        named: Vec<&'static str>,
        played: bool,
    }

    impl Rig {
        fn new(files: &[(&str, &[u8])]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, bytes) in files {
                std::fs::write(folder.path().join(name), bytes).expect("written");
            }
            Self {
                folder,
                named: Vec::new(),
                played: false,
            }
        }

        /// The size of the agent for each kind of processor, and what was refused.
        fn find(&self) -> ([Option<usize>; 2], Vec<String>) {
            let places = AgentPlaces {
                named: self
                    .named
                    .iter()
                    .map(|name| self.folder.path().join(name))
                    .collect(),
                beside: Some(self.folder.path().to_owned()),
                played: self.played,
            };
            let (agents, useless) = find(&places);
            let size = |arch| agents.of(arch).map(|file| file.bytes.len());
            let folder = format!("{}/", self.folder.path().display());
            let refused = useless
                .iter()
                .map(|notice| notice.text.replace(&folder, ""));
            (Arch::ALL.map(size), refused.collect())
        }
    }

    #[test]
    fn what_is_named_comes_before_what_lies_beside() {
        let (intel, arm) = (program(62), program(183));
        let other = [program(62), vec![0; 10]].concat();
        let files: &[(&str, &[u8])] = &[
            ("roboinfra-agent", &intel),
            ("roboinfra-agent-aarch64", &arm),
            ("other", &other),
        ];
        let mut rig = Rig::new(files);
        assert_eq!(rig.find(), ([Some(64), Some(64)], vec![]));
        rig.named = vec!["other"];
        assert_eq!(rig.find(), ([Some(74), Some(64)], vec![]));
        assert_eq!(Rig::new(&files[..1]).find(), ([Some(64), None], vec![]));
        assert_eq!(Rig::new(&[]).find(), ([None, None], vec![]));
    }

    #[test]
    fn what_is_no_agent_is_refused_in_words() {
        let (intel, arm) = (program(62), program(183));
        let mut rig = Rig::new(&[
            ("script", b"#!/bin/sh\n"),
            ("one", &intel),
            ("two", &intel),
            ("roboinfra-agent-x86_64", &arm),
        ]);
        let refused = |rig: &Rig| rig.find().1.join("; ");
        assert_eq!(
            refused(&rig),
            "roboinfra-agent-x86_64 is an agent for aarch64 machines"
        );
        rig.named = vec!["one", "two"];
        assert!(refused(&rig).contains("two is the second agent for x86_64"));
        rig.named = vec!["one", "script", "none"];
        let said = refused(&rig);
        assert!(
            said.contains("script is no program for x86_64 or aarch64"),
            "{said}"
        );
        assert!(said.contains("none cannot be read"), "{said}");
        // What cargo has built for a computer that is like no host.
        let rig = Rig::new(&[
            ("roboinfra-agent", b"\xcf\xfa\xed\xfe"),
            ("roboinfra-agent-x86_64", &intel),
        ]);
        assert_eq!(rig.find(), ([Some(64), None], vec![]));
    }

    #[test]
    fn the_sandbox_needs_none() {
        let mut rig = Rig::new(&[("roboinfra-agent", b"not read")]);
        rig.played = true;
        let (found, refused) = rig.find();
        assert!(found.iter().all(Option::is_some) && refused.is_empty());
    }

    fn said(rest: &str, hosts: &[(&str, AgentWish, bool)]) -> Vec<(Severity, String)> {
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.2xlarge\"]\n{rest}\n\
             [edge.arm]\nhost = \"192.0.2.1\"\nuser = \"robot\"\nplatform = \"jetson\"\nbootstrap = [\"gpu-metrics\"]\n"
        );
        let profile = parse(&text).profile.expect("a profile");
        let hosts: Vec<(Address, &AgentWish, bool)> = hosts
            .iter()
            .map(|(address, agent, has_one)| (Address::new(*address), agent, *has_one))
            .collect();
        let hosted: Vec<Hosted<'_>> = hosts
            .iter()
            .map(|(address, agent, has_one)| Hosted {
                address,
                agent,
                asleep: false,
                has_one: *has_one,
            })
            .collect();
        let notices = notices(&profile, &hosted).into_iter();
        notices
            .map(|notice| (notice.severity, notice.text))
            .collect()
    }

    #[test]
    fn a_host_that_would_never_stop_is_an_error() {
        let none = AgentWish::NoProgram(Some(Arch::Aarch64));
        let hosts = [
            ("node.sim.0", none.clone(), false),
            ("edge.arm", none, false),
        ];
        let idle = "[idle]\nfor = \"1h\"\n[schedule]\nttl = \"12h\"";
        assert_eq!(
            said(idle, &hosts),
            [
                (
                    Severity::Warning,
                    "there is no agent for aarch64: gpu-metrics is left out on edge.arm".to_owned()
                ),
                (
                    Severity::Error,
                    "there is no agent for aarch64, so [idle] and ttl would not stop node.sim.0"
                        .to_owned()
                ),
            ]
        );
        assert_eq!(
            said("", &hosts).len(),
            1,
            "both are left out in one sentence"
        );
        let fine = [("node.sim.0", AgentWish::Asked, false)];
        assert_eq!(said(idle, &fine), []);
    }

    #[test]
    fn a_host_without_the_step_is_told_of() {
        let unasked = |has_one| [("node.sim.0", AgentWish::NotAsked, has_one)];
        let idle = "bootstrap = [\"base\"]\n[idle]\nfor = \"1h\"";
        let words = |found: Vec<(Severity, String)>| {
            found.into_iter().map(|(_, text)| text).collect::<String>()
        };
        assert!(words(said(idle, &unasked(false))).contains("nothing stops node.sim.0"));
        assert!(words(said(idle, &unasked(true))).contains("goes on as it was told last"));
        assert_eq!(said("bootstrap = [\"base\"]", &unasked(false)), []);
        let notify = "bootstrap = [\"base\"]\n[idle]\nfor = \"1h\"\nthen = \"notify\"";
        assert_eq!(said(notify, &unasked(false)), []);
    }

    #[test]
    fn another_end_than_the_profile_asks_for_is_told_of() {
        for (rest, words) in [
            (
                "[idle]\nfor = \"1h\"\nthen = \"terminate\"",
                "stops and is not terminated",
            ),
            (
                "shutdown = \"terminate\"\n[idle]\nfor = \"1h\"",
                "is terminated, not stopped",
            ),
            (
                "shutdown = \"terminate\"\n[schedule]\nttl = \"1h\"",
                "is terminated, not stopped",
            ),
            (
                "shutdown = \"terminate\"\n[idle]\nfor = \"1h\"\nthen = \"terminate\"",
                "",
            ),
        ] {
            let found = said(rest, &[]);
            assert_eq!(found.len(), usize::from(!words.is_empty()), "{rest}");
            assert!(
                found.iter().all(|(_, text)| text.contains(words)),
                "{found:?}"
            );
        }
    }
}
