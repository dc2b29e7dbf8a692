//! What the account tells of look-ups that the lockfile has forgotten: images, the operator's address, zones. A machine
//! must not be replaced because the file that knew its image was lost, or an older one was put in its place. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::places::{owned, remembered};
use crate::inventory::{Inventory, Seen, Sighting};
use crate::lab::{Lab, image_key};
use crate::model::{Address, ImageId, LabId, LabName, PinnedImage, Spec, Zone};
use crate::state::Lockfile;

/// An image that machines of the lab run, and that no pin tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgottenImage {
    /// Under which key it belongs to the pins.
    pub key: String,
    /// The image that runs.
    pub running: ImageId,
    /// What the key stands for otherwise.
    pub pinned: PinnedImage,
}

/// The images of machines that the lockfile does not know by their ids: it is older than they are, or was lost. Where
/// several machines share a key, the one that was launched last counts.
pub fn forgotten_images(
    lab: &Lab,
    recorded: Option<&Lockfile>,
    observed: &Inventory,
) -> Vec<ForgottenImage> {
    let mut found: BTreeMap<String, (&Sighting, ForgottenImage)> = BTreeMap::new();
    let recorded = remembered(lab, recorded);
    for (address, sighting) in owned(lab, observed) {
        let Some(image) = forgotten_image(lab, recorded.as_ref(), &address, sighting) else {
            continue;
        };
        let newest = found
            .get(&image.key)
            .is_none_or(|(other, _)| other.created < sighting.created);
        if newest {
            found.insert(image.key.clone(), (sighting, image));
        }
    }
    found.into_values().map(|(_, image)| image).collect()
}

fn forgotten_image(
    lab: &Lab,
    recorded: Option<&Lockfile>,
    address: &Address,
    sighting: &Sighting,
) -> Option<ForgottenImage> {
    let running = sighting.instance()?.image.clone()?;
    let Spec::Instance(spec) = &lab.resources.get(address)?.spec else {
        return None;
    };
    let (named, pinned) = (&spec.launch.image_ref, &spec.launch.image);
    let is_known = recorded
        .and_then(|lock| lock.resources.get(address))
        .is_some_and(|recorded| recorded.id == sighting.id);
    // An image that the profile names by its id needs no memory.
    let is_fixed = named.0.starts_with("ami-");
    (!is_known && !is_fixed && running != pinned.id).then(|| ForgottenImage {
        key: image_key(named, &pinned.architecture),
        running,
        pinned: pinned.clone(),
    })
}

/// Whether two images are editions of one: their names differ in nothing but the number at the end.
pub fn is_same_image(one: &PinnedImage, other: &PinnedImage) -> bool {
    family(&one.name) == family(&other.name)
}

fn family(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ' '))
}

/// The operator's address behind `my-ip`, as the lab's own rules tell it: the only single address in them that the
/// profile does not list.
pub fn recalled_address(
    observed: &Inventory,
    name: &LabName,
    id: &LabId,
    listed: &BTreeSet<IpNet>,
) -> Option<IpNet> {
    let written_by_us = format!(" ({name})");
    let groups = observed
        .owned(name, id)
        .filter_map(|(_, sighting)| match &sighting.seen {
            Seen::SecurityGroup(group) => Some(group),
            _ => None,
        });
    let sources: BTreeSet<IpNet> = groups
        .flat_map(|group| &group.rules)
        .filter(|rule| rule.description.ends_with(&written_by_us))
        .map(|rule| rule.source)
        .filter(|source| source.prefix_len() == source.max_prefix_len() && !listed.contains(source))
        .collect();
    let mut sources = sources.into_iter();
    sources.next().filter(|_| sources.next().is_none())
}

/// The zones in which the lab has subnets, if it has all that it is to have: machines come after the network.
pub fn zones_in_use(observed: &Inventory, name: &LabName, id: &LabId) -> Option<BTreeSet<Zone>> {
    let owned = || observed.owned(name, id).map(|(_, sighting)| sighting);
    let zones = owned().filter_map(|sighting| match &sighting.seen {
        Seen::Subnet(subnet) => subnet.zone.clone(),
        _ => None,
    });
    owned()
        .any(|sighting| sighting.instance().is_some())
        .then(|| zones.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_of_an_image_are_told_from_other_images() {
        let image = |name: &str| PinnedImage {
            id: ImageId::new("ami-1"),
            root_device: "/dev/sda1".to_owned(),
            architecture: "x86_64".to_owned(),
            root_gib: 8,
            name: name.to_owned(),
        };
        let jammy = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260115";
        for (other, same) in [
            (
                "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251201.1",
                true,
            ),
            (
                "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260115",
                false,
            ),
            (
                "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20260115",
                false,
            ),
        ] {
            assert_eq!(is_same_image(&image(jammy), &image(other)), same, "{other}");
        }
    }
}
