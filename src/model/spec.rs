//! What each kind of resource should be: the desired side of the plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Address, AlarmSpec, CloudId, DashboardSpec, ImageId, InstanceType, Kind, Market, NodeName, Ref,
    Rule, Usd, Zone,
};

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcSpec {
    /// Its address block.
    pub cidr: Ipv4Net,
}

/// A public subnet in one zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetSpec {
    /// The VPC it lies in.
    pub vpc: Ref,
    /// Its zone.
    pub zone: Zone,
    /// Its address block.
    pub cidr: Ipv4Net,
}

/// An internet gateway attached to a VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySpec {
    /// The VPC.
    pub vpc: Ref,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableSpec {
    /// The VPC.
    pub vpc: Ref,
}

/// A route to an internet gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// The table it stands in.
    pub table: Ref,
    /// Where it leads.
    pub destination: Ipv4Net,
    /// The internet gateway.
    pub gateway: Ref,
}

/// The tie between a subnet and a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationSpec {
    /// The route table.
    pub table: Ref,
    /// The subnet.
    pub subnet: Ref,
}

/// A security group and all its ingress rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupSpec {
    /// The VPC.
    pub vpc: Ref,
    /// The group's name, unique in the VPC.
    pub name: String,
    /// What the group is for; EC2 never lets it change.
    pub description: String,
    /// The ingress rules.
    pub rules: BTreeSet<Rule>,
}

/// An imported key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairSpec {
    /// The key pair's name, unique in the region.
    pub name: String,
    /// The public key as OpenSSH writes it, without its comment. Empty until a key has been made.
    pub public_key: String,
}

/// Where roles and instance profiles live in IAM, so that a policy can name them all.
pub const IAM_PATH: &str = "/roboinfra/";

/// An IAM role that EC2 instances may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSpec {
    /// The role's name, unique in the account.
    pub name: String,
    /// ARNs of the managed policies attached to it.
    pub policies: BTreeSet<String>,
}

/// An instance profile with one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfileSpec {
    /// The profile's name, unique in the account.
    pub name: String,
    /// Its role.
    pub role: Ref,
}

/// A cluster placement group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementGroupSpec {
    /// The group's name, unique in the region.
    pub name: String,
}

/// How the profile names an image: a known name, an `ami-…` id, or `ssm:/path`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageRef(pub String);

/// An image as found once and kept, so that a newer one never replaces a running machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedImage {
    /// The AMI.
    pub id: ImageId,
    /// The name of its root device, for example `/dev/sda1`.
    pub root_device: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The size of its root snapshot in GiB: a root volume cannot be smaller.
    pub root_gib: u32,
    /// The image's name as its owner gave it.
    pub name: String,
}

/// A gp3 root volume, encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootVolume {
    /// Size in GiB.
    pub size_gib: u32,
    /// Provisioned operations per second.
    pub iops: u32,
    /// Provisioned throughput in MiB/s.
    pub throughput_mib: u32,
}

/// What the operating system's shutdown does to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shutdown {
    /// The instance stops and can be started again.
    Stop,
    /// The instance is gone.
    Terminate,
}

/// How spot capacity is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpotOptions {
    /// The most to pay per hour; AWS advises none.
    pub max_price: Option<Usd>,
    /// Persistent with stop on interruption, so that the machine can be stopped and started; otherwise one-time.
    pub persistent: bool,
}

/// One choice of where and how to launch; the plan lists them in the order they are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// The market.
    pub market: Market,
    /// The instance type.
    pub instance_type: InstanceType,
    /// The zone.
    pub zone: Zone,
    /// The subnet in that zone.
    pub subnet: Ref,
}

