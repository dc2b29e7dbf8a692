//! Permissions.

use serde::Serialize;

use super::line::{Format, line};
use crate::policy::{HostRole, Policy};

#[derive(Serialize)]
#[serde(tag = "type", rename = "policy")]
struct PolicyMirror<'a> {
    document: &'a Policy,
    characters: usize,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "host-role")]
struct RoleMirror<'a> {
    name: &'a str,
    trusts: &'a str,
    policies: Vec<HostPolicyMirror<'a>>,
    existing_profiles: &'a [String],
}

#[derive(Serialize)]
struct HostPolicyMirror<'a> {
    arn: &'a str,
    purpose: &'a str,
}

/// A policy document as lines of JSON.
pub fn policy_json(policy: &Policy) -> String {
    let mirror = PolicyMirror {
        document: policy,
        characters: policy.weight(),
    };
    Format::Policy.opening() + &line(&mirror)
}

/// What the machines may do, as lines of JSON.
pub fn host_role_json(role: &HostRole) -> String {
    let HostRole {
        name,
        trusts,
        policies,
        existing_profiles,
    } = role;
    let mirror = RoleMirror {
        name,
        trusts,
        policies: policies
            .iter()
            .map(|policy| HostPolicyMirror {
                arn: &policy.arn,
                purpose: policy.purpose,
            })
            .collect(),
        existing_profiles,
    };
    Format::Policy.opening() + &line(&mirror)
}
