//! Which secrets the hosts of a lab take, and where each is read from.

use std::collections::{BTreeMap, BTreeSet};

use super::stack::{STACK_STEP, stack_at};
use crate::model::{Address, NodeName, SecretSource};
use crate::profile::Profile;

/// The secrets of a step on the host at an address: those of its stack, or those that `[step.*]` gives it.
pub fn step_secrets(
    profile: &Profile,
    address: &Address,
    step: &str,
) -> BTreeMap<String, SecretSource> {
    if step == STACK_STEP {
        let stack = stack_at(profile, address);
        return stack.map_or_else(BTreeMap::new, |stack| stack.secrets.clone());
    }
    let settings = profile.step_settings(step);
    settings.map_or_else(BTreeMap::new, |settings| settings.secrets.clone())
}

/// Every secret that some host takes, once for each place that it is read from, with who takes it.
pub fn secret_sources(profile: &Profile) -> BTreeMap<SecretSource, String> {
    let stacks = stacks_that_run(profile).into_iter().flat_map(|name| {
        let stack = profile.stacks.get(&name);
        let secrets = stack.into_iter().flat_map(|stack| &stack.secrets);
        secrets.map(move |(secret, source)| (source.clone(), format!("stack.{name}: {secret}")))
    });
    let steps = steps_that_run(profile).into_iter().flat_map(|name| {
        let settings = profile.step_settings(&name);
        let secrets = settings.map(|settings| settings.secrets.clone());
        let secrets = secrets.unwrap_or_default().into_iter();
        secrets.map(move |(secret, source)| (source, format!("step.{name}: {secret}")))
    });
    steps.chain(stacks).collect()
}

/// The names of the stacks that some host runs.
fn stacks_that_run(profile: &Profile) -> BTreeSet<NodeName> {
    let nodes = profile.nodes.values().filter(|node| node.count > 0);
    let edge = profile.edge.values().map(|host| &host.stack);
    nodes
        .map(|node| &node.stack)
        .chain(edge)
        .flatten()
        .cloned()
        .collect()
}

/// The names of the steps that some host runs. What a step of the user's own needs is among them.
fn steps_that_run(profile: &Profile) -> BTreeSet<String> {
    let nodes = profile.nodes.values().filter(|node| node.count > 0);
    let edge = profile.edge.values().map(|host| &host.bootstrap);
    nodes
        .map(|node| &node.bootstrap)
        .chain(edge)
        .flatten()
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse_with;

    const PROFILE: &str = r#"version = 1
[lab]
name = "lab"
region = "us-east-1"
[node.sim]
types = ["g5.2xlarge"]
stack = "twin"
bootstrap = ["stack", "second"]
[node.none]
count = 0
types = ["g5.2xlarge"]
bootstrap = ["lonely"]
[stack.twin]
template = "digital-twin"
components = ["nim", "redis"]
accept_eula = true
secrets = { NGC_API_KEY = "ssm:/labs/ngc", DOCKER_AUTH_CONFIG = "file:~/.docker/config.json", OWN = "env:OWN" }
[step.first]
script = "first.sh"
secrets = { TOKEN = "env:FLEET" }
[step.second]
script = "second.sh"
[step.lonely]
script = "lonely.sh"
secrets = { TOKEN = "env:NOBODY" }
"#;

    #[test]
    fn secrets_by_host_and_by_place() {
        let header = |name: &str, more: &str| {
            Ok(format!(
                "#!/usr/bin/env bash\n# roboinfra:step {name}\n# roboinfra:about it\n# roboinfra:reboot never\n\
                 # roboinfra:timeout 5m\n# roboinfra:proof it\n# roboinfra:systems any\n{more}\
                 check() {{ :; }}\napply() {{ :; }}\n"
            ))
        };
        let parsed = parse_with(PROFILE, &|path| match path {
            "first.sh" => header("first", "# roboinfra:secrets TOKEN\n"),
            "second.sh" => header("second", "# roboinfra:needs first\n"),
            _ => header("lonely", "# roboinfra:secrets TOKEN\n"),
        });
        let profile = parsed.profile.unwrap_or_else(|| {
            let problems: Vec<_> = parsed.problems.iter().map(|p| &p.message).collect();
            unreachable!("{problems:?}")
        });
        let of = |address: &str, step| step_secrets(&profile, &Address::new(address), step).len();
        assert_eq!(of("node.sim.0", "stack"), 3);
        assert_eq!(
            of("node.other.0", "stack") + of("edge.sim", "stack") + of("vpc", "stack"),
            0
        );
        assert_eq!(
            (of("node.sim.0", "first"), of("node.sim.0", "second")),
            (1, 0)
        );
        let sources = secret_sources(&profile);
        let told: Vec<&str> = sources.values().map(String::as_str).collect();
        assert_eq!(
            told,
            [
                "stack.twin: NGC_API_KEY",
                "step.first: TOKEN",
                "stack.twin: OWN",
                "stack.twin: DOCKER_AUTH_CONFIG"
            ]
        );
    }
}
