//! The lockfile.

use jiff::Timestamp;
use serde::Serialize;

use super::line::{Format, line};
use crate::model::{Address, Kind, Market};
use crate::state::{LabEntry, Lockfile, Recorded};

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
    out
}
