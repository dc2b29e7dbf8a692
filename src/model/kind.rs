//! The closed list of resource kinds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of thing a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An EC2 VPC.
    Vpc,
    /// A subnet in one zone.
    Subnet,
    /// An internet gateway.
    InternetGateway,
    /// A route table.
    RouteTable,
    /// One route in a route table.
    Route,
    /// The tie between a subnet and a route table.
    RouteTableAssociation,
    /// A security group with its ingress rules.
    SecurityGroup,
    /// An imported EC2 key pair.
    KeyPair,
    /// An IAM role with its attached managed policies.
    Role,
    /// An IAM instance profile with its role.
    InstanceProfile,
    /// A placement group.
    PlacementGroup,
    /// An EC2 instance.
    Instance,
    /// A data volume that outlives its instance.
    Volume,
    /// An Elastic IP address.
    ElasticIp,
    /// A CloudWatch alarm on one machine.
    Alarm,
    /// The lab's CloudWatch dashboard.
    Dashboard,
}

impl Kind {
    /// Every kind, in the order in which a lab is built.
    pub const ALL: [Self; 16] = [
        Self::Vpc,
        Self::Subnet,
        Self::InternetGateway,
        Self::RouteTable,
        Self::Route,
        Self::RouteTableAssociation,
        Self::SecurityGroup,
        Self::KeyPair,
        Self::Role,
        Self::InstanceProfile,
        Self::PlacementGroup,
        Self::Instance,
        Self::Volume,
        Self::ElasticIp,
        Self::Alarm,
        Self::Dashboard,
    ];

    /// The kind as the user reads it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::Subnet => "subnet",
            Self::InternetGateway => "internet gateway",
            Self::RouteTable => "route table",
            Self::Route => "route",
            Self::RouteTableAssociation => "route table association",
            Self::SecurityGroup => "security group",
            Self::KeyPair => "key pair",
            Self::Role => "IAM role",
            Self::InstanceProfile => "instance profile",
            Self::PlacementGroup => "placement group",
            Self::Instance => "instance",
            Self::Volume => "volume",
            Self::ElasticIp => "Elastic IP",
            Self::Alarm => "alarm",
            Self::Dashboard => "dashboard",
        }
    }

    /// Whether the cloud lets such a resource carry tags when it is created.
    pub fn carries_tags(self) -> bool {
        !matches!(
            self,
            Self::Route | Self::RouteTableAssociation | Self::Dashboard
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
