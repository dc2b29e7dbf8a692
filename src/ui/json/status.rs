//! The status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::agent::{AgentMirror, agent};
use super::line::{Format, dollars, line};
use crate::model::{Address, FieldChange, InstanceState, Kind, Market};
use crate::state::Standing;
use crate::ui::plan::Place;
use crate::ui::status::{
    AddressStatus, HostStatus, NodeStatus, Spending, StatusReport, VolumeStatus,
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Lab {
        lab: &'a str,
        region: &'a str,
        account: &'a str,
        endpoint: &'a str,
        read_at: Timestamp,
    },
    Node(NodeMirror<'a>),
    Host {
        address: &'a Address,
        standing: Option<Standing>,
        lacks: &'a [String],
        measured: Option<Timestamp>,
        services: &'a BTreeMap<String, String>,
        agent: Option<AgentMirror<'a>>,
    },
    Volume {
        address: &'a Address,
        id: &'a str,
        size_gib: Option<u32>,
        zone: Option<&'a str>,
        attached: Option<&'a str>,
        keep: bool,
        usd_per_hour: f64,
    },
    ElasticIp {
        address: &'a Address,
        id: &'a str,
        public_ip: Option<&'a str>,
        associated: Option<&'a str>,
        usd_per_hour: f64,
    },
    Drift {
        address: &'a Address,
        field: &'a str,
        recorded: &'a str,
        found: &'a str,
    },
    Unreadable {
        kind: Kind,
        why: &'a str,
    },
    Foreign {
        text: &'a str,
    },
    Summary(SummaryMirror<'a>),
}

#[derive(Serialize)]
struct NodeMirror<'a> {
    address: &'a Address,
    id: Option<&'a str>,
    state: Option<InstanceState>,
    reason: Option<&'a str>,
    instance_type: Option<&'a str>,
    market: Option<Market>,
    zone: Option<&'a str>,
    public_ip: Option<&'a str>,
    private_ip: Option<&'a str>,
    launched: Option<Timestamp>,
    usd_per_hour: Option<f64>,
}

#[derive(Serialize)]
struct SummaryMirror<'a> {
    other_resources: usize,
    usd_per_hour: f64,
    usd_per_hour_stopped: f64,
    usd_so_far: f64,
    since: Option<Timestamp>,
    prices_date: &'a str,
    estimate: bool,
    drift: usize,
    pending: usize,
    run: Option<&'a str>,
    next: &'a [String],
}

/// The status of a lab of which nothing exists: not applied yet, or destroyed.
pub fn status_of_nothing_json(lab: &str) -> String {
    #[derive(Serialize)]
    #[serde(tag = "type", rename = "summary")]
    struct Nothing<'a> {
        lab: &'a str,
        applied: bool,
    }
    Format::Status.opening()
        + &line(&Nothing {
            lab,
            applied: false,
        })
}

fn host(status: &HostStatus) -> Mirror<'_> {
    let HostStatus {
        address,
        standing,
        lacks,
        measured,
        services,
        agent: now,
    } = status;
    Mirror::Host {
        address,
        standing: *standing,
        lacks,
        measured: *measured,
        services,
        agent: now.as_ref().map(agent),
    }
}

/// The status as lines of JSON.
pub fn status_json(report: &StatusReport) -> String {
    let StatusReport {
        place,
        read_at,
        nodes,
        hosts,
        volumes,
        addresses,
        others,
        spending,
        drift,
        foreign,
        pending,
        unreadable,
        run,
        next,
    } = report;
    let Place {
        lab,
        region,
        account,
        endpoint,
    } = place;
    let mut out = Format::Status.opening();
    let mut write = |mirror: &Mirror<'_>| out.push_str(&line(mirror));
    write(&Mirror::Lab {
        lab: lab.as_str(),
        region: region.as_str(),
        account: account.as_str(),
        endpoint,
        read_at: *read_at,
    });
    for status in nodes {
        write(&node(status));
    }
    for status in hosts {
        write(&host(status));
    }
    for status in volumes {
        write(&volume(status));
    }
    for status in addresses {
        write(&elastic_ip(status));
    }
    for (address, change) in drift {
        let FieldChange {
            field,
            before,
            after,
            impact: _,
            drift: _,
        } = change;
        write(&Mirror::Drift {
            address,
            field,
            recorded: after,
            found: before,
        });
    }
    for text in foreign {
        write(&Mirror::Foreign { text });
    }
    for (kind, why) in unreadable {
        write(&Mirror::Unreadable { kind: *kind, why });
    }
    let Spending {
        hourly,
        stopped,
        so_far,
        since,
        prices_date,
        of_region,
    } = spending;
    write(&Mirror::Summary(SummaryMirror {
        other_resources: *others,
        usd_per_hour: dollars(*hourly),
        usd_per_hour_stopped: dollars(*stopped),
        usd_so_far: dollars(*so_far),
        since: *since,
        prices_date,
        estimate: !of_region,
        drift: drift.len(),
        pending: *pending,
        run: run.as_deref(),
        next,
    }));
    out
}

fn node(status: &NodeStatus) -> Mirror<'_> {
    let NodeStatus {
        address,
        id,
        state,
        reason,
        instance_type,
        market,
        zone,
        public_ip,
        private_ip,
        launched,
        hourly,
    } = status;
    Mirror::Node(NodeMirror {
        address,
        id: id.as_ref().map(crate::model::CloudId::as_str),
        state: *state,
        reason: reason.as_deref(),
        instance_type: instance_type
            .as_ref()
            .map(crate::model::InstanceType::as_str),
        market: *market,
        zone: zone.as_ref().map(crate::model::Zone::as_str),
        public_ip: public_ip.as_deref(),
        private_ip: private_ip.as_deref(),
        launched: *launched,
        usd_per_hour: hourly.map(dollars),
    })
}

fn volume(status: &VolumeStatus) -> Mirror<'_> {
    let VolumeStatus {
        address,
        id,
        size_gib,
        zone,
        attached,
        keep,
        hourly,
    } = status;
    Mirror::Volume {
        address,
        id: id.as_str(),
        size_gib: *size_gib,
        zone: zone.as_ref().map(crate::model::Zone::as_str),
        attached: attached.as_deref(),
        keep: *keep,
        usd_per_hour: dollars(*hourly),
    }
}

fn elastic_ip(status: &AddressStatus) -> Mirror<'_> {
    let AddressStatus {
        address,
        id,
        public_ip,
        associated,
        hourly,
    } = status;
    Mirror::ElasticIp {
        address,
        id: id.as_str(),
        public_ip: public_ip.as_deref(),
        associated: associated.as_deref(),
        usd_per_hour: dollars(*hourly),
    }
}
