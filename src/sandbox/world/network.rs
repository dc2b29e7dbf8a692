//! VPCs and what is in them: subnets, gateways, route tables, security groups, interfaces, addresses.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{Edge, Indexed, Keys, Tags};

/// A VPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) cidr: Ipv4Net,
    pub(crate) tenancy: String,
    pub(crate) dns_support: bool,
    pub(crate) dns_hostnames: bool,
    pub(crate) tags: Tags,
}

impl Indexed for Vpc {
    fn index(&self, keys: &mut Keys) {
        keys.meter("vpcs", 1);
    }
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) cidr: Ipv4Net,
    pub(crate) zone: String,
    pub(crate) map_public_ip: bool,
    /// Where the search for a free address goes on.
    pub(crate) cursor: u32,
    pub(crate) tags: Tags,
}

impl Indexed for Subnet {
    fn index(&self, keys: &mut Keys) {
        keys.edge(Edge::SubnetOfVpc, &self.vpc);
    }
}

/// An internet gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) id: String,
    pub(crate) vpc: Option<String>,
    pub(crate) tags: Tags,
}

impl Indexed for Gateway {
    fn index(&self, keys: &mut Keys) {
        keys.meter("gateways", 1);
        if let Some(vpc) = &self.vpc {
            keys.edge(Edge::GatewayOfVpc, vpc);
            keys.edge(Edge::AttachedGateway, &self.id);
        }
    }
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) destination: Ipv4Net,
    /// `local` or the id of a gateway.
    pub(crate) gateway: String,
    pub(crate) origin: String,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteTable {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) main: bool,
    pub(crate) routes: Vec<Route>,
    pub(crate) tags: Tags,
}

impl Indexed for RouteTable {
    fn index(&self, keys: &mut Keys) {
        let edge = if self.main {
            Edge::MainTableOfVpc
        } else {
            Edge::TableOfVpc
        };
        keys.edge(edge, &self.vpc);
    }
}

/// The association of a route table with a subnet, or with the VPC as its main table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteAssociation {
    pub(crate) id: String,
    pub(crate) table: String,
    /// None: the main association.
    pub(crate) subnet: Option<String>,
}

impl Indexed for RouteAssociation {
    fn index(&self, keys: &mut Keys) {
        keys.edge(Edge::AssociationOfTable, &self.table);
        if let Some(subnet) = &self.subnet {
            keys.edge(Edge::AssociationOfSubnet, subnet);
        }
    }
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Tags,
}

impl SecurityGroup {
    /// The default group comes and goes with its VPC.
    pub(crate) fn is_default(&self) -> bool {
        self.name == "default"
    }

    /// The unique name of a group: names are not case-sensitive (API Reference, CreateSecurityGroup).
    pub(crate) fn unique(vpc: &str, name: &str) -> String {
        format!("group/{vpc}/{}", name.to_lowercase())
    }
}

impl Indexed for SecurityGroup {
    fn index(&self, keys: &mut Keys) {
        let edge = if self.is_default() {
            Edge::DefaultGroupOfVpc
        } else {
            Edge::GroupOfVpc
        };
        keys.edge(edge, &self.vpc);
        keys.name(Self::unique(&self.vpc, &self.name));
    }
}

/// Whom a security group rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum RuleSource {
    V4(String),
    V6(String),
    Group(String),
    PrefixList(String),
}

/// One security group rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SgRule {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) egress: bool,
    pub(crate) protocol: String,
    pub(crate) from_port: i32,
    pub(crate) to_port: i32,
    pub(crate) source: RuleSource,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

impl SgRule {
    /// What makes two rules the same rule (API Reference, AuthorizeSecurityGroupIngress).
    pub(crate) fn unique(&self) -> String {
        let Self {
            id: _,
            group,
            egress,
            protocol,
            from_port,
            to_port,
            source,
            description: _,
            tags: _,
        } = self;
        format!("rule/{group}/{egress}/{protocol}/{from_port}/{to_port}/{source:?}")
    }
}

impl Indexed for SgRule {
    fn index(&self, keys: &mut Keys) {
        keys.edge(Edge::RuleOfGroup, &self.group);
        keys.name(self.unique());
        let direction = if self.egress { "egress" } else { "ingress" };
        keys.meter(&format!("rules/{}/{direction}", self.group), 1);
        if let RuleSource::Group(other) = &self.source
            && *other != self.group
        {
            keys.edge(Edge::RuleNamesGroup, other);
        }
    }
}

/// An interface's place on an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InterfaceAttachment {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) device_index: u32,
    pub(crate) delete_on_termination: bool,
    pub(crate) at: Timestamp,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) description: String,
    pub(crate) groups: Vec<String>,
    pub(crate) private_ip: Ipv4Addr,
    /// The automatic public address; goes when the instance stops.
    pub(crate) public_ip: Option<Ipv4Addr>,
    /// Whether a start brings a new automatic address.
    pub(crate) wants_public_ip: bool,
    /// The Elastic IP on it: allocation id.
    pub(crate) elastic: Option<String>,
    pub(crate) mac: String,
    pub(crate) source_dest_check: bool,
    pub(crate) attachment: Option<InterfaceAttachment>,
    pub(crate) tags: Tags,
}

impl Interface {
    /// The unique name of a private address in its subnet.
    pub(crate) fn address_in(subnet: &str, ip: Ipv4Addr) -> String {
        format!("ip/{subnet}/{ip}")
    }
}

impl Indexed for Interface {
    fn index(&self, keys: &mut Keys) {
        keys.edge(Edge::InterfaceOfVpc, &self.vpc);
        keys.edge(Edge::InterfaceInSubnet, &self.subnet);
        for group in &self.groups {
            keys.edge(Edge::InterfaceInGroup, group);
        }
        if let Some(attachment) = &self.attachment {
            keys.edge(Edge::InterfaceOfInstance, &attachment.instance);
        }
        if self.public_ip.is_some() || self.elastic.is_some() {
            keys.edge(Edge::PublicInterfaceOfVpc, &self.vpc);
        }
        if let Some(public) = self.public_ip {
            keys.name(format!("public/{public}"));
        }
        keys.name(Self::address_in(&self.subnet, self.private_ip));
        keys.meter(&format!("addresses/{}", self.subnet), 1);
    }
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: String,
    pub(crate) public_ip: Ipv4Addr,
    pub(crate) association: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) private_ip: Option<Ipv4Addr>,
    pub(crate) tags: Tags,
}

impl Address {
    /// Takes it off whatever it is on.
    pub(crate) fn detach(&mut self) {
        self.association = None;
        self.interface = None;
        self.instance = None;
        self.private_ip = None;
    }
}

impl Indexed for Address {
    fn index(&self, keys: &mut Keys) {
        keys.meter("elastic-ips", 1);
        keys.name(format!("public/{}", self.public_ip));
        if let Some(association) = &self.association {
            keys.name(association.clone());
            keys.edge(Edge::AssociatedAddress, &self.id);
        }
        if let Some(interface) = &self.interface {
            keys.edge(Edge::AddressOfInterface, interface);
        }
    }
}
