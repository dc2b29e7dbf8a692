//! What has been done so far: which ids exist, which resources are complete, and what to remember of them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::remember::remembered;
use super::run::Run;
use super::worker::Made;
use crate::event::Event;
use crate::inventory::Sighting;
use crate::model::{
    Action, Address, BlockReason, CloudId, FieldChange, Impact, InstanceState, InstanceType, Kind,
    Op, Reason, Spec, TAG_LAB,
};
use crate::plan::{Binding, Change, Mode, StepId, spec_digest};
use crate::state::{HostRecord, Record, Recorded};

/// The account of one run.
pub(super) struct Ledger<'a> {
    run: &'a Run<'a>,
    seen: Seen<'a>,
    changes: BTreeMap<&'a Address, &'a Change>,
    /// Steps that still cover each resource.
    left: BTreeMap<&'a Address, usize>,
    begun: BTreeMap<&'a Address, Timestamp>,
    step_begun: BTreeMap<StepId, Timestamp>,
    failed: BTreeSet<&'a Address>,
    bindings: BTreeMap<Address, Binding>,
    made: BTreeMap<Address, Recorded>,
    /// Machines that are of another type now.
    resized: BTreeMap<&'a Address, &'a InstanceType>,
    done: BTreeMap<Action, usize>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        let mut left: BTreeMap<&Address, usize> = BTreeMap::new();
        for address in run.plan.steps.iter().flat_map(|step| &step.covers) {
            *left.entry(address).or_default() += 1;
        }
        Self {
            run,
            seen: seen(run),
            changes: run
                .plan
                .changes
                .iter()
                .map(|change| (&change.address, change))
                .collect(),
            left,
            begun: BTreeMap::new(),
            step_begun: BTreeMap::new(),
            failed: BTreeSet::new(),
            bindings: run.plan.bindings.clone(),
            made: BTreeMap::new(),
            resized: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// What exists by now.
    pub(super) fn bindings(&self) -> &BTreeMap<Address, Binding> {
        &self.bindings
    }

    /// How many resources each action was done to.
    pub(super) fn done(&self) -> &BTreeMap<Action, usize> {
        &self.done
    }

    /// The digests of resources that one step completes: their record is final at once.
    pub(super) fn single_step_digests(&self) -> BTreeMap<Address, String> {
        let single = self.left.iter().filter(|(_, steps)| **steps == 1);
        single
            .filter_map(|(address, _)| {
                let resource = self.run.lab.resources.get(*address)?;
                Some(((*address).clone(), spec_digest(&resource.spec)))
            })
            .collect()
    }

    /// A step begins.
    pub(super) fn begin(&mut self, id: StepId, now: Timestamp) -> Event {
        let step = &self.run.plan.steps[id];
        self.step_begun.insert(id, now);
        for address in &step.covers {
            self.begun.entry(address).or_insert(now);
        }
        Event::StepBegun {
            address: step.address.clone(),
            covers: step.covers.clone(),
            what: step.op.name().to_owned(),
        }
    }

    /// A step succeeded: what to remember and to tell.
    pub(super) fn succeeded(
        &mut self,
        id: StepId,
        made: Made,
        now: Timestamp,
    ) -> (Vec<Record>, Vec<Event>) {
        let step = &self.run.plan.steps[id];
        let mut records = Vec::new();
        for (address, recorded) in made {
            let binding = Binding {
                id: recorded.id.clone(),
                zone: recorded.zone.clone(),
            };
            self.bindings.insert(address.clone(), binding);
            self.made.insert(address, recorded);
        }
        if let Op::ModifyInstanceType { instance_type, .. } = &step.op {
            self.resized.insert(&step.address, instance_type);
        }
        let ends = matches!(
            step.op,
            Op::Delete { .. } | Op::DeleteAlarms { .. } | Op::LetGo { .. }
        ) || matches!(&step.op, Op::Untag { keys, .. } if keys.contains(TAG_LAB))
            || matches!(
                step.op,
                Op::AwaitInstances {
                    state: InstanceState::Terminated,
                    ..
                }
            );
        if ends {
            for address in &step.covers {
                if let Some(binding) = self.bindings.remove(address) {
                    let change = self.changes.get(address);
                    let from = change.and_then(|change| change.moved_from.as_ref());
                    records.extend([Some(address), from].into_iter().flatten().map(|address| {
                        Record::Gone {
                            address: address.clone(),
                            id: binding.id.clone(),
                        }
                    }));
                }
            }
        }
        let took = since(self.step_begun.get(&id).copied(), now);
        let mut events = vec![Event::StepDone {
            address: step.address.clone(),
            covers: step.covers.clone(),
            took,
        }];
        for address in &step.covers {
            let left = self
                .left
                .get_mut(address)
                .expect("every covered resource is counted");
            *left -= 1;
            if *left == 0 && !self.failed.contains(address) {
                let (more, event) = self.complete(address, now);
                records.extend(more);
                events.extend(event);
            }
        }
        (records, events)
    }

    /// A step failed: what it covers will not be complete in this run.
    pub(super) fn failed(&mut self, id: StepId) {
        self.failed.extend(&self.run.plan.steps[id].covers);
    }

    /// Resources of which some step was never done, without those that failed.
    pub(super) fn untouched(&self) -> Vec<Address> {
        let unfinished = self
            .left
            .iter()
            .filter(|(address, left)| **left > 0 && !self.failed.contains(**address));
        unfinished.map(|(address, _)| (*address).clone()).collect()
    }

    fn complete(&mut self, address: &'a Address, now: Timestamp) -> (Vec<Record>, Option<Event>) {
        let Some(change) = self.changes.get(address) else {
            return (Vec::new(), None);
        };
        *self.done.entry(change.action).or_default() += 1;
        let recorded = self.kept(change);
        let id = recorded
            .as_ref()
            .map(|recorded| recorded.id.clone())
            .or_else(|| change.id.clone());
        let mut records = Vec::new();
        if let Some(recorded) = recorded {
            let kept = Record::Kept {
                address: address.clone(),
                recorded,
            };
            records.push(kept);
            let from = change.moved_from.as_ref();
            records.extend(
                from.into_iter()
                    .flat_map(|from| left(self.run, from, address)),
            );
        }
        let took = since(self.begun.get(address).copied(), now);
        let (kind, action) = (change.kind, change.action);
        (
            records,
            Some(Event::ResourceDone {
                address: address.clone(),
                kind,
                action,
                id,
                took,
            }),
        )
    }

    /// What to remember of a resource that is now as the profile says.
    fn kept(&self, change: &Change) -> Option<Recorded> {
        let mut recorded = match self.made.get(&change.address) {
            Some(made) => made.clone(),
            None => existing(self.run, &self.seen, change)?,
        };
        // What was only taken over may still differ from the profile: that is no drift.
        if change.reason == Reason::Imported {
            "imported".clone_into(&mut recorded.digest);
        } else if let Some(resource) = self.run.lab.resources.get(&change.address) {
            as_wanted(&mut recorded, &resource.spec);
        } else if change.moved_from.is_none() {
            return None;
        }
        if let Some(now) = self.resized.get(&change.address) {
            recorded.instance_type = Some((*now).clone());
        }
        (!matches!(change.action, Action::Delete | Action::Forget)).then_some(recorded)
    }
}

