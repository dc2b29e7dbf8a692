//! What the hosts of a lab should have: the steps of each with their inputs, and what each must measure up to.

use std::collections::BTreeMap;

use crate::assets::{HostGpu, OrderError, Step, in_order, script};
use crate::catalog;
use crate::host::{AgentWish, Arch, Expected, HostFile, Wanted, WantedStep};
use crate::model::{Address, CloudId, InstanceType, NodeName, Spec};
use crate::profile::{EdgeHost, Node, Platform, Profile};

use super::agent::{AGENT_STEP, AgentHost, AgentPrograms};
use super::stack::{SecretMarks, stack_inputs};
use super::types::Lab;

/// Below this a host is full: images and logs need room to move.
const LEAST_DISK_MIB: u64 = 5 * 1024;

/// The driver branch of a node that names none.
const DRIVER: &str = "580-server";

/// What is at hand beside the profile, of which the steps of hosts are made.
#[derive(Debug, Clone, Default)]
pub struct AtHand {
    /// What tells the values of the stacks' secrets.
    pub marks: SecretMarks,
    /// The programs of the agent.
    pub agents: AgentPrograms,
}

/// A machine that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: CloudId,
    /// Its type, which need not be the first choice.
    pub instance_type: InstanceType,
    /// Whether it is stopped.
    pub asleep: bool,
}

/// What one host should have, as far as a plan must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWish {
    /// The host.
    pub address: Address,
    /// Which machine it is; `None` for one that is yet to be launched.
    pub machine: Option<String>,
    /// Whether it is stopped.
    pub asleep: bool,
    /// Its steps in their order, with the digests of their scripts.
    pub steps: Vec<(String, String)>,
    /// Whether it gets the agent.
    pub agent: AgentWish,
}

/// What every host of the lab should have. A machine that is yet to be launched is taken for the first choice of its type.
pub fn host_wishes(
    profile: &Profile,
    lab: &Lab,
    machines: &BTreeMap<Address, Machine>,
    at_hand: &AtHand,
) -> Result<Vec<HostWish>, OrderError> {
    let mut wishes = Vec::new();
    for (address, resource) in &lab.resources {
        let Spec::Instance(spec) = &resource.spec else {
            continue;
        };
        let group = address.as_str().split('.').nth(1).unwrap_or_default();
        let node = profile
            .nodes
            .iter()
            .find(|(name, _)| name.as_str() == group);
        let machine = machines.get(address);
        let first = || spec.launch.ladder.first().map(|rung| &rung.instance_type);
        let Some(((_, node), kind)) = node.zip(machine.map(|m| &m.instance_type).or_else(first))
        else {
            continue;
        };
        let wanted = wanted_node(profile, at_hand, (address, node), kind)?;
        wishes.push(HostWish {
            address: address.clone(),
            machine: machine.map(|machine| machine.id.to_string()),
            asleep: machine.is_some_and(|machine| machine.asleep),
            agent: wanted.agent.clone(),
            steps: digests(&wanted),
        });
    }
    for (name, host) in &profile.edge {
        let address = Address::of(&["edge", name.as_str()]);
        let wanted = wanted_edge(profile, at_hand, &address, host)?;
        wishes.push(HostWish {
            machine: Some(format!("{}:{}", host.host, host.port)),
            asleep: false,
            agent: wanted.agent.clone(),
            steps: digests(&wanted),
            address,
        });
    }
    Ok(wishes)
}

fn digests(wanted: &Wanted) -> Vec<(String, String)> {
    let steps = wanted.steps.iter();
    steps
        .map(|step| (step.name().to_owned(), step.digest().to_owned()))
        .collect()
}

/// What a node should have. `instance_type` is the type that it really is: a launch may have fallen back.
pub fn wanted_node(
    profile: &Profile,
    at_hand: &AtHand,
    (address, node): (&Address, &Node),
    instance_type: &InstanceType,
) -> Result<Wanted, OrderError> {
    let facts = catalog::instance_type(instance_type);
    let gpu = facts.and_then(|facts| facts.gpu.as_ref());
    let agent = AgentHost::of_node(
        (address, node),
        facts.map(|facts| Arch::of_aws(&facts.architecture)),
        gpu.map(|gpu| gpu.count),
    );
    let mut inputs = shared_inputs(profile);
    inputs.insert("PLATFORM".to_owned(), "ec2".to_owned());
    let for_containers = gpu.map_or(HostGpu::None, |_| HostGpu::Nvidia);
    inputs.extend(stack_inputs(
        profile,
        &at_hand.marks,
        node.stack.as_ref(),
        for_containers,
    ));
    let driver = node.driver.as_deref().unwrap_or(DRIVER);
    inputs.insert("DRIVER_BRANCH".to_owned(), driver.to_owned());
    if let Some(gpu) = gpu {
        inputs.insert("GPU_COUNT".to_owned(), gpu.count.to_string());
        inputs.insert("GPU_MODEL".to_owned(), gpu.model.clone());
    }
    let has = |name: &str| node.bootstrap.iter().any(|step| step == name);
    let expected = Expected {
        gpus: gpu
            .filter(|gpu| gpu.count > 0 && has("nvidia-driver"))
            .map(|gpu| (gpu.count, gpu.model.clone())),
        driver: has("nvidia-driver"),
        docker: has("docker"),
        containers_see_gpu: has("nvidia-container-toolkit"),
        // What renders, renders with Vulkan.
        vulkan: has("nvidia-driver") && renders(profile, node.stack.as_ref()),
        stack: has("stack"),
        disk_free_mib: LEAST_DISK_MIB,
    };
    wanted(profile, &agent, at_hand, inputs, expected)
}

