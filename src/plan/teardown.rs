//! The steps that take things away, in the order in which EC2 lets them go.

use std::collections::{BTreeMap, BTreeSet};

use super::judged::Judged;
use super::steps::Layout;
use super::types::StepId;
use crate::inventory::Seen;
use crate::model::{Action, Address, CloudId, InstanceState, Kind, Op, Ref};

/// How many instances one call terminates at most, and how many alarms one call deletes (CloudWatch API Reference,
/// DeleteAlarms: 100).
const MOST_PER_CALL: usize = 100;

/// The kinds that must be gone before one of `kind` can go: EC2 answers `DependencyViolation` otherwise, and IAM
/// `DeleteConflict`. An address in use keeps a gateway attached; a terminating machine keeps its volumes.
fn waits_for(kind: Kind) -> &'static [Kind] {
    match kind {
        // An alarm that cannot be deleted must not keep a machine running.
        Kind::Instance | Kind::ElasticIp | Kind::Alarm | Kind::Dashboard => &[],
        Kind::Volume
        | Kind::RouteTableAssociation
        | Kind::Route
        | Kind::SecurityGroup
        | Kind::PlacementGroup
        | Kind::InstanceProfile => &[Kind::Instance],
        Kind::Subnet => &[Kind::Instance, Kind::RouteTableAssociation],
        Kind::InternetGateway => &[Kind::Instance, Kind::ElasticIp, Kind::Route],
        Kind::RouteTable => &[Kind::RouteTableAssociation, Kind::Route],
        Kind::Role => &[Kind::InstanceProfile],
        // Not for EC2: as long as there is a key pair the lab can be found by its tags, and neither IAM nor CloudWatch can
        // be searched so.
        Kind::KeyPair => &[
            Kind::InstanceProfile,
            Kind::Role,
            Kind::Alarm,
            Kind::Dashboard,
        ],
        Kind::Vpc => &[
            Kind::Subnet,
            Kind::InternetGateway,
            Kind::RouteTable,
            Kind::SecurityGroup,
        ],
    }
}

/// The order in which the kinds are laid out, so that what one waits for is there.
const ORDER: [Kind; 16] = [
    Kind::Alarm,
    Kind::Dashboard,
    Kind::Instance,
    Kind::ElasticIp,
    Kind::Volume,
    Kind::RouteTableAssociation,
    Kind::Route,
    Kind::SecurityGroup,
    Kind::PlacementGroup,
    Kind::InstanceProfile,
    Kind::Role,
    Kind::KeyPair,
    Kind::Subnet,
    Kind::InternetGateway,
    Kind::RouteTable,
    Kind::Vpc,
];

/// By kind, the steps after which what goes of it is gone.
pub(super) type Ends = BTreeMap<Kind, BTreeSet<StepId>>;

/// Tells what machines may use until they have been changed: it goes after that. While the VPC goes nothing stays that
/// could use anything.
pub(super) fn in_use(judged: &[Judged<'_>]) -> impl Fn(&Judged<'_>) -> bool + use<> {
    let is = |j: &Judged<'_>, kind, actions: &[Action]| {
        j.change.kind == kind && actions.contains(&j.change.action)
    };
    let mended = judged
        .iter()
        .any(|j| is(j, Kind::Instance, &[Action::Update, Action::Adopt]));
    let uprooted = judged
        .iter()
        .any(|j| is(j, Kind::Vpc, &[Action::Delete, Action::Replace]));
    move |judged| {
        mended
            && !uprooted
            && judged.change.action == Action::Delete
            && matches!(
                judged.change.kind,
                Kind::PlacementGroup | Kind::InstanceProfile | Kind::Role | Kind::SecurityGroup
            )
    }
}

