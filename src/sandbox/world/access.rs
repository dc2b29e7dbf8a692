//! Key pairs, IAM roles and profiles, client tokens, and what scenario rules remember.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{Edge, Indexed, Keys, Tags};

/// A key pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) key_type: String,
    pub(crate) fingerprint: String,
    pub(crate) public_key: String,
    pub(crate) created: Timestamp,
    pub(crate) tags: Tags,
}

impl Indexed for KeyPair {
    fn index(&self, keys: &mut Keys) {
        keys.name(format!("key/{}", self.name));
    }
}

/// What a client token did (EC2 Developer Guide, ec2-api-idempotency).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// `token/ACTION/ZONE/TOKEN`.
    pub(crate) id: String,
    /// A digest of the request's parameters.
    pub(crate) digest: String,
    /// The ids of what it made.
    pub(crate) made: Vec<String>,
}

impl Indexed for Token {}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Role {
    /// `role/NAME`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) unique: String,
    pub(crate) path: String,
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) max_session: u32,
    pub(crate) boundary: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) attached: BTreeSet<String>,
    pub(crate) inline: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

impl Indexed for Role {
    fn index(&self, keys: &mut Keys) {
        if !self.attached.is_empty() {
            keys.edge(Edge::PolicyAttached, &self.id);
        }
        if !self.inline.is_empty() {
            keys.edge(Edge::PolicyInline, &self.id);
        }
    }
}

/// An IAM instance profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    /// `profile/NAME`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) unique: String,
    pub(crate) path: String,
    pub(crate) role: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) tags: Tags,
}

impl Indexed for InstanceProfile {
    fn index(&self, keys: &mut Keys) {
        if let Some(role) = &self.role {
            keys.edge(Edge::RoleInProfile, &format!("role/{role}"));
            keys.edge(Edge::ProfileHasRole, &self.id);
        }
    }
}

/// A service-linked role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceLinkedRole {
    /// `linked/SERVICE`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
}

impl Indexed for ServiceLinkedRole {}

/// How often a scenario rule matched and fired; kept so that a later process goes on counting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultState {
    /// `fault/DIGEST`.
    pub(crate) id: String,
    pub(crate) matched: u64,
    pub(crate) fired: u64,
}

impl Indexed for FaultState {}
