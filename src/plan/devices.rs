//! Under which device name each volume is attached. A profile's volumes have names in the order of their keys; on a
//! machine that stays, a name may be taken by a volume that came before.

use std::collections::{BTreeMap, BTreeSet};

use super::input::Input;
use super::judged::Judged;
use super::types::Step;
use crate::inventory::Seen;
use crate::model::{Action, Address, CloudId, Op, Ref, Spec};

/// What EC2 recommends for data volumes.
const LETTERS: std::ops::RangeInclusive<char> = 'f'..='p';

/// Gives the volumes that are about to be attached names that are free on their machines.
pub(super) fn settle(
    input: &Input<'_>,
    judged: &BTreeMap<&Address, &Judged<'_>>,
    steps: &mut [Step],
) {
    let mut taken = taken(judged);
    for step in steps {
        let Op::AttachVolume { volume, device, .. } = &mut step.op else {
            continue;
        };
        let Ref::Managed(address) = volume else {
            continue;
        };
        let resource = input.lab.resources.get(address);
        let Some(Spec::Volume(spec)) = resource.map(|resource| &resource.spec) else {
            continue;
        };
        let Some(machine) = machine(&spec.node, judged) else {
            continue;
        };
        let names = taken.entry(machine).or_default();
        let free = || {
            LETTERS
                .map(|letter| format!("/dev/sd{letter}"))
                .find(|name| !names.contains(name))
        };
        if names.contains(device)
            && let Some(free) = free()
        {
            *device = free;
        }
        names.insert(device.clone());
    }
}

/// The machine that a volume is for, if it exists and stays.
fn machine<'a>(node: &Ref, judged: &BTreeMap<&Address, &'a Judged<'_>>) -> Option<&'a CloudId> {
    let Ref::Managed(node) = node else {
        return None;
    };
    let change = &judged.get(node)?.change;
    let stays = !matches!(change.action, Action::Create | Action::Replace);
    change.id.as_ref().filter(|_| stays)
}

/// The device names in use on each machine.
fn taken<'a>(
    judged: &BTreeMap<&Address, &'a Judged<'_>>,
) -> BTreeMap<&'a CloudId, BTreeSet<String>> {
    let mut taken: BTreeMap<&CloudId, BTreeSet<String>> = BTreeMap::new();
    for judged in judged.values() {
        if let Some(Seen::Volume(seen)) = judged.sighting.map(|sighting| &sighting.seen)
            && let Some((machine, device)) = &seen.attached
        {
            taken.entry(machine).or_default().insert(device.clone());
        }
    }
    taken
}
