//! Security groups, the key pair, and what the machines may do: role and instance profile.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::collect::{Resources, add};
use super::names::{instance_profile_name, key_name, role_name};
use super::network::Networking;
use super::types::Facts;
use crate::catalog;
use crate::model::{
    Address, CloudId, InstanceProfileSpec, KeyPairSpec, NodeName, Ref, Region, RoleSpec, Rule,
    SecurityGroupSpec, Spec,
};
use crate::profile::{Operator, Profile, Source};

/// AWS's own policies that a machine's role gets, and what each is for.
const HOST_POLICIES: [(&str, &str); 2] = [
    (
        "AmazonSSMManagedInstanceCore",
        "Session Manager: a shell on the machine without any open port",
    ),
    (
        "CloudWatchAgentServerPolicy",
        "metrics and logs that the machine publishes",
    ),
];

/// The ARNs of the policies that a machine's role gets in a region, and what each is for.
pub fn host_policies(region: &Region) -> Vec<(String, &'static str)> {
    let partition = catalog::partition(region).as_str();
    HOST_POLICIES
        .iter()
        .map(|(name, purpose)| (format!("arn:{partition}:iam::aws:policy/{name}"), *purpose))
        .collect()
}

/// What the nodes need of the lab's access.
pub(super) struct Access {
    /// The key pair.
    pub(super) key: Ref,
    /// The security group of each node group.
    pub(super) groups: BTreeMap<NodeName, Ref>,
    /// The lab's own instance profile, if some node uses it.
    pub(super) profile: Option<Ref>,
}

pub(super) fn access(
    profile: &Profile,
    facts: &Facts,
    networking: &Networking,
    resources: &mut Resources,
) -> Access {
    let rules = rules(profile, facts);
    let mut groups = BTreeMap::new();
    for (name, _) in profile.nodes.iter().filter(|(_, node)| node.count > 0) {
        let spec = SecurityGroupSpec {
            vpc: networking.vpc.clone(),
            name: format!("{}-{name}", role_name(&profile.name, &facts.lab_id)),
            description: format!("roboinfra lab {}: node {name}", profile.name),
            rules: rules.clone(),
        };
        let address = Address::of(&["access", "security-group", name.as_str()]);
        groups.insert(
            name.clone(),
            add(resources, &address, Spec::SecurityGroup(spec)),
        );
    }
    let key_spec = KeyPairSpec {
        name: key_name(&profile.name, &facts.lab_id),
        public_key: facts.public_keys.first().cloned().unwrap_or_default(),
    };
    let key = add(
        resources,
        &Address::new("access.key-pair"),
        Spec::KeyPair(key_spec),
    );
    let wants_profile = profile
        .nodes
        .values()
        .any(|node| node.count > 0 && node.instance_profile.is_none());
    let instance_profile = wants_profile.then(|| identity(profile, facts, &key, resources));
    Access {
        key,
        groups,
        profile: instance_profile,
    }
}

/// IAM cannot be searched by tag: what is made there comes after the key pair and goes before it, so that wherever a run
/// is cut off and its files are lost, something by which the lab is found is still there.
fn identity(profile: &Profile, facts: &Facts, key: &Ref, resources: &mut Resources) -> Ref {
    let role_spec = RoleSpec {
        name: role_name(&profile.name, &facts.lab_id),
        policies: host_policies(&profile.region)
            .into_iter()
            .map(|(arn, _)| arn)
            .collect(),
    };
    let address = Address::new("access.role");
    let role = add(resources, &address, Spec::Role(role_spec));
    let spec = InstanceProfileSpec {
        name: instance_profile_name(&profile.name, &facts.lab_id),
        role,
    };
    let holder = Address::new("access.instance-profile");
    let instance_profile = add(resources, &holder, Spec::InstanceProfile(spec));
    if let Ref::Managed(key) = key {
        for address in [address, holder] {
            resources.entry(address).and_modify(|resource| {
                resource.after.insert(key.clone());
            });
        }
    }
    instance_profile
}

/// Every ingress rule: a port and one block that may connect to it.
fn rules(profile: &Profile, facts: &Facts) -> BTreeSet<Rule> {
    let operators: Vec<IpNet> = profile
        .operators
        .iter()
        .filter_map(|operator| match operator {
            Operator::MyIp => facts.my_ip,
            Operator::Cidr(cidr) => Some(*cidr),
        })
        .collect();
    let mut rules = BTreeMap::new();
    for (name, port) in &profile.ports {
        let sources = match &port.from {
            Source::Tunnel => &[][..],
            Source::Operators => &operators,
            Source::Cidrs(cidrs) => cidrs,
        };
        for source in sources {
            let rule = Rule {
                protocol: port.protocol,
                ports: port.ports,
                source: source.trunc(),
                description: format!("{name} ({})", profile.name),
            };
            rules.entry(rule.key()).or_insert(rule);
        }
    }
    rules.into_values().collect()
}

/// An existing instance profile by its name.
pub(super) fn existing_profile(name: &str) -> Ref {
    Ref::Existing(CloudId::new(name))
}
