//! The state of a lab as a value: the command fills it, the views show it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::host::AgentNow;
use crate::model::{
    Address, CloudId, FieldChange, InstanceState, InstanceType, Kind, Market, Usd, Zone,
};
use crate::state::Standing;
use crate::ui::plan::Place;

/// One machine.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    /// Its address.
    pub address: Address,
    /// Its id; none where it should exist and does not.
    pub id: Option<CloudId>,
    /// Its state; none where it does not exist.
    pub state: Option<InstanceState>,
    /// Why it is in that state, in EC2's words, if it told.
    pub reason: Option<String>,
    /// Its type.
    pub instance_type: Option<InstanceType>,
    /// How it was bought.
    pub market: Option<Market>,
    /// Its zone.
    pub zone: Option<Zone>,
    /// Its public address.
    pub public_ip: Option<String>,
    /// Its private address.
    pub private_ip: Option<String>,
    /// When it was last started.
    pub launched: Option<Timestamp>,
    /// What it costs per hour now.
    pub hourly: Option<Usd>,
}

/// One host as it was when it was last measured: a machine of the lab or an edge host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostStatus {
    /// Its address.
    pub address: Address,
    /// How it stood; none where it has not been made ready yet.
    pub standing: Option<Standing>,
    /// What it lacked.
    pub lacks: Vec<String>,
    /// Since when it is known to be so.
    pub measured: Option<Timestamp>,
    /// The services of its stack, each with how it was.
    pub services: BTreeMap<String, String>,
    /// What its agent says now, or why it could not be asked; none if it was not.
    pub agent: Option<Result<AgentNow, String>>,
}

/// One data volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeStatus {
    /// Its address.
    pub address: Address,
    /// Its id.
    pub id: CloudId,
    /// Its size.
    pub size_gib: Option<u32>,
    /// Its zone.
    pub zone: Option<Zone>,
    /// What it is attached to: a node's address, or an instance's id.
    pub attached: Option<String>,
    /// Whether it outlives `destroy`.
    pub keep: bool,
    /// What it costs per hour.
    pub hourly: Usd,
}

/// One Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressStatus {
    /// Its address in the lab.
    pub address: Address,
    /// Its id.
    pub id: CloudId,
    /// The IP address.
    pub public_ip: Option<String>,
    /// What it is associated with: a node's address, or an instance's id.
    pub associated: Option<String>,
    /// What it costs per hour.
    pub hourly: Usd,
}

/// What the lab costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// Per hour, as it is now.
    pub hourly: Usd,
    /// Per hour, if every machine were stopped.
    pub stopped: Usd,
    /// Since the machines that run were last started, by list price.
    pub so_far: Usd,
    /// Since when that is counted: the earliest start.
    pub since: Option<Timestamp>,
    /// The day of the price list.
    pub prices_date: String,
    /// Whether the prices are the region's own.
    pub of_region: bool,
}

/// A whole lab.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    /// Where it is.
    pub place: Place,
    /// When it was read.
    pub read_at: Timestamp,
    /// Its machines.
    pub nodes: Vec<NodeStatus>,
    /// Its hosts, as they were last measured.
    pub hosts: Vec<HostStatus>,
    /// Its data volumes.
    pub volumes: Vec<VolumeStatus>,
    /// Its Elastic IPs.
    pub addresses: Vec<AddressStatus>,
    /// How many other resources it has.
    pub others: usize,
    /// What it costs.
    pub spending: Spending,
    /// What was changed outside roboinfra.
    pub drift: Vec<(Address, FieldChange)>,
    /// What was found in the lab's network and is not the lab's, one sentence each.
    pub foreign: Vec<String>,
    /// How many resources differ from the profile otherwise.
    pub pending: usize,
    /// The kinds that could not be read, and why.
    pub unreadable: Vec<(Kind, String)>,
    /// A run that is going on or was cut short, as a sentence.
    pub run: Option<String>,
    /// Commands to type next; the first is the usual one.
    pub next: Vec<String>,
}