/// The same, and after every machine that is changed.
pub(super) fn after_mending(layout: &Layout, judged: &[Judged<'_>], mut ends: Ends) -> Ends {
    let machines = judged.iter().filter(|j| j.change.kind == Kind::Instance);
    let mended = machines.filter_map(|j| layout.ready_after(&j.change.address));
    ends.entry(Kind::Instance).or_default().extend(mended);
    ends
}

/// Lays out the going of everything in `going`; what `ends` names is gone before.
pub(super) fn teardown(layout: &mut Layout, going: &[&Judged<'_>], mut ends: Ends) -> Ends {
    let mut of_node: BTreeMap<Address, StepId> = BTreeMap::new();
    let tables: BTreeSet<&CloudId> = going
        .iter()
        .filter(|j| j.change.kind == Kind::RouteTable)
        .filter_map(|j| j.change.id.as_ref())
        .collect();
    for kind in ORDER {
        let of_kind: Vec<&Judged<'_>> = going
            .iter()
            .filter(|j| j.change.kind == kind)
            .copied()
            .collect();
        if kind == Kind::Instance {
            let gone = instances(layout, &of_kind, &mut of_node);
            ends.entry(kind).or_default().extend(gone);
            continue;
        }
        if kind == Kind::Alarm {
            let gone = alarms(layout, &of_kind);
            ends.entry(kind).or_default().extend(gone);
            continue;
        }
        let before: BTreeSet<StepId> = waits_for(kind)
            .iter()
            .filter_map(|kind| ends.get(kind))
            .flatten()
            .copied()
            .collect();
        for judged in of_kind {
            // A route goes with its table.
            let table = match judged.sighting.map(|sighting| &sighting.seen) {
                Some(Seen::Route(route)) => Some(&route.table),
                _ => None,
            };
            if table.is_some_and(|table| tables.contains(table)) {
                continue;
            }
            let after = match judged.sighting.map(|sighting| &sighting.seen) {
                Some(Seen::Volume(_)) => node_of(&judged.change.address)
                    .and_then(|node| of_node.get(&node))
                    .map_or_else(BTreeSet::new, |step| BTreeSet::from([*step])),
                _ => before.clone(),
            };
            let end = remove(layout, judged, going, &after);
            layout.gone_after(&judged.change.address, end);
            ends.entry(kind).or_default().insert(end);
        }
    }
    ends
}

/// `volume.sim.0.data` belongs to `node.sim.0`.
fn node_of(volume: &Address) -> Option<Address> {
    let mut parts = volume.as_str().split('.').skip(1);
    Some(Address::of(&["node", parts.next()?, parts.next()?]))
}

/// Terminates machines together and waits for them together. A persistent spot request is cancelled first, or it
/// would bring a replacement.
fn instances(
    layout: &mut Layout,
    going: &[&Judged<'_>],
    of_node: &mut BTreeMap<Address, StepId>,
) -> BTreeSet<StepId> {
    let mut ends = BTreeSet::new();
    for chunk in going.chunks(MOST_PER_CALL) {
        let covers: Vec<Address> = chunk
            .iter()
            .map(|judged| judged.change.address.clone())
            .collect();
        let group = group_of(&covers);
        let ids = |chunk: &[&Judged<'_>]| -> Vec<Ref> {
            chunk
                .iter()
                .filter_map(|judged| judged.change.id.clone())
                .map(Ref::Existing)
                .collect()
        };
        let requests: Vec<CloudId> = chunk
            .iter()
            .filter_map(|j| j.sighting?.instance()?.spot_request.clone())
            .collect();
        let mut after = BTreeSet::new();
        if !requests.is_empty() {
            let cancel = Op::CancelSpotRequests { requests };
            after.insert(layout.push(&group, covers.clone(), cancel, BTreeSet::new()));
        }
        let terminate = Op::TerminateInstances {
            instances: ids(chunk),
        };
        let sent = layout.push(&group, covers.clone(), terminate, after);
        let wait = Op::AwaitInstances {
            instances: ids(chunk),
            state: InstanceState::Terminated,
        };
        let end = layout.push(&group, covers.clone(), wait, BTreeSet::from([sent]));
        for address in covers {
            layout.gone_after(&address, end);
            of_node.insert(address, end);
        }
        ends.insert(end);
    }
    ends
}

/// Deletes alarms together.
fn alarms(layout: &mut Layout, going: &[&Judged<'_>]) -> BTreeSet<StepId> {
    let mut ends = BTreeSet::new();
    for chunk in going.chunks(MOST_PER_CALL) {
        let covers: Vec<Address> = chunk.iter().map(|j| j.change.address.clone()).collect();
        let ids = chunk.iter().filter_map(|j| j.change.id.clone());
        let delete = Op::DeleteAlarms {
            alarms: ids.map(Ref::Existing).collect(),
        };
        let end = layout.push(&group_of(&covers), covers.clone(), delete, BTreeSet::new());
        for address in covers {
            layout.gone_after(&address, end);
        }
        ends.insert(end);
    }
    ends
}

/// What several resources have in common: the group of nodes if they are all of one, otherwise `node`; the first part
/// of other addresses.
pub(super) fn group_of(covers: &[Address]) -> Address {
    let [first, rest @ ..] = covers else {
        return Address::new("lab");
    };
    let mut shared: Vec<&str> = first.as_str().split('.').collect();
    for other in rest {
        let same = shared
            .iter()
            .zip(other.as_str().split('.'))
            .take_while(|(a, b)| **a == *b)
            .count();
        shared.truncate(same);
    }
    if shared.is_empty() {
        Address::new("lab")
    } else {
        Address::of(&shared)
    }
}

/// Lays out the going of one thing, after `after`; returns its last step.
fn remove(
    layout: &mut Layout,
    judged: &Judged<'_>,
    going: &[&Judged<'_>],
    after: &BTreeSet<StepId>,
) -> StepId {
    let address = &judged.change.address;
    let kind = judged.change.kind;
    let id = judged.change.id.clone().unwrap_or_else(|| CloudId::new(""));
    let own = || Ref::Existing(id.clone());
    let covers = vec![address.clone()];
    let mut first: Vec<Op> = Vec::new();
    match judged.sighting.map(|sighting| &sighting.seen) {
        Some(Seen::InternetGateway(seen)) => {
            first.extend(seen.vpc.iter().map(|vpc| Op::DetachInternetGateway {
                gateway: own(),
                vpc: Ref::Existing(vpc.clone()),
            }));
        }
        Some(Seen::ElasticIp(seen)) => {
            first.extend(
                seen.association
                    .iter()
                    .map(|association| Op::DisassociateAddress {
                        allocation: own(),
                        association: association.clone(),
                    }),
            );
        }
        Some(Seen::Role(seen)) => {
            first.extend(
                seen.policies
                    .iter()
                    .flatten()
                    .map(|policy| Op::DetachRolePolicy {
                        role: own(),
                        policy: policy.clone(),
                    }),
            );
        }
        Some(Seen::InstanceProfile(seen)) => {
            first.extend(seen.role.iter().flatten().map(|role| {
                Op::RemoveRoleFromInstanceProfile {
                    profile: own(),
                    role: Ref::Existing(CloudId::new(role)),
                }
            }));
        }
        Some(Seen::Volume(seen)) => {
            let stays =
                |instance: &CloudId| going.iter().all(|j| j.change.id.as_ref() != Some(instance));
            let attached = seen
                .attached
                .as_ref()
                .filter(|(instance, _)| stays(instance));
            first.extend(attached.map(|_| Op::DetachVolume { volume: own() }));
            first.push(Op::AwaitVolume { volume: own() });
        }
        _ => {}
    }
    let mut all_covered = covers.clone();
    if kind == Kind::RouteTable {
        let routes = going.iter().filter(|j| {
            matches!(j.sighting.map(|s| &s.seen), Some(Seen::Route(route)) if route.table == id)
        });
        all_covered.extend(routes.map(|j| j.change.address.clone()));
    }
    // Policies leave a role side by side; everything else here is a chain.
    let side_by_side = kind == Kind::Role;
    let mut ends = after.clone();
    for op in first {
        let start = if side_by_side {
            after.clone()
        } else {
            ends.clone()
        };
        let step = layout.push(address, covers.clone(), op, start);
        if side_by_side {
            ends.insert(step)
        } else {
            ends = BTreeSet::from([step]);
            true
        };
    }
    let end = layout.push(
        address,
        all_covered.clone(),
        Op::Delete {
            kind,
            target: own(),
        },
        ends,
    );
    for covered in all_covered {
        layout.gone_after(&covered, end);
    }
    end
}
