//! What the machines themselves may do.

use serde::Serialize;

use super::needs::nodes;
use crate::lab::host_policies;
use crate::model::IAM_PATH;
use crate::profile::Profile;

/// One managed policy that the lab attaches to its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostPolicy {
    /// Its ARN.
    pub arn: String,
    /// What it is for.
    pub purpose: &'static str,
}

/// The role that the lab's machines take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostRole {
    /// Path and beginning of its name; the lab's id follows.
    pub name: String,
    /// Who may take it.
    pub trusts: &'static str,
    /// What it may do.
    pub policies: Vec<HostPolicy>,
    /// Existing instance profiles that nodes take instead; what they may do is not roboinfra's doing.
    pub existing_profiles: Vec<String>,
}

/// The host role of a profile's lab; without policies where no node takes it.
pub fn host_role(profile: &Profile) -> HostRole {
    let own = nodes(profile).any(|node| node.instance_profile.is_none());
    let mut existing: Vec<String> = nodes(profile)
        .filter_map(|node| node.instance_profile.clone())
        .collect();
    existing.sort();
    existing.dedup();
    HostRole {
        name: format!("{IAM_PATH}roboinfra-{}-", profile.name),
        trusts: "ec2.amazonaws.com",
        policies: host_policies(&profile.region)
            .into_iter()
            .filter(|_| own)
            .map(|(arn, purpose)| HostPolicy { arn, purpose })
            .collect(),
        existing_profiles: existing,
    }
}
