//! The steps that make, mend and reattach resources. Each step is one effect; what a step needs is read off the
//! references in its operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::input::Input;
use super::judged::Judged;
use super::launch::{Batches, needs};
use super::places::owned;
use super::types::{Step, StepId};
use crate::inventory::Seen;
use crate::model::{Action, Address, InstanceState, Op, Ref, Spec};

/// The steps as they are laid out, and after which step each resource can be used.
#[derive(Debug, Default)]
pub(super) struct Layout {
    steps: Vec<Step>,
    /// After this step the resource has its id.
    named: BTreeMap<Address, StepId>,
    /// After this step others may build on the resource.
    ready: BTreeMap<Address, StepId>,
    /// After this step the old resource at this address is gone.
    gone: BTreeMap<Address, StepId>,
}

impl Layout {
    /// Adds a step.
    pub(super) fn push(
        &mut self,
        address: &Address,
        covers: Vec<Address>,
        op: Op,
        after: BTreeSet<StepId>,
    ) -> StepId {
        self.steps.push(Step {
            address: address.clone(),
            covers,
            op,
            after,
        });
        self.steps.len() - 1
    }

    /// Adds a step for one resource that comes after `previous`, after all that its operation refers to, and after
    /// what it replaces.
    fn step(&mut self, address: &Address, op: Op, previous: &[StepId]) -> StepId {
        let mut after: BTreeSet<StepId> = previous.iter().copied().collect();
        after.extend(self.gone.get(address));
        for reference in op.clone().refs_mut() {
            if let Ref::Managed(other) = reference
                && other != address
            {
                after.extend(self.ready.get(other));
            }
        }
        self.push(address, vec![address.clone()], op, after)
    }

    /// Says that the old resource at `address` is gone after `step`.
    pub(super) fn gone_after(&mut self, address: &Address, step: StepId) {
        self.gone.insert(address.clone(), step);
    }

    /// The step after which others may build on the resource, if one makes or changes it.
    pub(super) fn ready_after(&self, address: &Address) -> Option<StepId> {
        self.ready.get(address).copied()
    }

    fn usable(&mut self, address: &Address, named: StepId, ready: StepId) {
        self.named.insert(address.clone(), named);
        self.ready.insert(address.clone(), ready);
    }

    pub(super) fn finish(self) -> Vec<Step> {
        self.steps
    }
}

/// Lays out the making of one resource.
pub(super) fn make(
    layout: &mut Layout,
    input: &Input<'_>,
    judged: &Judged<'_>,
    launches: &Batches,
    all: &BTreeMap<&Address, &Judged<'_>>,
) {
    let address = &judged.change.address;
    let Some(spec) = judged.spec else { return };
    let Some((first, rest)) = recipe(address, spec) else {
        return match spec {
            Spec::Volume(spec) => volume(layout, address, spec, all),
            _ => launch(layout, input, address, launches),
        };
    };
    let first = with_free_name(input, address, first);
    let made = layout.step(address, first, &others_first(layout, input, address, spec));
    let mut last = made;
    for op in rest {
        last = layout.step(address, op, &[made]);
    }
    // A VPC, a group and a role can be built on at once; a gateway must be attached and a profile hold its role.
    let ready = if matches!(spec, Spec::InternetGateway(_) | Spec::InstanceProfile(_)) {
        last
    } else {
        made
    };
    layout.usable(address, made, ready);
}

/// The steps of what comes before a resource although its calls do not refer to it.
fn others_first(layout: &Layout, input: &Input<'_>, address: &Address, spec: &Spec) -> Vec<StepId> {
    let referred = spec.depends_on();
    let resource = input.lab.resources.get(address);
    let others = resource.into_iter().flat_map(|resource| &resource.after);
    others
        .filter(|other| !referred.contains(other))
        .filter_map(|other| layout.ready_after(other))
        .collect()
}

/// A renamed node keeps its group, and a group its name: the next node of the old name takes another.
fn with_free_name(input: &Input<'_>, address: &Address, mut op: Op) -> Op {
    let (Op::CreateSecurityGroup { name, .. } | Op::CreatePlacementGroup { name }) = &mut op else {
        return op;
    };
    let taken: BTreeSet<&str> = owned(input.lab, input.observed)
        .filter(|(other, _)| other != address)
        .filter_map(|(_, sighting)| match &sighting.seen {
            Seen::SecurityGroup(group) => Some(group.name.as_str()),
            Seen::PlacementGroup(_) => Some(sighting.id.as_str()),
            _ => None,
        })
        .collect();
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    if let Some(free) = names.find(|name| !taken.contains(name.as_str())) {
        *name = free;
    }
    op
}