/// What is remembered at an old address goes: the resource, and the host that the machine is goes to the new one.
fn left(run: &Run<'_>, from: &Address, to: &Address) -> Vec<Record> {
    let Some(lock) = run.recorded else {
        return Vec::new();
    };
    let host = lock.hosts.get(from);
    let newer = |host: &&HostRecord| {
        let there = lock.hosts.get(to);
        there.is_some_and(|there| there.machine == host.machine)
    };
    let brought = host.filter(|host| !newer(host)).map(|host| Record::Host {
        address: to.clone(),
        host: host.clone(),
    });
    let address = from.clone();
    let gone = lock.resources.get(from).map(|recorded| Record::Gone {
        address: from.clone(),
        id: recorded.id.clone(),
    });
    let host_gone = host.map(|_| Record::HostGone { address });
    [brought, gone, host_gone].into_iter().flatten().collect()
}

fn since(began: Option<Timestamp>, now: Timestamp) -> Duration {
    began
        .and_then(|began| Duration::try_from(now.duration_since(began)).ok())
        .unwrap_or_default()
}

/// What was seen, by kind and id.
type Seen<'a> = BTreeMap<(Kind, &'a CloudId), &'a Sighting>;

fn seen<'a>(run: &Run<'a>) -> Seen<'a> {
    let sightings = run.observed.sightings.iter();
    sightings.map(|s| ((s.seen.kind(), &s.id), s)).collect()
}

