//! The one loop of a run: it begins steps, writes the journal, tells events. Nothing else does any of the three.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::ledger::{Ledger, opening};
use super::resolve::resolve;
use super::run::Run;
use super::schedule::Schedule;
use super::worker::{Made, Request, Shared, Worker};
use crate::event::{Event, Outline, RunEnd};
use crate::model::{Action, Address, CloudId, Failure, FailureClass, RetryPolicy, RunId};
use crate::plan::{Plan, StepId};
use crate::port::{Clock, Cloud, Journal, JournalError};
use crate::state::Record;

/// How the user asks a run to stop.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    bell: Notify,
}

impl Stop {
    /// Asks: what has begun is finished, waits are given up, nothing else is begun.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.bell.notify_waiters();
    }

    /// Whether the user has asked.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until the user asks.
    pub(super) async fn asked(&self) {
        loop {
            // A request between the look and the listening is not missed: listen first, then look.
            let bell = self.bell.notified();
            if self.is_asked() {
                return;
            }
            bell.await;
        }
    }
}

/// What every run needs.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The cloud.
    pub cloud: Arc<dyn Cloud>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How often calls are sent.
    pub policy: RetryPolicy,
    /// How many calls may be under way at once; waits are not counted.
    pub parallelism: usize,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub end: RunEnd,
    /// What failed, in the order in which it did.
    pub failures: Vec<(Address, Failure)>,
    /// What was not reached.
    pub skipped: BTreeSet<Address>,
    /// How many resources each action was done to.
    pub done: BTreeMap<Action, usize>,
    /// How long it took.
    pub took: Duration,
    /// The run.
    pub run: RunId,
    /// The ids of what it made.
    pub made: BTreeSet<CloudId>,
}

impl Report {
    /// The report of a run that had nothing to do.
    pub fn of_nothing(run: RunId) -> Self {
        Self {
            end: RunEnd::Done,
            failures: Vec::new(),
            skipped: BTreeSet::new(),
            done: BTreeMap::new(),
            took: Duration::ZERO,
            run,
            made: BTreeSet::new(),
        }
    }
}

impl Engine {
    /// Does what the plan says. Fails only if the journal cannot be written; all else is in the report.
    pub async fn run(
        &self,
        run: &Run<'_>,
        journal: &mut dyn Journal,
        tell: &mut (dyn FnMut(Event) + Send),
        stop: &Stop,
    ) -> Result<Report, JournalError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let ledger = Ledger::new(run);
        let digests = ledger.single_step_digests();
        let (seq, draws) = (AtomicU64::new(run.first_seq), AtomicU64::new(run.seed));
        let shared = Shared {
            cloud: self.cloud.as_ref(),
            clock: self.clock.as_ref(),
            policy: &self.policy,
            lab: run.lab,
            run: run.id,
            scope: run.scope,
            seq: &seq,
            draws: &draws,
            stop: &stop.asked,
            bell: &stop.bell,
            requests: &sender,
            digests: &digests,
        };
        let driver = Driver {
            run,
            shared: &shared,
            schedule: Schedule::new(&run.plan.steps),
            ledger,
            pending: Vec::new(),
            fresh: BTreeSet::new(),
            failures: Vec::new(),
            skipped: BTreeSet::new(),
            stopping: false,
            parallelism: self.parallelism.max(1),
            began: self.clock.now(),
        };
        driver.drive(receiver, journal, tell, stop).await
    }
}

struct Driver<'a> {
    run: &'a Run<'a>,
    shared: &'a Shared<'a>,
    schedule: Schedule,
    ledger: Ledger<'a>,
    /// Records that wait for the next write: losing one costs a look, nothing else.
    pending: Vec<Record>,
    /// Ids that this run made.
    fresh: BTreeSet<CloudId>,
    failures: Vec<(Address, Failure)>,
    skipped: BTreeSet<Address>,
    stopping: bool,
    parallelism: usize,
    began: Timestamp,
}

impl<'a> Driver<'a> {
    async fn drive(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        journal: &mut dyn Journal,
        tell: &mut (dyn FnMut(Event) + Send),
        stop: &Stop,
    ) -> Result<Report, JournalError> {
        tell(Event::Begun {
            run: self.run.id.clone(),
            outline: outline(self.run.plan),
        });
        journal.append(&opening(self.run))?;
        let mut active = FuturesUnordered::new();
        let mut calling = 0;
        loop {
            // A bell that rang while nobody listened is not missed: listen first, then look.
            let bell = stop.bell.notified();
            if stop.asked.load(Ordering::SeqCst) && !self.stopping {
                self.stopping = true;
                tell(Event::Draining {
                    running: active.len(),
                });
            }
            while calling < self.parallelism && !self.stopping {
                let Some(id) = self.schedule.next() else {
                    break;
                };
                let step = &self.run.plan.steps[id];
                calling += usize::from(!step.op.is_wait());
                tell(self.ledger.begin(id, self.shared.clock.now()));
                active.push(self.start(id));
            }
            if active.is_empty() {
                break;
            }
            tokio::select! {
                Some(request) = requests.recv() => self.serve(request, &mut requests, journal, tell)?,
                Some((id, result)) = active.next() => {
                    // What the step still had to say comes before its end.
                    while let Ok(request) = requests.try_recv() {
                        self.serve(request, &mut requests, journal, tell)?;
                    }
                    calling -= usize::from(!self.run.plan.steps[id].op.is_wait());
                    self.finish(id, result, tell);
                }
                () = bell, if !self.stopping => {}
            }
        }
        journal.append(&std::mem::take(&mut self.pending))?;
        Ok(self.end(stop, tell))
    }

