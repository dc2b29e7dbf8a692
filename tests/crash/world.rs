//! The sandbox's world as its file tells it: what lives, in a form that two runs share, and what ever lived.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::bench::Bench;

/// Fields that say when and under which number something was made, and so differ from run to run.
const OF_A_RUN: [&str; 22] = [
    "association",
    "at",
    "client_token",
    "created",
    "cursor",
    "fingerprint",
    "interrupt",
    "launch",
    "launched",
    "mac",
    "next",
    "private_ip",
    "public_ip",
    "public_key",
    "ready",
    "reservation",
    "started",
    "status",
    "transition",
    "unique",
    "updated",
    "user_data",
];

/// What a world's file holds.
pub(crate) struct World {
    /// What exists now, by id: its kind and its fields.
    living: BTreeMap<String, (String, Value)>,
    /// Everything that ever was, by id, as it was first seen.
    ever: BTreeMap<String, (String, Value)>,
    /// How often faults of the scenario have struck.
    pub(crate) struck: u64,
    /// How many calls the scenario's rules have looked at.
    pub(crate) calls: u64,
}

impl World {
    pub(crate) fn read(bench: &Bench) -> Self {
        let text = fs::read_to_string(bench.home().join("world.log")).unwrap_or_default();
        let mut world = Self {
            living: BTreeMap::new(),
            ever: BTreeMap::new(),
            struck: 0,
            calls: 0,
        };
        let mut struck = BTreeMap::new();
        for line in text.lines() {
            let places: Vec<Value> = serde_json::from_str(line).expect("the sandbox wrote it");
            for change in places.iter().flat_map(|place| list(&place["changes"])) {
                if let Some(id) = change["Drop"].as_str() {
                    world.living.remove(id);
                    continue;
                }
                let entity = change["Put"]["entity"].as_object().expect("an entity");
                let (kind, fields) = entity.iter().next().expect("of one kind");
                let id = text_of(fields, "id").to_owned();
                match kind.as_str() {
                    "FaultState" => {
                        struck.insert(id, fields["fired"].as_u64().unwrap_or_default());
                        world.calls = world
                            .calls
                            .max(fields["matched"].as_u64().unwrap_or_default());
                    }
                    // Buckets are no part of a lab.
                    "Token" | "Bucket" | "Object" => {}
                    _ => {
                        let entry = (kind.clone(), fields.clone());
                        world
                            .ever
                            .entry(id.clone())
                            .or_insert_with(|| entry.clone());
                        world.living.insert(id, entry);
                    }
                }
            }
        }
        world
            .living
            .retain(|_, (kind, fields)| is_alive(kind, fields));
        world.struck = struck.values().sum();
        world
    }

    /// What exists, one line for each thing, with ids, names of runs and times taken out.
    pub(crate) fn normal(&self) -> Vec<String> {
        let labels = self.labels();
        let mut lines: Vec<String> = self
            .living
            .iter()
            .map(|(id, (_, fields))| format!("{}: {}", labels[id], plain(fields, &labels)))
            .collect();
        lines.sort();
        lines
    }

    /// The ids of all that exists.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.living.keys().cloned().collect()
    }

    /// Whether a machine is of this image or type.
    pub(crate) fn is_used(&self, name: &str) -> bool {
        self.living.values().any(|(kind, fields)| {
            kind == "Instance"
                && ["image", "instance_type"]
                    .map(|key| text_of(fields, key))
                    .contains(&name)
        })
    }

    /// How many things there ever were at each address.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (kind, fields) in self
            .ever
            .values()
            .filter(|(_, fields)| !tag(fields, "address").is_empty())
        {
            *counts.entry(label(kind, fields)).or_default() += 1;
        }
        counts
    }

    /// The ids, as the program knows them, of all that a call of the lab ever made and that carries tags.
    pub(crate) fn made(&self) -> BTreeSet<String> {
        self.ever
            .values()
            .filter(|(kind, fields)| {
                // A root volume and a spot request come with their machine.
                let is_part = kind == "SpotRequest"
                    || kind == "Interface"
                    || kind == "SgRule"
                    || (kind == "Volume" && tag(fields, "address").starts_with("node."));
                !tag(fields, "address").is_empty() && !is_part
            })
            .map(|(kind, fields)| match kind.as_str() {
                // The program knows these by their names.
                "KeyPair" | "Role" | "InstanceProfile" | "PlacementGroup" => {
                    format!("{kind} {}", text_of(fields, "name"))
                }
                _ => text_of(fields, "id").to_owned(),
            })
            .collect()
    }

    /// What to call each id, and each name that a run has drawn.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for (id, (kind, fields)) in &self.ever {
            labels.insert(id.clone(), label(kind, fields));
            for (key, word) in [("lab-id", "LAB"), ("run", "RUN")] {
                let value = tag(fields, key);
                if !value.is_empty() {
                    labels.insert(value.to_owned(), word.to_owned());
                }
            }
        }
        labels
    }
}

/// A terminated machine and a closed request are only still listed.
fn is_alive(kind: &str, fields: &Value) -> bool {
    match kind {
        "Instance" => text_of(fields, "phase") != "Terminated",
        "SpotRequest" => !matches!(text_of(fields, "state"), "cancelled" | "closed"),
        _ => true,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of<'a>(fields: &'a Value, key: &str) -> &'a str {
    fields[key].as_str().unwrap_or_default()
}

fn tag<'a>(fields: &'a Value, key: &str) -> &'a str {
    text_of(&fields["tags"], &format!("roboinfra:{key}"))
}

/// A kind and an address; machines of one launch have addresses of their own.
fn label(kind: &str, fields: &Value) -> String {
    let address = tag(fields, "address");
    let first: u64 = tag(fields, "first").parse().unwrap_or_default();
    match (kind, fields["launch_index"].as_u64()) {
        ("Instance", Some(index)) => format!("<{kind} {address}.{}>", first + index),
        _ => format!("<{kind} {address}>"),
    }
}

/// A value without what differs from run to run.
fn plain(value: &Value, labels: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let hidden = OF_A_RUN.contains(&key.as_str()) && !value.is_null();
                (
                    key.clone(),
                    if hidden {
                        Value::from("…")
                    } else {
                        plain(value, labels)
                    },
                )
            })
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| plain(item, labels)).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) => Value::from(renamed(text, labels)),
        other => other.clone(),
    }
}

/// A text with every id in it replaced by what it is called.
pub(crate) fn renamed(text: &str, labels: &BTreeMap<String, String>) -> String {
    if text.starts_with("eni-attach-") {
        return "…".to_owned();
    }
    if let Some(label) = labels.get(text) {
        return label.clone();
    }
    labels
        .iter()
        .filter(|(id, _)| text.contains(id.as_str()))
        .fold(text.to_owned(), |text, (id, label)| {
            text.replace(id.as_str(), label)
        })
}