/// What is remembered of something that existed before this run, or what was seen of it.
fn existing(run: &Run<'_>, seen: &Seen<'_>, change: &Change) -> Option<Recorded> {
    let id = change.id.as_ref()?;
    let at = [Some(&change.address), change.moved_from.as_ref()];
    let mut before = at.into_iter().flatten().filter_map(|address| {
        let recorded = run.recorded?.resources.get(address)?;
        (recorded.id == *id).then_some(recorded)
    });
    let before = before.next();
    let now = seen
        .get(&(change.kind, id))
        .map(|sighting| remembered(sighting));
    let Some(before) = before else {
        return now;
    };
    // Somebody may have changed its type, and may do so.
    let instance_type = now.and_then(|now| now.instance_type);
    Some(Recorded {
        instance_type: instance_type.or_else(|| before.instance_type.clone()),
        ..before.clone()
    })
}

/// It is now as the profile says.
fn as_wanted(recorded: &mut Recorded, spec: &Spec) {
    recorded.digest = spec_digest(spec);
    recorded.keep = matches!(spec, Spec::Volume(volume) if volume.keep);
}

/// Whether a resource is known well enough to be remembered as it is. Where nothing is done, all that is seen is.
fn is_settled(run: &Run<'_>, change: &Change) -> bool {
    match change.action {
        Action::Adopt | Action::NoOp => true,
        _ if run.plan.mode != Mode::RefreshOnly => false,
        Action::Blocked => matches!(
            change.reason,
            Reason::Blocked(BlockReason::PreventDestroy(_) | BlockReason::Impossible(_))
        ),
        Action::Create | Action::Update | Action::Replace | Action::Delete => true,
        Action::Forget => false,
    }
}

/// Whether the profile asks for something that takes effect only when the resource is next made: it is not as wanted
/// yet, and what differs has not been changed by other hands.
fn waits(change: &Change) -> bool {
    let left = |field: &FieldChange| field.impact == Impact::NextLaunch && !field.drift;
    change.fields.iter().any(left)
}

/// What can be remembered before the first step: what was taken over as it is, and what is gone for good.
pub(super) fn opening(run: &Run<'_>) -> Vec<Record> {
    let covered: BTreeSet<&Address> = run
        .plan
        .steps
        .iter()
        .flat_map(|step| &step.covers)
        .collect();
    let seen = seen(run);
    let mut records = Vec::new();
    for change in &run.plan.changes {
        let settled = is_settled(run, change) && !covered.contains(&change.address);
        let differs = change.fields.iter().any(|f| f.impact != Impact::NextLaunch);
        let before = run
            .recorded
            .and_then(|lock| lock.resources.get(&change.address));
        // What is the lab's and nobody remembered is remembered now, whatever becomes of the steps.
        let found = before.is_none();
        let Some(mut recorded) = existing(run, &seen, change).filter(|_| settled || found) else {
            continue;
        };
        if let Some(resource) = run.lab.resources.get(&change.address)
            && settled
            && !differs
            && !waits(change)
        {
            as_wanted(&mut recorded, &resource.spec);
        }
        if before != Some(&recorded) {
            records.push(Record::Kept {
                address: change.address.clone(),
                recorded,
            });
        }
    }
    records.extend(moved_before(run));
    let forgotten: BTreeSet<&Address> = run.plan.forgotten.iter().collect();
    let remembered = run.recorded.into_iter().flat_map(|lock| &lock.resources);
    let gone = remembered.filter(|(address, _)| forgotten.contains(&run.lab.moves.home(address)));
    records.extend(gone.map(|(address, recorded)| Record::Gone {
        address: address.clone(),
        id: recorded.id.clone(),
    }));
    records
}

/// What is remembered at an address that has moved, and of which nothing is left to move: an earlier run was cut off
/// after it had done so, or what stood there is gone.
fn moved_before(run: &Run<'_>) -> Vec<Record> {
    if run.plan.mode != Mode::Apply {
        return Vec::new();
    }
    let changes: BTreeMap<&Address, &Change> =
        run.plan.changes.iter().map(|c| (&c.address, c)).collect();
    let resources = run.recorded.into_iter().flat_map(|lock| &lock.resources);
    resources
        .filter_map(|(from, recorded)| {
            let to = run.lab.moves.home(from);
            let change = changes.get(&to).filter(|_| to != *from)?;
            let is_settled = change.moved_from.is_none() && change.action != Action::Blocked;
            (is_settled && change.kind == recorded.kind).then(|| left(run, from, &to))
        })
        .flatten()
        .collect()
}
