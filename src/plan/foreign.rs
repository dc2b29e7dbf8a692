//! What stands in the lab's network, or hangs on its resources, and is not the lab's: it is told, and never touched.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::{Notice, Severity};
use super::types::Plan;
use crate::inventory::{Interface, Inventory, Owner, Seen, SeenGroup, Sighting};
use crate::lab::Lab;
use crate::model::{CloudId, Spec};

/// The interfaces in the lab's VPC that are not those of its machines.
pub fn strangers<'a>(lab: &Lab, observed: &'a Inventory) -> Vec<&'a Interface> {
    let is_ours =
        |sighting: &&Sighting| matches!(&sighting.owner, Owner::Lab { id, .. } if *id == lab.id);
    // Also those that are being terminated: their interfaces go with them.
    let machines: BTreeSet<&CloudId> = observed
        .sightings
        .iter()
        .filter(|sighting| sighting.instance().is_some())
        .filter(is_ours)
        .map(|sighting| &sighting.id)
        .collect();
    let interfaces = observed.interfaces.iter();
    interfaces
        .filter(|interface| {
            interface
                .instance
                .as_ref()
                .is_none_or(|instance| !machines.contains(instance))
        })
        .collect()
}

/// One notice for each foreign thing that was seen.
pub fn foreign(lab: &Lab, plan: &Plan, observed: &Inventory) -> Vec<Notice> {
    let mut notices: Vec<Notice> = strangers(lab, observed)
        .into_iter()
        .map(|interface| notice(format!("in the lab's network, not the lab's: {interface}")))
        .collect();
    notices.extend(observed.interfaces_unread.iter().map(|failure| {
        notice(format!(
            "whether something foreign stands in the lab's network could not be read: {failure}"
        ))
    }));
    let volumes: BTreeSet<&CloudId> = observed
        .owned(&lab.name, &lab.id)
        .map(|(_, sighting)| &sighting.id)
        .collect();
    let by_id: BTreeMap<&CloudId, &Sighting> =
        observed.sightings.iter().map(|s| (&s.id, s)).collect();
    for (address, sighting) in super::places::owned(lab, observed) {
        match &sighting.seen {
            Seen::Instance(seen) => {
                let is_ours = |id: &&CloudId| {
                    volumes.contains(id)
                        || seen.root_volume.as_ref() == Some(*id)
                        || by_id.get(*id).is_some_and(|found| found.is_part())
                };
                let others = seen.volumes.iter().filter(|id| !is_ours(id));
                notices.extend(others.map(|id| {
                    notice(format!("attached to {address}, not the lab's: volume {id}"))
                }));
            }
            Seen::SecurityGroup(seen) => {
                let wanted = lab.resources.get(&address).map(|resource| &resource.spec);
                notices.extend(
                    foreign_rules(wanted, seen)
                        .map(|rule| notice(format!("in {address}, not the lab's: rule {rule}"))),
                );
            }
            Seen::Route(seen) if plan.changes.iter().all(|change| change.address != address) => {
                notices.push(notice(format!(
                    "in {}, not the lab's: route to {}",
                    seen.table, seen.destination
                )));
            }
            _ => {}
        }
    }
    notices
}

/// The rules of a group that the lab has not made and does not ask for, in words.
fn foreign_rules<'a>(
    wanted: Option<&'a Spec>,
    seen: &'a SeenGroup,
) -> impl Iterator<Item = String> + 'a {
    let wanted: BTreeSet<_> = match wanted {
        Some(Spec::SecurityGroup(spec)) => spec.rules.iter().map(crate::model::Rule::key).collect(),
        _ => BTreeSet::new(),
    };
    let rules = seen
        .rules
        .iter()
        .filter(move |rule| !seen.tagged_rules.contains(rule) && !wanted.contains(&rule.key()))
        .map(ToString::to_string);
    rules.chain(seen.other_rules.iter().cloned())
}

fn notice(text: String) -> Notice {
    Notice {
        severity: Severity::Warning,
        topic: "foreign".to_owned(),
        text,
        help: None,
    }
}