/// The call that makes a resource, and those that complete it side by side. Machines are launched in batches and
/// volumes wait for their zone: they have ways of their own.
fn recipe(address: &Address, spec: &Spec) -> Option<(Op, Vec<Op>)> {
    let own = || Ref::to(address);
    Some(match spec.clone() {
        Spec::Instance(_) | Spec::Volume(_) => return None,
        Spec::Vpc(spec) => (
            Op::CreateVpc { cidr: spec.cidr },
            vec![Op::EnableDnsHostnames { vpc: own() }],
        ),
        Spec::Subnet(spec) => (
            Op::CreateSubnet {
                vpc: spec.vpc,
                zone: spec.zone,
                cidr: spec.cidr,
            },
            vec![],
        ),
        Spec::InternetGateway(spec) => (
            Op::CreateInternetGateway,
            vec![Op::AttachInternetGateway {
                gateway: own(),
                vpc: spec.vpc,
            }],
        ),
        Spec::RouteTable(spec) => (Op::CreateRouteTable { vpc: spec.vpc }, vec![]),
        Spec::Route(spec) => (
            Op::CreateRoute {
                table: spec.table,
                destination: spec.destination,
                gateway: spec.gateway,
            },
            vec![],
        ),
        Spec::RouteTableAssociation(spec) => (
            Op::AssociateRouteTable {
                table: spec.table,
                subnet: spec.subnet,
            },
            vec![],
        ),
        Spec::SecurityGroup(spec) => {
            let create = Op::CreateSecurityGroup {
                vpc: spec.vpc,
                name: spec.name,
                description: spec.description,
            };
            let rules = Op::AuthorizeIngress {
                group: own(),
                rules: spec.rules.clone(),
            };
            (
                create,
                if spec.rules.is_empty() {
                    vec![]
                } else {
                    vec![rules]
                },
            )
        }
        Spec::KeyPair(spec) => (
            Op::ImportKeyPair {
                name: spec.name,
                public_key: spec.public_key,
            },
            vec![],
        ),
        Spec::Role(spec) => {
            let attach = |policy| Op::AttachRolePolicy {
                role: own(),
                policy,
            };
            (
                Op::CreateRole { name: spec.name },
                spec.policies.into_iter().map(attach).collect(),
            )
        }
        Spec::InstanceProfile(spec) => {
            let add = Op::AddRoleToInstanceProfile {
                profile: own(),
                role: spec.role,
            };
            (Op::CreateInstanceProfile { name: spec.name }, vec![add])
        }
        Spec::PlacementGroup(spec) => (Op::CreatePlacementGroup { name: spec.name }, vec![]),
        Spec::Alarm(_) | Spec::Dashboard(_) => (watch(spec)?, vec![]),
        Spec::ElasticIp(spec) => (
            Op::AllocateAddress,
            vec![Op::AssociateAddress {
                allocation: own(),
                instance: spec.node,
            }],
        ),
    })
}

/// One call makes an alarm or a dashboard, whole.
fn watch(spec: &Spec) -> Option<Op> {
    match spec {
        Spec::Alarm(spec) => Some(Op::CreateAlarm {
            alarm: Box::new(spec.clone()),
        }),
        Spec::Dashboard(spec) => Some(Op::CreateDashboard {
            name: spec.name.clone(),
            body: spec.body.clone(),
        }),
        _ => None,
    }
}

/// One call for the whole batch, laid out when its first node's turn comes.
fn launch(layout: &mut Layout, input: &Input<'_>, address: &Address, launches: &Batches) {
    let Some(batch) = launches.get(address) else {
        return;
    };
    let mut after: BTreeSet<StepId> = needs(input, batch)
        .into_iter()
        .filter_map(|a| layout.ready.get(a))
        .copied()
        .collect();
    after.extend(batch.nodes.iter().filter_map(|node| layout.gone.get(node)));
    let Some(rung) = batch.launch.ladder.first().cloned() else {
        return;
    };
    let count = u32::try_from(batch.nodes.len()).unwrap_or(u32::MAX);
    let min = if batch.together { count } else { 1 };
    let op = Op::RunInstances {
        launch: Arc::clone(&batch.launch),
        rung,
        first: batch.first,
        count,
        min,
    };
    let run = layout.push(&batch.group, batch.nodes.clone(), op, after);
    let instances = batch.nodes.iter().map(Ref::to).collect();
    let wait = Op::AwaitInstances {
        instances,
        state: InstanceState::Running,
    };
    let running = layout.push(
        &batch.group,
        batch.nodes.clone(),
        wait,
        BTreeSet::from([run]),
    );
    for node in &batch.nodes {
        layout.usable(node, run, running);
    }
}

