//! A running instance as somebody sees it who wants to log in.

use jiff::Timestamp;

use super::world::{Address, Edge, Instance, Interface, Phase, Store};

/// A running instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    /// Its type.
    pub(super) instance_type: String,
    /// When it was launched, or started again.
    pub(super) launched: Timestamp,
    /// The addresses that it answers at.
    pub(super) addresses: Vec<String>,
}

impl Machine {
    /// The running instance of an id.
    pub(super) fn find(store: &Store, id: &str) -> Option<Self> {
        let instance = store.get::<Instance>(id)?;
        if instance.phase != Phase::Running {
            return None;
        }
        let addresses = store
            .hanging::<Interface>(id, Edge::InterfaceOfInstance)
            .flat_map(|interface| {
                let elastic = interface
                    .elastic
                    .as_deref()
                    .and_then(|allocation| store.get::<Address>(allocation))
                    .map(|address| address.public_ip);
                [Some(interface.private_ip), interface.public_ip, elastic]
            })
            .flatten()
            .map(|address| address.to_string())
            .collect();
        Some(Self {
            instance_type: instance.instance_type.clone(),
            launched: instance.launched,
            addresses,
        })
    }
}