/// Whether something of a stack renders.
fn renders(profile: &Profile, stack: Option<&NodeName>) -> bool {
    let stack = stack.and_then(|name| profile.stacks.get(name));
    let mut components = stack.into_iter().flat_map(|stack| &stack.components);
    components.any(|name| catalog::component(name).is_some_and(|needs| needs.rt_cores))
}

/// What an edge host should have.
pub fn wanted_edge(
    profile: &Profile,
    at_hand: &AtHand,
    address: &Address,
    host: &EdgeHost,
) -> Result<Wanted, OrderError> {
    let mut inputs = shared_inputs(profile);
    let platform = match host.platform {
        Platform::Jetson => "jetson",
        Platform::Nuc => "nuc",
        Platform::RaspberryPi => "raspberry-pi",
        Platform::Linux => "linux",
    };
    inputs.insert("PLATFORM".to_owned(), platform.to_owned());
    let gpu = match host.platform {
        Platform::Jetson => HostGpu::Jetson,
        _ => HostGpu::None,
    };
    inputs.extend(stack_inputs(
        profile,
        &at_hand.marks,
        host.stack.as_ref(),
        gpu,
    ));
    let has = |name: &str| host.bootstrap.iter().any(|step| step == name);
    let expected = Expected {
        docker: has("docker"),
        stack: has("stack"),
        disk_free_mib: LEAST_DISK_MIB / 2,
        ..Expected::default()
    };
    let agent = AgentHost::of_edge(address, host);
    wanted(profile, &agent, at_hand, inputs, expected)
}

fn shared_inputs(profile: &Profile) -> BTreeMap<String, String> {
    BTreeMap::from([("LAB".to_owned(), profile.name.to_string())])
}

fn wanted(
    profile: &Profile,
    agent: &AgentHost<'_>,
    at_hand: &AtHand,
    mut inputs: BTreeMap<String, String>,
    expected: Expected,
) -> Result<Wanted, OrderError> {
    let programs = &at_hand.agents;
    inputs.insert("ADDRESS".to_owned(), agent.address.to_string());
    let wish = agent.wish(programs);
    if wish == AgentWish::Asked {
        inputs.extend(agent.inputs(profile, programs));
    }
    // Without a program for the host there is nothing to install, and what is installed stays; `plan` says so.
    let left_out = |name: &str| name == AGENT_STEP && wish != AgentWish::Asked;
    let names: Vec<&String> = agent
        .steps
        .iter()
        .filter(|name| profile.step(name).is_some() && !left_out(name))
        .collect();
    let steps = in_order(&names, &|name| profile.step(name))?
        .iter()
        .filter(|step| !left_out(&step.header.name))
        .map(|step| WantedStep {
            script: script(
                step,
                &step_inputs(profile, step, &inputs),
                &step_marks(profile, step, at_hand),
            ),
            secrets: Ok(Vec::new()),
            files: files(&step.header.name, agent, programs),
        })
        .collect();
    Ok(Wanted {
        address: agent.address.clone(),
        steps,
        expected,
        agent: wish,
    })
}

/// What the lab says and what `[step.*]` says, which goes before it.
fn step_inputs(
    profile: &Profile,
    step: &Step,
    lab: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut inputs = lab.clone();
    if let Some(settings) = profile.step_settings(&step.header.name) {
        inputs.extend(settings.inputs.clone());
    }
    inputs
}

/// What tells the values of the secrets that `[step.*]` gives a step.
fn step_marks(profile: &Profile, step: &Step, at_hand: &AtHand) -> BTreeMap<String, String> {
    let settings = profile.step_settings(&step.header.name);
    let secrets = settings.into_iter().flat_map(|settings| &settings.secrets);
    let marked = secrets.filter_map(|(name, source)| {
        let mark = at_hand.marks.get(source)?;
        Some((name.clone(), mark.clone()))
    });
    marked.collect()
}

fn files(step: &str, agent: &AgentHost<'_>, programs: &AgentPrograms) -> Vec<HostFile> {
    if step == AGENT_STEP {
        programs.for_host(agent.arch)
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_program_no_step_brings_the_agent_in() {
        let text = "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[edge.arm]\nhost = \"192.0.2.1\"\n\
            user = \"robot\"\nplatform = \"jetson\"\nbootstrap = [\"own\"]\n[step.own]\nscript = \"own.sh\"\n";
        let step = "#!/usr/bin/env bash\n# roboinfra:step own\n# roboinfra:about it\n# roboinfra:needs gpu-metrics\n\
            # roboinfra:reboot never\n# roboinfra:timeout 5m\n# roboinfra:proof it\n# roboinfra:systems any\n\
            check() { :; }\napply() { :; }\n";
        let parsed = crate::profile::parse_with(text, &|_| Ok(step.to_owned()));
        assert_eq!(parsed.problems, []);
        let profile = parsed.profile.expect("a profile");
        let host = profile.edge.values().next().expect("one");
        let address = Address::new("edge.arm");
        let steps = |at_hand: &AtHand| {
            let wanted = wanted_edge(&profile, at_hand, &address, host);
            let wanted = wanted.expect("an order");
            let names = wanted.steps.iter().map(|step| step.name().to_owned());
            names.collect::<Vec<_>>()
        };
        let mut at_hand = AtHand::default();
        assert_eq!(steps(&at_hand), ["own"]);
        at_hand
            .agents
            .add(HostFile::new(Arch::Aarch64, b"agent".to_vec()));
        assert_eq!(steps(&at_hand), ["gpu-metrics", "own"]);
    }
}
