//! The lockfile as a value. It is a cache: the cloud's tags are the truth.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::HostRecord;
use crate::model::{
    AccountId, Address, CloudId, InstanceType, Kind, LabId, LabName, Market, PinnedImage, Region,
    Tags, Zone,
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
    /// The user's tags as they were put on the lab's resources, so that one that leaves the profile leaves those too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

impl Pins {
    /// Without what was looked up; what was done to the lab stays remembered.
    #[must_use]
    pub fn to_look_up_again(&self) -> Self {
        Self {
            tags: self.tags.clone(),
            ..Self::default()
        }
    }
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
    /// Whether no apply of this lab has succeeded yet, so that a rollback may take all of it away. A lab of which that is
    /// not known is not taken for unfinished.
    pub unfinished: bool,
    /// Which lab this is.
    pub lab: LabEntry,
    /// What was looked up once.
    pub pins: Pins,
    /// The resources, by address.
    pub resources: BTreeMap<Address, Recorded>,
    /// The hosts, by address: the lab's machines that were tended, and edge hosts.
    pub hosts: BTreeMap<Address, HostRecord>,
}

/// One thing in which a lockfile and the place at hand differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `lab`, `account`, `region` or `endpoint`.
    pub what: &'static str,
    /// What the lockfile says.
    pub recorded: String,
    /// What it is here.
    pub here: String,
}

impl LabEntry {
    /// A lab that has never been in a cloud: one of edge hosts alone.
    pub fn without_cloud(name: LabName, id: LabId, region: Region) -> Self {
        Self {
            name,
            id,
            account: AccountId::new(""),
            region,
            endpoint: String::new(),
        }
    }

    /// Whether the lab has been in a cloud, and thus belongs to an account.
    pub fn has_cloud(&self) -> bool {
        !self.endpoint.is_empty()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            recorded,
            here,
        } = self;
        write!(
            f,
            "the {what} is {here} here and {recorded} in the lockfile"
        )
    }
}

/// A lockfile that is for something else; using it would change the wrong lab.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lockfile is for another lab: {}", .differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
pub struct Mismatch {
    /// Everything that differs; never empty.
    pub differences: Vec<Difference>,
}

impl Lockfile {
    /// The lockfile of a lab of which nothing exists yet.
    pub fn new(lab: LabEntry) -> Self {
        Self {
            serial: 0,
            unfinished: false,
            lab,
            pins: Pins::default(),
            resources: BTreeMap::new(),
            hosts: BTreeMap::new(),
        }
    }

    /// Takes in a resource. What is known of a host is void where another machine has taken its place.
    pub(super) fn take_in(&mut self, address: &Address, recorded: &Recorded) {
        let replaced = self
            .hosts
            .get(address)
            .is_some_and(|host| host.machine != recorded.id.as_str());
        if replaced {
            self.hosts.remove(address);
        }
        self.resources.insert(address.clone(), recorded.clone());
    }

    /// Forgets a resource, and the host that it was; what was made in its place before it went stays.
    pub(super) fn forget(&mut self, address: &Address, id: &CloudId) {
        if self.resources.get(address).is_some_and(|now| now.id == *id) {
            self.resources.remove(address);
        }
        let host = self.hosts.get(address);
        if host.is_some_and(|host| host.machine == id.as_str()) {
            self.hosts.remove(address);
        }
    }

    /// This lockfile as the next generation: what is written after a run.
    pub fn next(mut self) -> Self {
        self.serial = self.serial.saturating_add(1);
        self
    }

    /// Checks that this lockfile is for the lab `name` in this account, region and endpoint.
    pub fn check_belongs(
        &self,
        name: &LabName,
        account: &AccountId,
        region: &Region,
        endpoint: &str,
    ) -> Result<(), Mismatch> {
        let LabEntry {
            name: lab,
            id: _,
            account: lab_account,
            region: lab_region,
            endpoint: lab_endpoint,
        } = &self.lab;
        let differences: Vec<_> = [
            ("lab", lab.as_str(), name.as_str()),
            ("account", lab_account.as_str(), account.as_str()),
            ("region", lab_region.as_str(), region.as_str()),
            ("endpoint", lab_endpoint.as_str(), endpoint),
        ]
        .into_iter()
        // A lab that has never been in a cloud may go to any.
        .filter(|(what, ..)| *what == "lab" || self.lab.has_cloud())
        .filter(|(_, recorded, here)| recorded != here)
        .map(|(what, recorded, here)| Difference {
            what,
            recorded: recorded.to_owned(),
            here: here.to_owned(),
        })
        .collect();
        if differences.is_empty() {
            Ok(())
        } else {
            Err(Mismatch { differences })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LabEntry;
    use crate::model::{AccountId, LabName, Region};
    use crate::state::samples;

    #[test]
    fn a_lab_of_edge_hosts_may_go_to_any_cloud_and_keeps_its_name() {
        let mut lockfile = samples::lockfile();
        let lab = lockfile.lab.clone();
        lockfile.lab = LabEntry::without_cloud(lab.name.clone(), lab.id, lab.region);
        let belongs = |name: &LabName| {
            let (account, region) = (AccountId::new("111122223333"), Region::new("us-east-1"));
            lockfile
                .check_belongs(name, &account, &region, "aws")
                .is_ok()
        };
        let other = LabName::try_from("other").expect("a valid name");
        assert!(belongs(&lab.name) && !belongs(&other));
    }

    #[test]
    fn a_lockfile_is_used_only_where_it_belongs() {
        let lockfile = samples::lockfile();
        let name = |text| LabName::try_from(text).expect("a valid name");
        let check = |lab, account, region, endpoint| {
            lockfile
                .check_belongs(
                    &name(lab),
                    &AccountId::new(account),
                    &Region::new(region),
                    endpoint,
                )
                .map_err(|mismatch| mismatch.to_string())
        };
        assert_eq!(check("twin", "111122223333", "eu-central-1", "aws"), Ok(()));
        let cases = [
            (
                ("other", "111122223333", "eu-central-1", "aws"),
                "lab is other here and twin in",
            ),
            (
                ("twin", "444455556666", "eu-central-1", "aws"),
                "account is 444455556666 here",
            ),
            (
                ("twin", "111122223333", "us-east-1", "aws"),
                "region is us-east-1 here",
            ),
            (
                ("twin", "111122223333", "eu-central-1", "sandbox"),
                "endpoint is sandbox here",
            ),
        ];
        for ((lab, account, region, endpoint), expected) in cases {
            let error = check(lab, account, region, endpoint).expect_err("it is for another lab");
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.matches("in the lockfile").count(), 1, "{error}");
        }
    }
}
