//! The stack of a host: what its step takes, and which secrets go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::assets::{HostGpu, StackWish};
use crate::catalog;
use crate::model::{Address, NodeName, SecretSource};
use crate::profile::{Profile, Stack};

/// What logs in to registries; no service gets it.
const REGISTRY_SECRET: &str = "DOCKER_AUTH_CONFIG";

/// The step that runs stacks.
pub(super) const STACK_STEP: &str = "stack";

/// The step's one secret: all of the stack's, packed.
pub const STACK_SECRETS: &str = "STACK_SECRETS";

/// What tells one value of a secret from another, and nothing else of it; what could not be looked at has none.
pub type SecretMarks = BTreeMap<SecretSource, String>;

/// The inputs of the step `stack` on a host; without a stack, those that make it stop what an earlier one left.
pub(super) fn stack_inputs(
    profile: &Profile,
    marks: &SecretMarks,
    name: Option<&NodeName>,
    gpu: HostGpu,
) -> BTreeMap<String, String> {
    let Some((name, stack)) = name.and_then(|name| profile.stacks.get_key_value(name)) else {
        return BTreeMap::new();
    };
    let Some(template) = &stack.template else {
        return BTreeMap::new();
    };
    let secrets: BTreeSet<String> = stack
        .secrets
        .keys()
        .filter(|name| *name != REGISTRY_SECRET)
        .cloned()
        .collect();
    let words = |words: &BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join(" ");
    let secret_names = words(&secrets);
    let marked = secrets.iter().filter_map(|name| {
        let mark = marks.get(stack.secrets.get(name)?)?;
        Some(format!("{name}:{mark}"))
    });
    let secret_marks = marked.collect::<Vec<_>>().join(" ");
    let wish = StackWish {
        template: Arc::clone(template),
        components: stack.components.clone(),
        env: stack.env.clone(),
        images: stack.images.clone(),
        secrets,
        gpu,
    };
    let rendered = wish
        .render()
        .expect("a profile has only stacks that can be rendered");
    let workload = catalog::workload(stack.components.iter().map(String::as_str));
    [
        ("STACK", name.to_string()),
        ("STACK_SERVICES", words(&stack.components)),
        ("STACK_FILES", rendered.packed_files()),
        ("STACK_FOLDERS", rendered.packed_folders()),
        ("STACK_SECRET_NAMES", secret_names),
        ("STACK_SECRET_MARKS", secret_marks),
        ("STACK_PATIENCE", rendered.patience_s.to_string()),
        ("STACK_DISK_MIB", workload.images_mib().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The stack of the host at an address such as `node.sim.0` or `edge.arm1`.
pub(super) fn stack_at<'a>(profile: &'a Profile, address: &Address) -> Option<&'a Stack> {
    let mut parts = address.as_str().split('.');
    let (kind, name) = (parts.next()?, parts.next()?);
    let name = NodeName::try_from(name).ok()?;
    let stack = match kind {
        "node" => profile.nodes.get(&name)?.stack.as_ref(),
        "edge" => profile.edge.get(&name)?.stack.as_ref(),
        _ => None,
    };
    profile.stacks.get(stack?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{script, step};
    use crate::profile::parse;

    fn profile(stack: &str) -> Profile {
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.2xlarge\"]\nstack = \"twin\"\n\
             [stack.twin]\ntemplate = \"digital-twin\"\n{stack}"
        );
        let parsed = parse(&text);
        parsed.profile.unwrap_or_else(|| {
            assert_eq!(parsed.problems, []);
            unreachable!("a profile without problems is read")
        })
    }

    const SECRETS: &str = "components = [\"nim\"]\naccept_eula = true\n\
        secrets = { NGC_API_KEY = \"ssm:/labs/ngc\", DOCKER_AUTH_CONFIG = \"file:auth.json\", OWN = \"env:OWN\" }";

    fn inputs(profile: &Profile) -> BTreeMap<String, String> {
        marked(profile, &SecretMarks::new())
    }

    fn marked(profile: &Profile, marks: &SecretMarks) -> BTreeMap<String, String> {
        let node = profile.nodes.values().next().expect("one node");
        stack_inputs(profile, marks, node.stack.as_ref(), HostGpu::Nvidia)
    }

    #[test]
    fn another_value_of_a_secret_is_another_script() {
        let step = step("stack").expect("shipped");
        let profile = profile(SECRETS);
        let digest = |key: &str, auth: &str| {
            let marks = SecretMarks::from([
                (SecretSource::Ssm("/labs/ngc".to_owned()), key.to_owned()),
                (SecretSource::File("auth.json".to_owned()), auth.to_owned()),
            ]);
            script(step, &marked(&profile, &marks), &BTreeMap::new()).digest
        };
        assert_eq!(digest("1-10", "a"), digest("1-10", "a"));
        assert_ne!(digest("1-10", "a"), digest("2-20", "a"));
        // What only logs in to a registry is nothing to the services.
        assert_eq!(digest("1-10", "a"), digest("1-10", "b"));
    }

    #[test]
    fn a_changed_stack_is_another_script() {
        let step = step("stack").expect("shipped");
        let digest = |text: &str| script(step, &inputs(&profile(text)), &BTreeMap::new()).digest;
        let redis = digest("components = [\"redis\"]");
        assert_eq!(redis, digest("components = [\"redis\"]"));
        for other in [
            "components = [\"redis\", \"nav2\"]",
            "components = [\"redis\"]\nenv = { A = \"1\" }",
            "components = [\"redis\"]\nimages = { redis = \"redis:8\" }",
            "components = [\"redis\"]\nsecrets = { A = \"env:A\" }",
        ] {
            assert_ne!(redis, digest(other), "{other}");
        }
        // Where a secret is read from is nothing to the host.
        assert_eq!(
            digest("components = [\"redis\"]\nsecrets = { A = \"env:A\" }"),
            digest("components = [\"redis\"]\nsecrets = { A = \"ssm:/a\" }")
        );
    }

    #[test]
    fn the_step_takes_every_input() {
        let step = step("stack").expect("shipped");
        let profile = profile(SECRETS);
        let inputs = inputs(&profile);
        for name in inputs.keys() {
            assert!(step.header.inputs.contains_key(name), "{name}");
        }
        assert_eq!(inputs.len(), step.header.inputs.len());
        assert_eq!(step.header.secrets, [STACK_SECRETS]);
        assert_eq!(inputs["STACK_SERVICES"], "nim");
        assert_eq!(inputs["STACK_SECRET_NAMES"], "NGC_API_KEY OWN");
        assert!(stack_inputs(&profile, &SecretMarks::new(), None, HostGpu::None).is_empty());
    }
}
