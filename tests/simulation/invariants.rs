//! What must be true after every command, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};

use roboinfra::model::{Address, Kind, TAG_ADDRESS, TAG_FIRST, TAG_KEEP, TAG_LAB_ID, TAG_RUN};
use roboinfra::sandbox::Sandbox;
use roboinfra::state::{Effect, Folded, Intent, Record};
use serde_json::Value;

/// One thing in the account, as the sandbox keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    /// What kind it is, in the sandbox's words.
    pub(crate) what: String,
    /// The id that other calls take.
    pub(crate) id: String,
    pub(crate) body: Value,
}

impl Thing {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_default()
    }

    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.body["tags"][key].as_str()
    }

    /// The kind that a lab has of it; parts of other things have none.
    fn kind(&self) -> Option<Kind> {
        Some(match self.what.as_str() {
            "Vpc" => Kind::Vpc,
            "Subnet" => Kind::Subnet,
            "Gateway" => Kind::InternetGateway,
            "RouteTable" => Kind::RouteTable,
            "SecurityGroup" => Kind::SecurityGroup,
            "KeyPair" => Kind::KeyPair,
            "Role" => Kind::Role,
            "InstanceProfile" => Kind::InstanceProfile,
            "PlacementGroup" => Kind::PlacementGroup,
            "Instance" => Kind::Instance,
            "Volume" if !self.is_root() => Kind::Volume,
            "Address" => Kind::ElasticIp,
            "Alarm" => Kind::Alarm,
            "Dashboard" => Kind::Dashboard,
            _ => return None,
        })
    }

    /// What names the effect that it comes from: EC2 itself replaces a spot machine as long as its request stands.
    fn effect(&self) -> &str {
        self.body["spot_request"].as_str().unwrap_or(&self.id)
    }

    fn is_root(&self) -> bool {
        self.body["attachment"]["delete_on_termination"] == true
    }

    /// Whether it is on its way out or only listed.
    pub(crate) fn is_leaving(&self) -> bool {
        self.what == "Instance" && matches!(self.text("phase"), "Terminated" | "ShuttingDown")
    }

    /// The address that its tags say.
    fn address(&self) -> Option<Address> {
        let address = Address::new(self.tag(TAG_ADDRESS)?);
        if self.what != "Instance" {
            return Some(address);
        }
        let first: u64 = self.tag(TAG_FIRST)?.parse().ok()?;
        Some(address.child(first + self.body["launch_index"].as_u64()?))
    }
}

/// Everything in the account.
pub(crate) type Things = BTreeMap<(String, String), Thing>;

/// Looks at the account as nobody can who is in it.
pub(crate) fn things(sandbox: &Sandbox) -> Things {
    let mut things = BTreeMap::new();
    for (place, value) in sandbox.entities() {
        let Value::Object(entity) = value else {
            continue;
        };
        for (what, mut body) in entity {
            if what == "Dashboard" {
                tag_by_name(&mut body);
            }
            let named = [
                "KeyPair",
                "PlacementGroup",
                "Role",
                "InstanceProfile",
                "Alarm",
                "Dashboard",
            ];
            let id = if named.contains(&what.as_str()) {
                body["name"].as_str().unwrap_or_default().to_owned()
            } else {
                place.1.clone()
            };
            things.insert(place.clone(), Thing { what, id, body });
        }
    }
    things
}

/// A dashboard has no tags: its name says whose it is.
fn tag_by_name(dashboard: &mut Value) {
    let name = dashboard["name"].as_str().unwrap_or_default();
    if let Some(id) = name.strip_prefix("roboinfra-twin-") {
        let tags = [(TAG_LAB_ID, id), (TAG_ADDRESS, "dashboard")];
        dashboard["tags"] = tags.into_iter().collect();
    }
}

/// What was ever announced and what was ever made, over all commands of a story.
#[derive(Debug, Default)]
pub(crate) struct Ledgers {
    /// Who made what: ids by run, address and kind.
    made: BTreeMap<(String, Address, Kind), BTreeSet<String>>,
}

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Made,
    Cleared,
    Refused,
}

impl Ledgers {
    /// Every intent had one effect at most, and no effect was without one.
    pub(crate) fn check_effects(&mut self, things: &Things, history: &[Record]) {
        for thing in things.values().filter(|thing| is_ours(thing)) {
            if let (Some(kind), Some(address), Some(run)) =
                (thing.kind(), thing.address(), thing.tag(TAG_RUN))
            {
                self.made
                    .entry((run.to_owned(), address, kind))
                    .or_default()
                    .insert(thing.effect().to_owned());
            }
        }
        let intents = intents(history);
        for ((run, address, kind), ids) in &self.made {
            let concerned: Vec<_> = intents
                .iter()
                .filter(|(by, intent, _)| {
                    by == run && intent.kind == *kind && covers(intent, address)
                })
                .collect();
            assert!(
                !concerned.is_empty(),
                "{address} ({ids:?}) was made by {run} without an intent"
            );
            let names = matches!(
                kind,
                Kind::KeyPair | Kind::Role | Kind::InstanceProfile | Kind::Alarm
            );
            let count = |fates: &[Fate]| {
                let with = concerned.iter().filter(|(_, _, fate)| fates.contains(fate));
                with.count().max(usize::from(names))
            };
            let living = ids
                .iter()
                .filter(|id| things.values().any(|thing| thing.effect() == *id));
            // What was made and went before anybody looked is rightly cleared.
            assert!(
                ids.len() <= count(&[Fate::Open, Fate::Made, Fate::Cleared])
                    && living.count() <= count(&[Fate::Open, Fate::Made]),
                "{address}: {ids:?} were made by {run} on {concerned:?}"
            );
        }
    }
}

