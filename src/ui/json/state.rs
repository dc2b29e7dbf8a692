//! The lockfile.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::line::{Format, line};
use crate::model::{Address, Kind, Market};
use crate::state::{HostRecord, LabEntry, Lockfile, Recorded};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Lab {
        lab: &'a str,
        lab_id: &'a str,
        region: &'a str,
        account: &'a str,
        endpoint: &'a str,
        serial: u64,
    },
    Resource(ResourceMirror<'a>),
    Host(HostMirror<'a>),
}

#[derive(Serialize)]
struct ResourceMirror<'a> {
    address: &'a Address,
    kind: Kind,
    id: &'a str,
    digest: &'a str,
    created: Option<Timestamp>,
    zone: Option<&'a str>,
    instance_type: Option<&'a str>,
    market: Option<Market>,
    keep: bool,
}

#[derive(Serialize)]
struct HostMirror<'a> {
    address: &'a Address,
    machine: &'a str,
    standing: crate::state::Standing,
    lacks: &'a [String],
    measured: Timestamp,
    steps: BTreeMap<&'a str, StepMirror<'a>>,
    versions: &'a BTreeMap<String, String>,
    found: &'a BTreeMap<String, String>,
    services: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct StepMirror<'a> {
    digest: &'a str,
    finished: Timestamp,
}

fn host<'a>(address: &'a Address, known: &'a HostRecord) -> HostMirror<'a> {
    let HostRecord {
        machine,
        standing,
        lacks,
        measured,
        steps,
        versions,
        found,
        services,
    } = known;
    HostMirror {
        address,
        machine,
        standing: *standing,
        lacks,
        measured: *measured,
        steps: steps
            .iter()
            .map(|(name, done)| {
                let mirror = StepMirror {
                    digest: &done.digest,
                    finished: done.finished,
                };
                (name.as_str(), mirror)
            })
            .collect(),
        versions,
        found,
        services,
    }
}

/// What the lockfile remembers at or below `only`, or of everything, as lines of JSON.
pub fn state_json(lockfile: &Lockfile, only: Option<&Address>) -> String {
    let LabEntry {
        name,
        id,
        account,
        region,
        endpoint,
    } = &lockfile.lab;
    let mut out = Format::State.opening();
    out.push_str(&line(&Mirror::Lab {
        lab: name.as_str(),
        lab_id: id.as_str(),
        region: region.as_str(),
        account: account.as_str(),
        endpoint,
        serial: lockfile.serial,
    }));
    for (address, recorded) in &lockfile.resources {
        if only.is_some_and(|only| !address.is_within(only)) {
            continue;
        }
        let Recorded {
            kind,
            id,
            digest,
            created,
            zone,
            instance_type,
            market,
            keep,
        } = recorded;
        out.push_str(&line(&Mirror::Resource(ResourceMirror {
            address,
            kind: *kind,
            id: id.as_str(),
            digest,
            created: *created,
            zone: zone.as_ref().map(crate::model::Zone::as_str),
            instance_type: instance_type
                .as_ref()
                .map(crate::model::InstanceType::as_str),
            market: *market,
            keep: *keep,
        })));
    }
    for (address, known) in &lockfile.hosts {
        if only.is_none_or(|only| address.is_within(only)) {
            out.push_str(&line(&Mirror::Host(host(address, known))));
        }
    }
    out
}
