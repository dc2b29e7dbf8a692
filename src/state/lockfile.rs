//! The lockfile as a value. It is a cache: the cloud's tags are the truth.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountId, Address, CloudId, InstanceType, Kind, LabId, LabName, Market, PinnedImage, Region,
    Zone,
};

/// Which lab a lockfile is for, and where that lab lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabEntry {
    /// The lab's name.
    pub name: LabName,
    /// The lab's identity.
    pub id: LabId,
    /// The account it lives in.
    pub account: AccountId,
    /// The region it lives in.
    pub region: Region,
    /// `aws`, or the URL that stands in for it, or `sandbox`.
    pub endpoint: String,
}

/// What was looked up once and stays until the user asks for a new look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The operator's own address behind `my-ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub my_ip: Option<IpNet>,
    /// The zones that each type is offered in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<InstanceType, Vec<Zone>>,
    /// Images, by how the profile names them and their architecture: `ubuntu-22.04/x86_64`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, PinnedImage>,
    /// The zones of existing subnets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subnets: BTreeMap<CloudId, Zone>,
}

/// What is remembered of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: CloudId,
    /// A digest of the spec that was applied.
    pub digest: String,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Its zone, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// An instance's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<InstanceType>,
    /// How an instance was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market: Option<Market>,
    /// Whether a volume outlives `destroy`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

/// Everything that is remembered of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockfile {
    /// Goes up by one with each write.
    pub serial: u64,
    /// Which lab this is.
    pub lab: LabEntry,
    /// What was looked up once.
    pub pins: Pins,
    /// The resources, by address.
    pub resources: BTreeMap<Address, Recorded>,
}

impl Lockfile {
    /// The lockfile of a lab of which nothing exists yet.
    pub fn new(lab: LabEntry) -> Self {
        Self {
            serial: 0,
            lab,
            pins: Pins::default(),
            resources: BTreeMap::new(),
        }
    }
}
