//! Puts ids in the place of addresses, just before a step begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Address, Op, Ref, Rung, Unresolved};
use crate::plan::Binding;

/// The operation with every reference resolved.
pub(super) fn resolve(op: &Op, bindings: &BTreeMap<Address, Binding>) -> Result<Op, Unresolved> {
    let mut op = op.clone();
    if let Op::RunInstances { launch, rung, .. } = &mut op {
        // A choice whose subnet could not be made is no choice.
        let ladder: Vec<Rung> = launch
            .ladder
            .iter()
            .filter_map(|rung| rung_of(rung, bindings))
            .collect();
        if let Some(first) = ladder.first() {
            *rung = first.clone();
        }
        Arc::make_mut(launch).ladder = ladder;
    }
    if let Op::CreateVolume {
        beside: Ref::Managed(node),
        zone,
        ..
    } = &mut op
        && zone.is_none()
    {
        *zone = bindings.get(node).and_then(|binding| binding.zone.clone());
    }
    for reference in op.refs_mut() {
        if let Ref::Managed(address) = reference {
            let binding = bindings
                .get(address)
                .ok_or_else(|| Unresolved(address.clone()))?;
            *reference = Ref::Existing(binding.id.clone());
        }
    }
    Ok(op)
}

fn rung_of(rung: &Rung, bindings: &BTreeMap<Address, Binding>) -> Option<Rung> {
    let subnet = match &rung.subnet {
        Ref::Existing(id) => id.clone(),
        Ref::Managed(address) => bindings.get(address)?.id.clone(),
    };
    Some(Rung {
        subnet: Ref::Existing(subnet),
        ..rung.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CloudId;

    #[test]
    fn what_does_not_exist_is_named() {
        let vpc = Address::new("network.vpc");
        let op = Op::CreateRouteTable { vpc: Ref::to(&vpc) };
        assert_eq!(resolve(&op, &BTreeMap::new()), Err(Unresolved(vpc.clone())));
        let bindings = BTreeMap::from([(
            vpc,
            Binding {
                id: CloudId::new("vpc-1"),
                zone: None,
            },
        )]);
        let expected = Op::CreateRouteTable {
            vpc: Ref::Existing(CloudId::new("vpc-1")),
        };
        assert_eq!(resolve(&op, &bindings), Ok(expected));
    }
}
