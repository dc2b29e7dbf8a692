//! All that was seen in one reading, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Seen, SeenInstance};
use crate::model::{
    AccountId, Address, CloudId, Failure, InstanceState, Kind, LabId, LabName, Region, TAG_ADDRESS,
    TAG_FIRST, TAG_KEEP, TAG_LAB, TAG_LAB_ID, TAG_RUN, Tags,
};

/// Who is asking, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The caller's ARN.
    pub arn: String,
    /// The region.
    pub region: Region,
    /// `aws`, or the URL that stands in for it.
    pub endpoint: String,
}

/// Whose a resource is, by its tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A lab of this name and this identity.
    Lab {
        /// The lab's name.
        name: String,
        /// The lab's identity.
        id: LabId,
        /// The address in that lab, if the tags and the launch index give one.
        address: Option<Address>,
        /// The run that made it.
        run: Option<String>,
    },
    /// Someone else's, or nobody's.
    Foreign,
}

impl Owner {
    /// Reads the owner off a resource's tags; `launch_index` is an instance's place in its launch.
    pub fn of(tags: &Tags, launch_index: Option<u32>) -> Self {
        let (Some(name), Some(id)) = (tags.get(TAG_LAB), tags.get(TAG_LAB_ID)) else {
            return Self::Foreign;
        };
        let address = tags.get(TAG_ADDRESS).and_then(|text| {
            let address = Address::new(text);
            match (
                launch_index,
                tags.get(TAG_FIRST)
                    .and_then(|first| first.parse::<i64>().ok()),
            ) {
                (Some(index), Some(first)) => {
                    let index = u32::try_from(first.checked_add(i64::from(index))?).ok()?;
                    Some(address.child(index))
                }
                _ => Some(address),
            }
        });
        Self::Lab {
            name: name.clone(),
            id: LabId::new(id),
            address,
            run: tags.get(TAG_RUN).cloned(),
        }
    }
}

/// One resource as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Its id, or for IAM, key pairs and placement groups its name.
    pub id: CloudId,
    /// Whose it is.
    pub owner: Owner,
    /// Its tags; empty where it cannot carry any.
    pub tags: Tags,
    /// When it was made, where the API tells.
    pub created: Option<Timestamp>,
    /// What it is like.
    pub seen: Seen,
}

impl Sighting {
    /// The instance, if it is one.
    pub fn instance(&self) -> Option<&SeenInstance> {
        match &self.seen {
            Seen::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    /// Whether it is only a memory: a terminated instance stays listed for about an hour.
    pub fn is_gone(&self) -> bool {
        self.instance()
            .is_some_and(|i| i.state == InstanceState::Terminated)
    }
}

/// What the region holds in all, whoever's it is; counts against quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegionUse {
    /// VPCs.
    pub vpcs: u32,
    /// Elastic IPs.
    pub elastic_ips: u32,
}

/// One reading of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// When the reading began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Everything that carries the lab's name in its tags, or was asked for by name or id.
    pub sightings: Vec<Sighting>,
    /// The kinds that could not be read, and why.
    pub unreadable: BTreeMap<Kind, Failure>,
    /// What the region holds in all.
    pub region_use: RegionUse,
    /// The network interfaces in the lab's VPC, whoever's they are; none where the VPC is not known beforehand.
    #[serde(default)]
    pub interfaces: Vec<Interface>,
    /// Why they could not be read.
    #[serde(default)]
    pub interfaces_unread: Option<Failure>,
}

/// A network interface: something that stands in a subnet and keeps it, its groups and its VPC from being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The interface.
    pub id: CloudId,
    /// What it is for, in its own words.
    pub description: String,
    /// The subnet it is in.
    pub subnet: Option<CloudId>,
    /// The instance it is attached to, if any.
    pub instance: Option<CloudId>,
    /// The service that owns it, if it is not the account's own.
    pub requester: Option<String>,
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id)?;
        if !self.description.is_empty() {
            write!(f, " ({})", self.description)?;
        }
        match (&self.instance, &self.requester) {
            (Some(instance), _) => write!(f, " of instance {instance}"),
            (None, Some(requester)) => write!(f, ", made by {requester}"),
            (None, None) => write!(f, ", attached to nothing"),
        }
    }
}

/// What is known of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding<'a> {
    /// It was seen, once.
    Present(&'a Sighting),
    /// It was looked for and not seen.
    Absent,
    /// It was seen more than once.
    Ambiguous(&'a [&'a Sighting]),
    /// It could not be looked for.
    Unreadable(&'a Failure),
}