fn is_ours(thing: &Thing) -> bool {
    thing
        .tag(TAG_LAB_ID)
        .is_some_and(|id| id.starts_with("lab-"))
}

/// Whether an intent is about this address.
fn covers(intent: &Intent, address: &Address) -> bool {
    match (intent.first, intent.count) {
        (Some(first), Some(count)) => {
            (first..first + count).any(|index| intent.address.child(index) == *address)
        }
        _ => intent.address == *address,
    }
}

/// All intents with their runs and what became of them.
fn intents(history: &[Record]) -> Vec<(String, Intent, Fate)> {
    let mut run = String::new();
    let mut intents: Vec<(String, Intent, Fate)> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for record in history {
        match record {
            Record::Begun { run: begun, .. } => run = begun.to_string(),
            Record::Intent(intent) => {
                open.insert(intent.seq, intents.len());
                intents.push((run.clone(), intent.clone(), Fate::Open));
            }
            Record::Effect { seq, effect } => {
                let Some(place) = open.get(seq) else { continue };
                intents[*place].2 = match effect {
                    Effect::Made { .. } => Fate::Made,
                    Effect::Unknown { .. } => Fate::Open,
                    Effect::Refused { .. } => Fate::Refused,
                    Effect::Cleared => Fate::Cleared,
                };
            }
            _ => {}
        }
    }
    intents
}

/// No address has two living things, and there is one lab of ours at most.
pub(crate) fn check_doubles(things: &Things) {
    let mut living: BTreeMap<(Kind, Address), Vec<&str>> = BTreeMap::new();
    let mut labs = BTreeSet::new();
    for thing in things
        .values()
        .filter(|thing| is_ours(thing) && !thing.is_leaving())
    {
        if let (Some(kind), Some(address)) = (thing.kind(), thing.address()) {
            labs.extend(thing.tag(TAG_LAB_ID));
            living.entry((kind, address)).or_default().push(&thing.id);
        }
    }
    for ((_, address), ids) in living {
        assert!(ids.len() == 1, "{address} lives more than once: {ids:?}");
    }
    assert!(labs.len() <= 1, "there are several labs: {labs:?}");
}

/// Everything that carries the lab's tags is in the lockfile, in the journal, or suspected.
pub(crate) fn check_known(things: &Things, folded: &Folded) {
    let known: BTreeSet<&str> = folded
        .lockfile
        .iter()
        .flat_map(|lock| lock.resources.values())
        .map(|recorded| recorded.id.as_str())
        .collect();
    for thing in things
        .values()
        .filter(|thing| is_ours(thing) && !thing.is_leaving())
    {
        let (Some(kind), Some(address)) = (thing.kind(), thing.address()) else {
            continue;
        };
        let suspected = folded
            .open
            .values()
            .any(|intent| intent.kind == kind && covers(intent, &address));
        // EC2 itself may have replaced a spot machine since.
        let replaced = thing.body["spot_request"].is_string()
            && folded
                .lockfile
                .as_ref()
                .is_some_and(|lock| lock.resources.contains_key(&address));
        assert!(
            known.contains(thing.id.as_str()) || suspected || replaced,
            "{address} ({}) lives and nobody knows of it",
            thing.id
        );
    }
}

/// Data volumes that are to outlive everything.
pub(crate) fn kept(things: &Things) -> BTreeSet<String> {
    things
        .values()
        .filter(|thing| thing.what == "Volume" && is_ours(thing))
        .filter(|thing| thing.tag(TAG_KEEP) == Some("true"))
        .map(|thing| thing.id.clone())
        .collect()
}

/// What of the lab is left, but for what is kept.
pub(crate) fn left(things: &Things) -> Vec<String> {
    things
        .values()
        .filter(|thing| is_ours(thing) && !thing.is_leaving())
        .filter(|thing| thing.tag(TAG_KEEP) != Some("true"))
        .filter(|thing| {
            thing.what != "SpotRequest"
                || matches!(thing.text("state"), "open" | "active" | "disabled")
        })
        .map(|thing| format!("{} {}", thing.what, thing.id))
        .collect()
}