/// A volume is made in its node's zone as soon as that is known, and attached once the node runs.
fn volume(
    layout: &mut Layout,
    address: &Address,
    spec: &crate::model::VolumeSpec,
    all: &BTreeMap<&Address, &Judged<'_>>,
) {
    let own = || Ref::to(address);
    let zone = match &spec.node {
        Ref::Managed(node) => all
            .get(node)
            .filter(|node| node.change.action != Action::Replace),
        Ref::Existing(_) => None,
    };
    let zone = zone
        .and_then(|node| node.sighting)
        .and_then(super::judged::zone_of);
    let create = Op::CreateVolume {
        beside: spec.node.clone(),
        zone,
        size_gib: spec.size_gib,
        iops: spec.iops,
        throughput_mib: spec.throughput_mib,
    };
    let mut after: BTreeSet<StepId> = layout.gone.get(address).copied().into_iter().collect();
    if let Ref::Managed(node) = &spec.node {
        after.extend(layout.named.get(node));
    }
    let made = layout.push(address, vec![address.clone()], create, after);
    let available = layout.step(address, Op::AwaitVolume { volume: own() }, &[made]);
    let attach = Op::AttachVolume {
        volume: own(),
        instance: spec.node.clone(),
        device: spec.device.clone(),
    };
    let attached = layout.step(address, attach, &[available]);
    layout.usable(address, made, attached);
}

/// Lays out what puts an existing resource right, in order.
pub(super) fn mend(layout: &mut Layout, judged: &Judged<'_>) {
    let address = &judged.change.address;
    let mut previous = Vec::new();
    for op in &judged.fixes {
        previous = vec![layout.step(address, op.clone(), &previous)];
    }
    if let Some(last) = previous.first() {
        layout.usable(address, *last, *last);
    }
}

/// A volume or address that stays while its node is made anew goes to the new one, and an alarm watches the new one.
pub(super) fn reattach(
    layout: &mut Layout,
    input: &Input<'_>,
    judged: &Judged<'_>,
    all: &BTreeMap<&Address, &Judged<'_>>,
) {
    let address = &judged.change.address;
    let resource = input
        .lab
        .resources
        .get(address)
        .map(|resource| &resource.spec);
    let own = || Ref::to(address);
    let is_new = |node: &Ref| match node {
        Ref::Managed(node) => all
            .get(node)
            .is_some_and(|node| matches!(node.change.action, Action::Create | Action::Replace)),
        Ref::Existing(_) => false,
    };
    match (resource, judged.sighting.map(|sighting| &sighting.seen)) {
        (Some(Spec::Volume(spec)), Some(Seen::Volume(_))) if is_new(&spec.node) => {
            let gone: Vec<StepId> = match &spec.node {
                Ref::Managed(node) => layout.gone.get(node).copied().into_iter().collect(),
                Ref::Existing(_) => Vec::new(),
            };
            let free = layout.step(address, Op::AwaitVolume { volume: own() }, &gone);
            let attach = Op::AttachVolume {
                volume: own(),
                instance: spec.node.clone(),
                device: spec.device.clone(),
            };
            layout.step(address, attach, &[free]);
        }
        (Some(Spec::ElasticIp(spec)), Some(Seen::ElasticIp(_))) if is_new(&spec.node) => {
            layout.step(
                address,
                Op::AssociateAddress {
                    allocation: own(),
                    instance: spec.node.clone(),
                },
                &[],
            );
        }
        (Some(Spec::Alarm(spec)), Some(Seen::Alarm(seen)))
            if is_new(&spec.node) && judged.fixes.is_empty() =>
        {
            layout.step(
                address,
                Op::UpdateAlarm {
                    alarm: Box::new(spec.clone()),
                    actions: seen.actions.clone(),
                },
                &[],
            );
        }
        _ => {}
    }
}
