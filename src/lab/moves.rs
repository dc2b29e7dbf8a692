//! What has another address now: `[[moved]]` of the profile, and what `state mv` is told.

use std::collections::BTreeMap;

use crate::model::Address;
use crate::profile::Profile;

/// Old addresses and their new ones. A group takes along the machines, volumes and addresses of each index, its
/// security group and its placement group; a single machine takes along its volumes and its address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moves(BTreeMap<Address, Address>);

impl Moves {
    /// The moves that a profile lists.
    pub fn of(profile: &Profile) -> Self {
        let moved = profile.moved.iter();
        Self(
            moved
                .map(|moved| (Address::new(&moved.from), Address::new(&moved.to)))
                .collect(),
        )
    }

    /// One move.
    pub fn one(from: Address, to: Address) -> Self {
        Self(BTreeMap::from([(from, to)]))
    }

    /// Whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address that stands now where `address` stood; the same where nothing has moved. Moves are followed one
    /// after the other, and none of them twice.
    pub fn home(&self, address: &Address) -> Address {
        let mut at = address.clone();
        for _ in 0..self.0.len() {
            match self.step(&at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    fn step(&self, address: &Address) -> Option<Address> {
        if let Some(to) = self.0.get(address) {
            return Some(to.clone());
        }
        let parts: Vec<&str> = address.as_str().split('.').collect();
        match parts.as_slice() {
            [
                "access",
                kind @ ("security-group" | "placement-group"),
                group,
            ] => {
                let to = self.0.get(&Address::of(&["node", group]))?;
                let group = to.as_str().strip_prefix("node.")?;
                Some(Address::of(&["access", kind, group]))
            }
            [
                kind @ ("node" | "volume" | "elastic-ip"),
                group,
                index,
                rest @ ..,
            ] => {
                let single = self.0.get(&Address::of(&["node", group, index]));
                let to = if let Some(to) = single {
                    to.as_str().strip_prefix("node.")?.to_owned()
                } else {
                    let to = self.0.get(&Address::of(&["node", group]))?;
                    format!("{}.{index}", to.as_str().strip_prefix("node.")?)
                };
                let mut moved = vec![*kind, to.as_str()];
                moved.extend(rest);
                Some(Address::of(&moved))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(pairs: &[(&str, &str)]) -> Moves {
        let pairs = pairs.iter();
        Moves(
            pairs
                .map(|(from, to)| (Address::new(*from), Address::new(*to)))
                .collect(),
        )
    }

    #[test]
    fn what_belongs_to_a_node_goes_with_it() {
        let group = [("node.simulator", "node.sim")];
        let single = [("node.sim.1", "node.arm.0")];
        let both = [("node.sim.1", "node.arm.0"), ("node.sim", "node.lab")];
        let chain = [("node.aa", "node.bb"), ("node.bb", "node.cc")];
        for (pairs, from, to) in [
            (&group[..], "node.simulator.3", "node.sim.3"),
            (&group, "volume.simulator.3.data", "volume.sim.3.data"),
            (&group, "elastic-ip.simulator.0", "elastic-ip.sim.0"),
            (
                &group,
                "access.security-group.simulator",
                "access.security-group.sim",
            ),
            (
                &group,
                "access.placement-group.simulator",
                "access.placement-group.sim",
            ),
            (&group, "node.simulators.0", "node.simulators.0"),
            (&group, "network.vpc", "network.vpc"),
            (&group, "node.sim.0", "node.sim.0"),
            (&single, "node.sim.1", "node.arm.0"),
            (&single, "volume.sim.1.data", "volume.arm.0.data"),
            (&single, "node.sim.10", "node.sim.10"),
            (
                &single,
                "access.security-group.sim",
                "access.security-group.sim",
            ),
            (&both, "node.sim.1", "node.arm.0"),
            (&both, "node.sim.2", "node.lab.2"),
            (&chain, "node.aa.0", "node.cc.0"),
            (&chain, "elastic-ip.bb.0", "elastic-ip.cc.0"),
        ] {
            assert_eq!(
                moves(pairs).home(&Address::new(from)).as_str(),
                to,
                "{from}"
            );
        }
    }

    #[test]
    fn moves_in_a_circle_end() {
        let circle = moves(&[("node.aa", "node.bb"), ("node.bb", "node.aa")]);
        assert_eq!(
            circle.home(&Address::new("node.aa.0")).as_str(),
            "node.aa.0"
        );
    }
}