    /// One step as a future that borrows nothing of the driver.
    fn start(&self, id: StepId) -> impl Future<Output = (StepId, Result<Made, Failure>)> + use<'a> {
        let step = &self.run.plan.steps[id];
        let resolved = resolve(&step.op, self.ledger.bindings());
        let fresh = resolved.as_ref().is_ok_and(|op| {
            op.clone()
                .refs_mut()
                .into_iter()
                .any(|r| r.id().is_ok_and(|id| self.fresh.contains(id)))
        });
        let worker = Worker::new(
            self.shared,
            step.address.clone(),
            step.covers.clone(),
            fresh,
        );
        async move {
            let result = match resolved {
                Ok(op) => worker.perform(&op).await,
                Err(unresolved) => Err(Failure::local(
                    FailureClass::Invalid,
                    step.op.name(),
                    unresolved.to_string(),
                )),
            };
            (id, result)
        }
    }

    /// Writes what all workers want written by now, with one sync, and tells what they have to tell.
    fn serve(
        &mut self,
        first: Request,
        requests: &mut mpsc::UnboundedReceiver<Request>,
        journal: &mut dyn Journal,
        tell: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), JournalError> {
        let mut records = std::mem::take(&mut self.pending);
        let (mut acknowledge, mut events) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Journal(more, done) => {
                    records.extend(more);
                    acknowledge.push(done);
                }
                Request::Tell(event) => events.push(event),
            }
            next = requests.try_recv().ok();
        }
        if acknowledge.is_empty() {
            self.pending = records;
        } else {
            journal.append(&records)?;
        }
        for done in acknowledge {
            // A worker that is gone needs no answer.
            let _gone = done.send(());
        }
        events.into_iter().for_each(tell);
        Ok(())
    }

    fn finish(
        &mut self,
        id: StepId,
        result: Result<Made, Failure>,
        tell: &mut (dyn FnMut(Event) + Send),
    ) {
        let now = self.shared.clock.now();
        match result {
            Ok(made) => {
                self.fresh
                    .extend(made.iter().map(|(_, recorded)| recorded.id.clone()));
                let (records, events) = self.ledger.succeeded(id, made, now);
                self.pending.extend(records);
                events.into_iter().for_each(tell);
                self.schedule.succeeded(id);
            }
            Err(failure) => {
                let step = &self.run.plan.steps[id];
                let (address, covers) = (step.address.clone(), step.covers.clone());
                // These stay as they are until the user has done something.
                let hopeless = [
                    FailureClass::Quota,
                    FailureClass::Permission,
                    FailureClass::Credentials,
                ];
                self.stopping |= hopeless.contains(&failure.class);
                self.ledger.failed(id);
                if failure.class != FailureClass::Interrupted {
                    tell(Event::StepFailed {
                        address: address.clone(),
                        covers,
                        failure: failure.clone(),
                    });
                    self.failures.push((address.clone(), failure));
                }
                for lost in self.schedule.failed(id) {
                    for covered in &self.run.plan.steps[lost].covers {
                        let failed_itself = self.run.plan.steps[id].covers.contains(covered);
                        if !failed_itself && self.skipped.insert(covered.clone()) {
                            tell(Event::Skipped {
                                address: covered.clone(),
                                because: address.clone(),
                            });
                        }
                    }
                }
            }
        }
    }

    fn end(mut self, stop: &Stop, tell: &mut (dyn FnMut(Event) + Send)) -> Report {
        self.skipped.extend(self.ledger.untouched());
        let end = if stop.asked.load(Ordering::SeqCst) {
            RunEnd::Interrupted
        } else if self.failures.is_empty() && self.skipped.is_empty() {
            RunEnd::Done
        } else {
            RunEnd::Failed
        };
        let took = Duration::try_from(self.shared.clock.now().duration_since(self.began))
            .unwrap_or_default();
        let done = self.ledger.done().clone();
        let (failed, skipped) = (self.failures.len(), self.skipped.len());
        tell(Event::Ended {
            end,
            done: done.clone(),
            failed,
            skipped,
            took,
        });
        Report {
            end,
            failures: self.failures,
            skipped: self.skipped,
            done,
            took,
            run: self.run.id.clone(),
            made: self.fresh,
        }
    }
}

/// What the run is going to do, one entry for each resource that changes.
fn outline(plan: &Plan) -> Vec<Outline> {
    let mut steps: BTreeMap<&Address, usize> = BTreeMap::new();
    for address in plan.steps.iter().flat_map(|step| &step.covers) {
        *steps.entry(address).or_default() += 1;
    }
    let changes = plan.changes.iter().filter_map(|change| {
        let steps = *steps.get(&change.address)?;
        Some(Outline {
            address: change.address.clone(),
            kind: change.kind,
            action: change.action,
            steps,
        })
    });
    changes.collect()
}
