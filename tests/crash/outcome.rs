//! What a command has led to, in a form that two runs share: world, lockfile, and what the journals promise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use roboinfra::model::{Address, Kind};
use roboinfra::state::{Effect, Lockfile, Pins, Record, Recorded};
use roboinfra::store::{FileJournal, lockfile};

use super::bench::Bench;
use super::world::{World, renamed};

/// Ends the line of a resource whose time of making is known.
const TIMED: &str = ", timed";

/// What there is, and what there ever was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    world: Vec<String>,
    counts: BTreeMap<String, usize>,
    lockfile: Vec<String>,
    digests: BTreeMap<Address, String>,
}

impl Outcome {
    /// Reads it, and checks that the journals have kept their promise: one effect for each intent.
    pub(crate) fn of(bench: &Bench) -> Result<Self, String> {
        let world = World::read(bench);
        kept_promises(bench, &world)?;
        Self::unproven(bench, &world)
    }

    /// The same where journals were lost, and so promise nothing.
    pub(crate) fn without_journals(bench: &Bench) -> Result<Self, String> {
        Self::unproven(bench, &World::read(bench))
    }

    fn unproven(bench: &Bench, world: &World) -> Result<Self, String> {
        if fs::metadata(bench.journal()).is_ok_and(|journal| journal.len() > 0) {
            return Err("a journal is left".to_owned());
        }
        let known = lockfile::read(&bench.lockfile()).map_err(|error| format!("{error:?}"))?;
        let known = known.ok_or("there is no lockfile")?;
        Ok(Self {
            world: world.normal(),
            counts: world.counts(),
            lockfile: plain(&known, world),
            digests: known
                .resources
                .into_iter()
                .map(|(address, recorded)| (address, recorded.digest))
                .collect(),
        })
    }

    /// Takes out the digests that differ from another run's: they hold what each lab draws for itself.
    pub(crate) fn stable(mut self, other: &Self) -> Self {
        self.digests
            .retain(|address, digest| other.digests.get(address) == Some(digest));
        self
    }

    /// The same without whether the lockfile knows when things were made: of many kinds EC2 does not tell.
    pub(crate) fn without_times(mut self) -> Self {
        for line in &mut self.lockfile {
            *line = line.trim_end_matches(TIMED).to_owned();
        }
        self
    }

    /// An error if this is not what the uninterrupted run has led to.
    pub(crate) fn must_be(mut self, expected: &Self, what: &str) -> Result<(), String> {
        self.digests
            .retain(|address, _| expected.digests.contains_key(address));
        if self == *expected {
            return Ok(());
        }
        let lines = |outcome: &Self| -> BTreeSet<String> {
            let counts = outcome
                .counts
                .iter()
                .map(|(label, count)| format!("{count} ever: {label}"));
            let digests = outcome
                .digests
                .iter()
                .map(|(address, digest)| format!("{address} {digest}"));
            outcome
                .world
                .iter()
                .cloned()
                .chain(outcome.lockfile.iter().cloned())
                .chain(counts)
                .chain(digests)
                .collect()
        };
        let (is, should) = (lines(&self), lines(expected));
        let mut text = format!("{what}: it is not as after the uninterrupted run");
        for line in should.difference(&is) {
            text.push_str(&format!("\n  - {line}"));
        }
        for line in is.difference(&should) {
            text.push_str(&format!("\n  + {line}"));
        }
        Err(text)
    }
}

/// The lockfile without ids and times; digests are compared apart.
fn plain(known: &Lockfile, world: &World) -> Vec<String> {
    let labels = world.labels();
    let resources = known.resources.iter().map(|(address, recorded)| {
        let id = renamed(recorded.id.as_str(), &labels);
        let kept = (
            &recorded.kind,
            &recorded.zone,
            &recorded.instance_type,
            &recorded.market,
            recorded.keep,
        );
        let complete = if recorded.digest.is_empty() {
            "incomplete"
        } else {
            "complete"
        };
        let time = if recorded.created.is_some() {
            TIMED
        } else {
            ""
        };
        format!("lockfile {address} {id} {kept:?} {complete}{time}")
    });
    let (lab, pins) = (&known.lab, resting(known, world));
    let head = format!(
        "lockfile {} {} {} {} {pins:?}",
        lab.name, lab.account, lab.region, lab.endpoint
    );
    resources.chain([head]).collect()
}

/// The pins that something rests on: the next run looks the others up again.
fn resting(known: &Lockfile, world: &World) -> Pins {
    let mut pins = known.pins.clone();
    pins.images
        .retain(|_, image| world.is_used(image.id.as_str()));
    pins.zones.retain(|kind, _| world.is_used(kind.as_str()));
    pins
}

/// Every intent in the journals has an effect, what was made by intents is what was ever made, and nothing was made
/// by two.
fn kept_promises(bench: &Bench, world: &World) -> Result<(), String> {
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for entry in fs::read_dir(bench.home().join("runs")).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let records = FileJournal::read(&path).map_err(|error| format!("{error:?}"))?;
        let mut open = BTreeSet::new();
        for record in &records {
            match record {
                Record::Intent(intent) => {
                    open.insert(intent.seq);
                }
                Record::Effect {
                    effect: Effect::Unknown { .. },
                    ..
                } => {}
                Record::Effect { seq, effect } => {
                    open.remove(seq);
                    let Effect::Made { resources } = effect else {
                        continue;
                    };
                    for (_, recorded) in resources {
                        if let Some(id) = known_as(recorded) {
                            *made.entry(id).or_default() += 1;
                        }
                    }
                }
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err(format!(
                "{}: intents without an effect: {open:?}",
                path.display()
            ));
        }
    }
    if let Some((id, count)) = made.iter().find(|(_, count)| **count > 1) {
        return Err(format!("{count} intents have {id} as their effect"));
    }
    let (promised, exists): (BTreeSet<String>, _) = (made.into_keys().collect(), world.made());
    if promised == exists {
        Ok(())
    } else {
        let unknown: Vec<_> = exists.difference(&promised).collect();
        let missing: Vec<_> = promised.difference(&exists).collect();
        Err(format!(
            "made without an intent: {unknown:?}; said to be made, and never was: {missing:?}"
        ))
    }
}

/// What the world calls something that an intent has made; `None` for what carries no tags.
fn known_as(recorded: &Recorded) -> Option<String> {
    let Recorded { kind, id, .. } = recorded;
    match kind {
        Kind::Route | Kind::RouteTableAssociation => None,
        Kind::KeyPair | Kind::Role | Kind::InstanceProfile | Kind::PlacementGroup => {
            Some(format!("{kind:?} {id}"))
        }
        _ => Some(id.to_string()),
    }
}
