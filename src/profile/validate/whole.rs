//! What only the whole profile shows: references, and whether the machines fit the network.

use std::collections::{BTreeMap, BTreeSet};

use super::node;
use crate::model::NodeName;
use crate::profile::codes::{NETWORK_TOO_SMALL, NOTHING_TO_BUILD, UNDEFINED, UNUSED_STACK};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::Fields;
use crate::profile::suggest::nearest;
use crate::profile::types::{Network, Node, Stack};

/// AWS keeps five addresses of every subnet; a lab has at most eight subnets.
const KEPT_ADDRESSES: u32 = 5 * 8;

/// Every stack that is named is defined, and every stack that is defined is used.
pub(super) fn stacks(
    root: &Fields<'_>,
    stacks: &BTreeMap<NodeName, Stack>,
    problems: &mut Problems,
) {
    let mut used = BTreeSet::new();
    for (_, fields) in root.named("node").into_iter().chain(root.named("edge")) {
        let Some(at) = fields.text("stack") else {
            continue;
        };
        let Some(name) = node::stack_name(&at, problems) else {
            continue;
        };
        if !stacks.contains_key(&name) {
            let near = nearest(at.value, stacks.keys().map(NodeName::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add a section [stack.{name}]"),
            };
            problems
                .add(UNDEFINED, &at.span, format!("there is no [stack.{name}]"))
                .says("no such stack")
                .advise(help);
            // The stack that was meant is not unused.
            used.extend(near.and_then(|near| NodeName::try_from(near).ok()));
        }
        used.insert(name);
    }
    for (at, _) in root.named("stack") {
        let unused = NodeName::try_from(at.value).is_ok_and(|name| !used.contains(&name));
        if unused {
            problems
                .add(
                    UNUSED_STACK,
                    &at.span,
                    format!("nothing runs the stack {}", quote(at.value)),
                )
                .says("not used")
                .advise(format!(
                    "add stack = \"{}\" to a node, or remove the section",
                    at.value
                ));
        }
    }
}

/// There is something to build, and it fits.
pub(super) fn machines(
    root: &Fields<'_>,
    nodes: &BTreeMap<NodeName, Node>,
    network: &Network,
    problems: &mut Problems,
) {
    if !root.has("node") && !root.has("edge") {
        problems
            .add(NOTHING_TO_BUILD, &root.span, "the profile has no nodes")
            .says("only a network would be built")
            .advise("add [node.sim] with types = [\"g5.2xlarge\"]");
    }
    let count: u32 = nodes.values().map(|node| node.count).sum();
    let addresses = 1_u32 << (32 - u32::from(network.cidr.prefix_len().clamp(1, 32)));
    let room = addresses.saturating_sub(KEPT_ADDRESSES);
    if network.existing.is_none() && count > room {
        let cidr = root
            .section("network")
            .and_then(|fields| fields.span_of("cidr"));
        let span = cidr.unwrap_or_else(|| root.span.clone());
        problems
            .add(
                NETWORK_TOO_SMALL,
                &span,
                format!("{count} machines do not fit into {}", network.cidr),
            )
            .says(format!("room for {room} machines"))
            .advise("take a larger block, up to /16");
    }
}
