//! Names of things that need one outside the lab. Each holds the lab's identity, so that two labs of one name in
//! one account never meet.

use crate::model::{LabId, LabName};

/// The IAM role's name; IAM allows 64 characters, this takes at most 54.
pub fn role_name(name: &LabName, id: &LabId) -> String {
    format!("roboinfra-{name}-{id}")
}

/// The instance profile's name.
pub fn instance_profile_name(name: &LabName, id: &LabId) -> String {
    role_name(name, id)
}

/// The key pair's name.
pub fn key_name(name: &LabName, id: &LabId) -> String {
    role_name(name, id)
}