/// What all nodes of one group share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The choices, in order: zones within a type, types within a market, then the next market.
    pub ladder: Vec<Rung>,
    /// How the profile names the image.
    pub image_ref: ImageRef,
    /// The image.
    pub image: PinnedImage,
    /// The key pair, by name.
    pub key: Option<Ref>,
    /// The security groups.
    pub security_groups: Vec<Ref>,
    /// The instance profile, by name.
    pub instance_profile: Option<Ref>,
    /// The placement group, by name; its members launch together or not at all.
    pub placement_group: Option<Ref>,
    /// The root volume.
    pub root: RootVolume,
    /// Cloud-init user data, in clear; never holds a secret.
    pub user_data: Option<String>,
    /// What a shutdown from inside does.
    pub shutdown: Shutdown,
    /// Options for the rungs on the spot market.
    pub spot: SpotOptions,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// The node group.
    pub group: NodeName,
    /// Its index in the group.
    pub index: u32,
    /// What it shares with its group.
    #[serde(with = "super::shared")]
    pub launch: Arc<LaunchSpec>,
    /// Whether the profile forbids its deletion.
    pub prevent_destroy: bool,
}

/// A data volume attached to one node; it outlives the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// The node it is attached to, and in whose zone it is made.
    pub node: Ref,
    /// The device name it is attached as, `/dev/sdf` to `/dev/sdp`.
    pub device: String,
    /// Size in GiB.
    pub size_gib: u32,
    /// Provisioned operations per second.
    pub iops: u32,
    /// Provisioned throughput in MiB/s.
    pub throughput_mib: u32,
    /// Whether `destroy` leaves it.
    pub keep: bool,
}

/// An Elastic IP associated with one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIpSpec {
    /// The node.
    pub node: Ref,
}

/// A desired resource of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the kind of the same name")]
pub enum Spec {
    Vpc(VpcSpec),
    Subnet(SubnetSpec),
    InternetGateway(GatewaySpec),
    RouteTable(RouteTableSpec),
    Route(RouteSpec),
    RouteTableAssociation(AssociationSpec),
    SecurityGroup(SecurityGroupSpec),
    KeyPair(KeyPairSpec),
    Role(RoleSpec),
    InstanceProfile(InstanceProfileSpec),
    PlacementGroup(PlacementGroupSpec),
    Instance(InstanceSpec),
    Volume(VolumeSpec),
    ElasticIp(ElasticIpSpec),
    Alarm(AlarmSpec),
    Dashboard(DashboardSpec),
}

impl Spec {
    /// The kind of resource this describes.
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

    /// The other resources this one refers to.
    pub fn refs(&self) -> Vec<&Ref> {
        match self {
            Self::Vpc(_)
            | Self::KeyPair(_)
            | Self::Role(_)
            | Self::PlacementGroup(_)
            | Self::Dashboard(_) => Vec::new(),
            Self::Subnet(s) => vec![&s.vpc],
            Self::InternetGateway(s) => vec![&s.vpc],
            Self::RouteTable(s) => vec![&s.vpc],
            Self::Route(s) => vec![&s.table, &s.gateway],
            Self::RouteTableAssociation(s) => vec![&s.table, &s.subnet],
            Self::SecurityGroup(s) => vec![&s.vpc],
            Self::InstanceProfile(s) => vec![&s.role],
            Self::Volume(s) => vec![&s.node],
            Self::ElasticIp(s) => vec![&s.node],
            Self::Alarm(s) => vec![&s.node],
            Self::Instance(s) => {
                let launch = &s.launch;
                let subnets = launch.ladder.iter().map(|rung| &rung.subnet);
                let named = [
                    &launch.key,
                    &launch.instance_profile,
                    &launch.placement_group,
                ];
                subnets
                    .chain(&launch.security_groups)
                    .chain(named.into_iter().flatten())
                    .collect()
            }
        }
    }

    /// The addresses of the lab's own resources this one refers to.
    pub fn depends_on(&self) -> BTreeSet<&Address> {
        self.refs()
            .into_iter()
            .filter_map(|r| match r {
                Ref::Managed(address) => Some(address),
                Ref::Existing(CloudId { .. }) => None,
            })
            .collect()
    }
}
