//! From a place in the table to ARNs and conditions.

use std::collections::{BTreeMap, BTreeSet};

use super::needs::{nodes, parameters, secrets};
use super::table::TABLE;
use super::types::{Need, Place, Service};
use crate::catalog;
use crate::lab::{host_policies, role_name, watch_names};
use crate::model::{IAM_PATH, LabId, TAG_LAB, WatchNames};
use crate::profile::{Profile, StateStore};

/// Operator, key, values.
pub(super) type Condition = BTreeMap<&'static str, BTreeMap<String, Vec<String>>>;

/// How many characters a lab's id has; in an ARN each `?` stands for one.
const ID_WIDTH: usize = 12;

/// What a place means for one profile.
pub(super) struct Site<'a> {
    profile: &'a Profile,
    needs: &'a BTreeSet<Need>,
}

impl<'a> Site<'a> {
    pub(super) fn new(profile: &'a Profile, needs: &'a BTreeSet<Need>) -> Self {
        Self { profile, needs }
    }

    /// The end of the statement's name; statements of one phase with the same end are one.
    pub(super) fn title(place: Place) -> &'static str {
        match place {
            Place::Region => "Read",
            Place::Ours(_) => "Ours",
            Place::New(_) => "New",
            Place::NewInVpc(_) => "NewInVpc",
            Place::NewMachine => "NewMachine",
            Place::NewRule => "NewRule",
            Place::SpotRequest => "SpotRequest",
            Place::Images => "Images",
            Place::UsedVpc | Place::UsedSubnets => "ExistingNetwork",
            Place::Parameters => "Parameters",
            Place::Secrets => "Secrets",
            Place::TagsOnCreate => "Tags",
            Place::Role | Place::Profile => "Role",
            Place::NewRole | Place::NewProfile => "NewRole",
            Place::RolePolicies => "RolePolicies",
            Place::PassedRole | Place::PassedExistingRole => "PassRole",
            Place::SpotRole => "SpotRole",
            Place::Alarms | Place::Dashboard => "Watch",
            Place::StateObjects => "State",
            Place::StateBucket => "StateBucket",
        }
    }

    /// The ARNs of a place.
    pub(super) fn resources(&self, place: Place) -> Vec<String> {
        let all = |types: &[&str]| types.iter().map(|kind| self.ec2(kind, "*")).collect();
        match place {
            Place::Region => vec!["*".to_owned()],
            Place::Ours(types) => all(types),
            Place::New(kind) | Place::NewInVpc(kind) => all(&[kind]),
            Place::NewMachine => all(&["instance", "network-interface", "volume"]),
            Place::NewRule => all(&["security-group-rule"]),
            Place::SpotRequest => all(&["spot-instances-request"]),
            Place::Images => self.images(),
            Place::UsedVpc => self
                .profile
                .network
                .existing
                .iter()
                .map(|network| self.ec2("vpc", network.vpc.as_str()))
                .collect(),
            Place::UsedSubnets => self
                .profile
                .network
                .existing
                .iter()
                .flat_map(|network| &network.subnets)
                .map(|subnet| self.ec2("subnet", subnet.as_str()))
                .collect(),
            Place::Parameters => self.parameters(&parameters(self.profile)),
            Place::Secrets => self.parameters(&secrets(self.profile)),
            Place::TagsOnCreate => vec![self.ec2("*", "*")],
            Place::Role | Place::NewRole | Place::RolePolicies | Place::PassedRole => {
                vec![self.iam(&format!("role{IAM_PATH}{}", self.role()))]
            }
            Place::PassedExistingRole => nodes(self.profile)
                .filter_map(|node| node.instance_profile.as_ref())
                .map(|name| self.iam(&format!("role/{name}")))
                .collect(),
            Place::SpotRole => {
                vec![self.iam("role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot")]
            }
            Place::Profile | Place::NewProfile => {
                vec![self.iam(&format!("instance-profile{IAM_PATH}{}", self.role()))]
            }
            // CloudWatch knows no tags of a dashboard, and none of an alarm that is not made yet: their names hold the lab's.
            Place::Alarms => {
                let (partition, region) = (self.partition(), &self.profile.region);
                let names = self.watch();
                vec![format!(
                    "arn:{partition}:cloudwatch:{region}:*:alarm:{}*",
                    names.alarms()
                )]
            }
            Place::Dashboard => {
                let (partition, names) = (self.partition(), self.watch());
                vec![format!(
                    "arn:{partition}:cloudwatch::*:dashboard/{}",
                    names.dashboard()
                )]
            }
            Place::StateObjects => self.state(|state| {
                let slash = if state.prefix.is_empty() || state.prefix.ends_with('/') {
                    ""
                } else {
                    "/"
                };
                let name = &self.profile.name;
                format!("{}/{}{slash}roboinfra/{name}/*", state.bucket, state.prefix)
            }),
            Place::StateBucket => self.state(|state| state.bucket.clone()),
        }
    }

    /// The condition of a place.
    pub(super) fn condition(&self, place: Place) -> Option<Condition> {
        let lab = self.profile.name.to_string();
        let tag = |key: &str| equals(&format!("{key}/{TAG_LAB}"), [lab.clone()]);
        Some(match place {
            Place::Region => equals(
                "aws:RequestedRegion",
                [self.profile.region.as_str().to_owned()],
            ),
            Place::Ours(_) => tag("aws:ResourceTag"),
            Place::New(_)
            | Place::NewInVpc(_)
            | Place::NewMachine
            | Place::NewRule
            | Place::NewRole
            | Place::NewProfile => tag("aws:RequestTag"),
            Place::TagsOnCreate => {
                let mut both = tag("aws:RequestTag");
                let keys = both.entry("StringEquals").or_default();
                keys.insert("ec2:CreateAction".to_owned(), self.creating());
                both
            }
            Place::RolePolicies => BTreeMap::from([(
                "ArnEquals",
                BTreeMap::from([(
                    "iam:PolicyARN".to_owned(),
                    host_policies(&self.profile.region)
                        .into_iter()
                        .map(|(arn, _)| arn)
                        .collect(),
                )]),
            )]),
            Place::PassedRole | Place::PassedExistingRole => {
                equals("iam:PassedToService", [self.ec2_principal()])
            }
            Place::SpotRole => equals("iam:AWSServiceName", ["spot.amazonaws.com".to_owned()]),
            Place::SpotRequest
            | Place::Images
            | Place::UsedVpc
            | Place::UsedSubnets
            | Place::Parameters
            | Place::Secrets
            | Place::Role
            | Place::Profile
            | Place::Alarms
            | Place::Dashboard
            | Place::StateObjects
            | Place::StateBucket => return None,
        })
    }

    /// What lies in the bucket of the shared state; nothing where there is none.
    fn state(&self, place: impl Fn(&StateStore) -> String) -> Vec<String> {
        let state = self.profile.state.iter();
        state
            .map(|state| format!("arn:{}:s3:::{}", self.partition(), place(state)))
            .collect()
    }

    /// The calls that make something with tags in this lab.
    fn creating(&self) -> Vec<String> {
        TABLE
            .iter()
            .filter(|call| call.service == Service::Ec2)
            .filter(|call| {
                call.grants.iter().any(|grant| {
                    grant.place == Place::TagsOnCreate && self.needs.contains(&grant.need)
                })
            })
            .map(|call| call.name.to_owned())
            .collect()
    }

    /// The principal that EC2 takes roles as.
    fn ec2_principal(&self) -> String {
        if self.partition() == "aws-cn" {
            "ec2.amazonaws.com.cn".to_owned()
        } else {
            "ec2.amazonaws.com".to_owned()
        }
    }

    fn partition(&self) -> &'static str {
        catalog::partition(&self.profile.region).as_str()
    }

    fn ec2(&self, kind: &str, id: &str) -> String {
        let (partition, region) = (self.partition(), &self.profile.region);
        format!("arn:{partition}:ec2:{region}:*:{kind}/{id}")
    }

    fn iam(&self, what: &str) -> String {
        format!("arn:{}:iam::*:{what}", self.partition())
    }

    /// The names of its alarms and dashboard, likewise.
    fn watch(&self) -> WatchNames {
        watch_names(self.profile, &LabId::new("?".repeat(ID_WIDTH)))
    }

    /// The name of the lab's role and instance profile, whatever the lab's id will be.
    fn role(&self) -> String {
        role_name(&self.profile.name, &LabId::new("?".repeat(ID_WIDTH)))
    }

    /// Images that are named are the only ones; which image a parameter names is not known here.
    fn images(&self) -> Vec<String> {
        let (partition, region) = (self.partition(), &self.profile.region);
        nodes(self.profile)
            .map(|node| {
                let id = if node.image.0.starts_with("ami-") {
                    node.image.0.as_str()
                } else {
                    "*"
                };
                format!("arn:{partition}:ec2:{region}::image/{id}")
            })
            .collect()
    }

    /// Public parameters belong to no account.
    fn parameters(&self, paths: &BTreeSet<String>) -> Vec<String> {
        let (partition, region) = (self.partition(), &self.profile.region);
        paths
            .iter()
            .map(|path| {
                let account = if path.starts_with("/aws/service/") {
                    ""
                } else {
                    "*"
                };
                let slash = if path.starts_with('/') { "" } else { "/" };
                format!("arn:{partition}:ssm:{region}:{account}:parameter{slash}{path}")
            })
            .collect()
    }
}

fn equals(key: &str, values: impl IntoIterator<Item = String>) -> Condition {
    BTreeMap::from([(
        "StringEquals",
        BTreeMap::from([(key.to_owned(), values.into_iter().collect())]),
    )])
}