impl Inventory {
    /// An empty reading at `now`.
    pub fn empty(now: Timestamp) -> Self {
        Self {
            started: now,
            ended: now,
            sightings: Vec::new(),
            unreadable: BTreeMap::new(),
            region_use: RegionUse::default(),
            interfaces: Vec::new(),
            interfaces_unread: None,
        }
    }

    /// What the lab of this name and identity owns, without what is gone. Root volumes go with their instance and
    /// are left out.
    pub fn owned<'a>(
        &'a self,
        name: &'a LabName,
        id: &'a LabId,
    ) -> impl Iterator<Item = (&'a Address, &'a Sighting)> {
        self.sightings
            .iter()
            .filter_map(move |sighting| match &sighting.owner {
                Owner::Lab {
                    name: lab,
                    id: lab_id,
                    address: Some(address),
                    ..
                } if lab == name.as_str()
                    && lab_id == id
                    && !sighting.is_gone()
                    && !sighting.is_part() =>
                {
                    Some((address, sighting))
                }
                _ => None,
            })
    }

    /// The identities of other labs of this name that own something here.
    pub fn other_labs(&self, name: &LabName, id: Option<&LabId>) -> BTreeMap<LabId, usize> {
        let mut labs = BTreeMap::new();
        for sighting in self.sightings.iter().filter(|s| !s.is_gone()) {
            if let Owner::Lab {
                name: lab,
                id: other,
                ..
            } = &sighting.owner
                && lab == name.as_str()
                && Some(other) != id
            {
                *labs.entry(other.clone()).or_default() += 1;
            }
        }
        labs
    }

    /// Another lab of this name, and how much of it there is, where it must not be built a second time: no lockfile knows
    /// of it, or the one that is there is of a lab of which nothing exists.
    pub fn unknown_lab(
        &self,
        name: &LabName,
        own: &LabId,
        has_lockfile: bool,
    ) -> Option<(LabId, usize)> {
        let other = self.other_labs(name, Some(own)).into_iter().next()?;
        let exists = self.owned(name, own).next().is_some();
        (!has_lockfile || !exists).then_some(other)
    }

    /// All that carries the lab's identity and was to go, parts such as root volumes included. What is kept is either
    /// marked so, or one of `kept`.
    pub fn left_of(&self, lab: &LabId, kept: &BTreeSet<CloudId>) -> Vec<&Sighting> {
        let ours = |s: &&Sighting| matches!(&s.owner, Owner::Lab { id, .. } if id == lab);
        let stays = |s: &Sighting| {
            s.tags.get(TAG_KEEP).is_some_and(|keep| keep == "true") || kept.contains(&s.id)
        };
        self.sightings
            .iter()
            .filter(ours)
            .filter(|s| !s.is_gone() && !stays(s))
            .collect()
    }

    /// The sighting of this id, whoever's it is.
    pub fn by_id(&self, id: &CloudId) -> Option<&Sighting> {
        self.sightings.iter().find(|sighting| &sighting.id == id)
    }
}

impl Sighting {
    /// Whether it is part of something else: a volume that goes with its instance.
    pub fn is_part(&self) -> bool {
        matches!(&self.seen, Seen::Volume(volume) if volume.dies_with_instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn an_instance_index_is_first_plus_launch_index() {
        let tags = tags(&[
            (TAG_LAB, "twin"),
            (TAG_LAB_ID, "x1"),
            (TAG_ADDRESS, "node.sim"),
            (TAG_FIRST, "3"),
        ]);
        let Owner::Lab { address, .. } = Owner::of(&tags, Some(2)) else {
            unreachable!("tagged")
        };
        assert_eq!(address, Some(Address::new("node.sim.5")));
    }

    #[test]
    fn a_machine_that_has_moved_down_has_a_first_below_zero() {
        for (first, index, address) in [
            ("-1", 1, Some("node.sim.0")),
            ("-3", 5, Some("node.sim.2")),
            ("-2", 1, None),
            ("9223372036854775807", 1, None),
        ] {
            let tags = tags(&[
                (TAG_LAB, "twin"),
                (TAG_LAB_ID, "x1"),
                (TAG_ADDRESS, "node.sim"),
                (TAG_FIRST, first),
            ]);
            let Owner::Lab { address: at, .. } = Owner::of(&tags, Some(index)) else {
                unreachable!("tagged")
            };
            assert_eq!(at, address.map(Address::new), "{first} {index}");
        }
    }

    #[test]
    fn without_both_lab_tags_it_is_foreign() {
        assert_eq!(Owner::of(&tags(&[(TAG_LAB, "twin")]), None), Owner::Foreign);
        assert_eq!(Owner::of(&Tags::new(), None), Owner::Foreign);
    }
}
