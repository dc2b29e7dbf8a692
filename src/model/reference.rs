//! References from one resource to another, and what it means that one has no id yet.

use serde::{Deserialize, Serialize};

use super::{Address, CloudId};

/// Another resource: one of the lab's own by address, or an existing one by its id or name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ref {
    /// One of the lab's own; its id is known once it exists.
    Managed(Address),
    /// One that exists, by the id (or, for IAM and key pairs, the name) that the cloud knows.
    Existing(CloudId),
}

/// A reference whose resource has no id yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not exist yet")]
pub struct Unresolved(pub Address);

impl Ref {
    /// A reference to the lab's own resource at `address`.
    pub fn to(address: &Address) -> Self {
        Self::Managed(address.clone())
    }

    /// The id, if the reference is resolved.
    pub fn id(&self) -> Result<&CloudId, Unresolved> {
        match self {
            Self::Existing(id) => Ok(id),
            Self::Managed(address) => Err(Unresolved(address.clone())),
        }
    }
}
