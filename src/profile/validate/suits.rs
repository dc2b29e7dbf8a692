//! Whether a stack runs on the machines that the profile gives it.

use std::collections::BTreeMap;

use crate::assets::Component;
use crate::catalog;
use crate::model::NodeName;
use crate::profile::codes::{STACK_MISFIT, STACK_WITHOUT_STEP};
use crate::profile::problem::Problems;
use crate::profile::read::{At, Fields};
use crate::profile::types::{EdgeHost, Node, Platform, Stack};

/// Checks every node and edge host that runs a stack.
pub(super) fn suits(
    root: &Fields<'_>,
    (nodes, edge): (&BTreeMap<NodeName, Node>, &BTreeMap<NodeName, EdgeHost>),
    stacks: &BTreeMap<NodeName, Stack>,
    problems: &mut Problems,
) {
    for (name, fields) in root.named("node") {
        let node = NodeName::try_from(name.value)
            .ok()
            .and_then(|name| nodes.get(&name));
        if let (Some(at), Some(node)) = (fields.text("stack"), node) {
            started(&at, &node.bootstrap, &fields, problems);
            for (component, shipped) in chosen(&at, stacks) {
                if let Some(why) = node_misfit(component, shipped, node) {
                    misfit(&at, why, problems);
                }
            }
        }
    }
    for (name, fields) in root.named("edge") {
        let host = NodeName::try_from(name.value)
            .ok()
            .and_then(|name| edge.get(&name));
        if let (Some(at), Some(host)) = (fields.text("stack"), host) {
            started(&at, &host.bootstrap, &fields, problems);
            for (component, shipped) in chosen(&at, stacks) {
                if let Some(why) = edge_misfit(component, shipped, host.platform) {
                    misfit(&at, why, problems);
                }
            }
        }
    }
}

/// The components that a stack runs.
fn chosen<'a>(
    at: &At<&str>,
    stacks: &'a BTreeMap<NodeName, Stack>,
) -> Vec<(&'a str, &'a Component)> {
    let stack = NodeName::try_from(at.value)
        .ok()
        .and_then(|name| stacks.get(&name));
    let template = stack.and_then(|stack| stack.template.as_ref());
    let (Some(stack), Some(template)) = (stack, template) else {
        return Vec::new();
    };
    stack
        .components
        .iter()
        .filter_map(|name| Some((name.as_str(), template.components.get(name)?)))
        .collect()
}

fn started(at: &At<&str>, steps: &[String], fields: &Fields<'_>, problems: &mut Problems) {
    if steps.iter().any(|step| step == "stack") {
        return;
    }
    let problem = problems
        .add(
            STACK_WITHOUT_STEP,
            &at.span,
            format!("nothing starts the stack {}", at.value),
        )
        .says("not started");
    if let Some(steps) = fields.span_of("bootstrap") {
        problem.see(&steps, "has no `stack`");
    }
    problem.advise("add \"stack\" to `bootstrap`");
}

fn misfit(at: &At<&str>, why: String, problems: &mut Problems) {
    problems
        .add(STACK_MISFIT, &at.span, why)
        .says("does not run here")
        .advise("leave it out of the stack's `components`, or take another machine");
}

fn node_misfit(name: &str, component: &Component, node: &Node) -> Option<String> {
    let branch = node.driver.as_deref().and_then(catalog::driver);
    let least = catalog::component(name).and_then(|needs| needs.driver);
    if let (Some(driver), Some(least)) = (branch, least)
        && driver.branch < least
    {
        return Some(format!(
            "{name} needs driver {least} or later, and the node has {}",
            driver.name
        ));
    }
    node.types
        .iter()
        .filter_map(catalog::instance_type)
        .find_map(|facts| {
            if !component.runs_on(&facts.architecture) {
                Some(format!(
                    "{name} is made for {}, and {} is {}",
                    component.architectures.join(", "),
                    facts.name,
                    facts.architecture
                ))
            } else if component.gpu && facts.gpu.is_none() {
                Some(format!(
                    "{name} needs an NVIDIA GPU, and {} has none",
                    facts.name
                ))
            } else {
                None
            }
        })
}

fn edge_misfit(name: &str, component: &Component, platform: Platform) -> Option<String> {
    let (what, architecture) = match platform {
        Platform::Jetson => ("a Jetson", Some("arm64")),
        Platform::RaspberryPi => ("a Raspberry Pi", Some("arm64")),
        Platform::Nuc => ("a NUC", Some("x86_64")),
        // What it is, is known only when it is seen.
        Platform::Linux => return None,
    };
    if let Some(architecture) = architecture.filter(|it| !component.runs_on(it)) {
        let made = component.architectures.join(", ");
        return Some(format!(
            "{name} is made for {made}, and {what} is {architecture}"
        ));
    }
    match platform {
        Platform::Jetson if component.gpu && !component.jetson => {
            Some(format!("{name} does not find the GPU of {what}"))
        }
        Platform::RaspberryPi | Platform::Nuc if component.gpu => {
            Some(format!("{name} needs an NVIDIA GPU, and {what} has none"))
        }
        _ => None,
    }
}
