//! What was seen of one resource. A field that the API did not report is `None`, and `None` is never drift.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AlarmActions, AlarmSettings, CloudId, ImageId, InstanceState, InstanceType, Kind, Market, Rule,
    Zone,
};

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenVpc {
    /// Its address block.
    pub cidr: Option<Ipv4Net>,
    /// Whether instances get DNS names.
    pub dns_hostnames: Option<bool>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSubnet {
    /// Its VPC.
    pub vpc: Option<CloudId>,
    /// Its zone.
    pub zone: Option<Zone>,
    /// Its address block.
    pub cidr: Option<Ipv4Net>,
}

/// An internet gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGateway {
    /// The VPC it is attached to.
    pub vpc: Option<CloudId>,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRouteTable {
    /// Its VPC.
    pub vpc: Option<CloudId>,
}

/// A route; its id is `TABLE/DESTINATION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRoute {
    /// The table it stands in.
    pub table: CloudId,
    /// Where it leads.
    pub destination: Ipv4Net,
    /// The internet gateway, if it leads to one.
    pub gateway: Option<CloudId>,
    /// Whether its target is gone (`blackhole`).
    pub blackhole: bool,
}

/// The tie between a subnet and a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAssociation {
    /// The route table.
    pub table: CloudId,
    /// The subnet.
    pub subnet: CloudId,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGroup {
    /// Its VPC.
    pub vpc: Option<CloudId>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its ingress rules that have an address block as their source.
    pub rules: BTreeSet<Rule>,
    /// Those of them that carry the tags of the group's lab.
    pub tagged_rules: BTreeSet<Rule>,
    /// Its other ingress rules (other protocols, groups and prefix lists as sources), as text.
    pub other_rules: BTreeSet<String>,
}

/// A key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenKeyPair {
    /// Its name.
    pub name: String,
    /// Its public key as OpenSSH writes it, without comment.
    pub public_key: Option<String>,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRole {
    /// ARNs of its attached managed policies.
    pub policies: Option<BTreeSet<String>>,
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenProfile {
    /// The name of its role; `Some(None)` is a profile without one.
    pub role: Option<Option<String>>,
}

/// A placement group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPlacementGroup {
    /// Its strategy, for example `cluster`.
    pub strategy: Option<String>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenInstance {
    /// Its state.
    pub state: InstanceState,
    /// Why it is in that state, in EC2's words.
    pub state_reason: Option<String>,
    /// Its type.
    pub instance_type: InstanceType,
    /// Its zone.
    pub zone: Option<Zone>,
    /// Its image.
    pub image: Option<ImageId>,
    /// Its subnet.
    pub subnet: Option<CloudId>,
    /// Its key pair's name.
    pub key: Option<String>,
    /// Its security groups.
    pub security_groups: Option<BTreeSet<CloudId>>,
    /// The name of its instance profile; `None` where there is none or it was not reported.
    pub instance_profile: Option<String>,
    /// How it was bought.
    pub market: Market,
    /// Its spot request.
    pub spot_request: Option<CloudId>,
    /// When it was last started.
    pub launched: Option<Timestamp>,
    /// Its public address.
    pub public_ip: Option<String>,
    /// Its private address.
    pub private_ip: Option<String>,
    /// Its place in its launch.
    pub launch_index: u32,
    /// Whether IMDSv2 is required.
    pub imds_v2_required: Option<bool>,
    /// The hop limit of IMDS answers.
    pub imds_hop_limit: Option<u32>,
    /// Its root volume.
    pub root_volume: Option<CloudId>,
    /// Every volume that is attached to it, the root volume among them.
    pub volumes: BTreeSet<CloudId>,
    /// Its placement group.
    pub placement_group: Option<String>,
    /// Its virtual processors.
    pub vcpus: Option<u32>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenVolume {
    /// Its zone.
    pub zone: Option<Zone>,
    /// Its size in GiB.
    pub size_gib: Option<u32>,
    /// Its provisioned operations per second.
    pub iops: Option<u32>,
    /// Its provisioned throughput in MiB/s.
    pub throughput_mib: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The instance it is attached to, and as which device.
    pub attached: Option<(CloudId, String)>,
    /// Whether it goes with that instance: a root volume does, a data volume must not.
    pub dies_with_instance: bool,
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAddress {
    /// The address.
    pub public_ip: Option<String>,
    /// The instance it is associated with.
    pub instance: Option<CloudId>,
    /// The association.
    pub association: Option<CloudId>,
}

/// An alarm. Its state is left out: it is no part of what the alarm is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAlarm {
    /// Its ARN, by which it is tagged.
    pub arn: String,
    /// The machine that it watches, if it watches one.
    pub instance: Option<CloudId>,
    /// Its settings.
    pub settings: AlarmSettings,
    /// What it sets off.
    pub actions: AlarmActions,
}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenDashboard {
    /// Its body, in one spelling.
    pub body: Option<String>,
}

/// What was seen, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the kind of the same name")]
#[expect(
    clippy::large_enum_variant,
    reason = "most of what a lab has many of are instances"
)]
pub enum Seen {
    Vpc(SeenVpc),
    Subnet(SeenSubnet),
    InternetGateway(SeenGateway),
    RouteTable(SeenRouteTable),
    Route(SeenRoute),
    RouteTableAssociation(SeenAssociation),
    SecurityGroup(SeenGroup),
    KeyPair(SeenKeyPair),
    Role(SeenRole),
    InstanceProfile(SeenProfile),
    PlacementGroup(SeenPlacementGroup),
    Instance(SeenInstance),
    Volume(SeenVolume),
    ElasticIp(SeenAddress),
    Alarm(SeenAlarm),
    Dashboard(SeenDashboard),
}

impl Seen {
    /// The kind of resource this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Vpc(_) => Kind::Vpc,
            Self::Subnet(_) => Kind::Subnet,
            Self::InternetGateway(_) => Kind::InternetGateway,
            Self::RouteTable(_) => Kind::RouteTable,
            Self::Route(_) => Kind::Route,
            Self::RouteTableAssociation(_) => Kind::RouteTableAssociation,
            Self::SecurityGroup(_) => Kind::SecurityGroup,
            Self::KeyPair(_) => Kind::KeyPair,
            Self::Role(_) => Kind::Role,
            Self::InstanceProfile(_) => Kind::InstanceProfile,
            Self::PlacementGroup(_) => Kind::PlacementGroup,
            Self::Instance(_) => Kind::Instance,
            Self::Volume(_) => Kind::Volume,
            Self::ElasticIp(_) => Kind::ElasticIp,
            Self::Alarm(_) => Kind::Alarm,
            Self::Dashboard(_) => Kind::Dashboard,
        }
    }
}
