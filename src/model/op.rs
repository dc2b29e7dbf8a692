//! Operations: each is one effect at the cloud, usually one API call. The plan lists them, the engine resolves
//! the references in them, an adapter performs them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    AlarmActions, AlarmSpec, ClientToken, CloudId, InstanceState, InstanceType, Kind, LaunchSpec,
    Ref, Rule, Rung, Shutdown, Tags, Zone,
};

/// One effect. The names are EC2's and IAM's actions where one call does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
#[expect(
    missing_docs,
    reason = "fields carry the names and meanings of the API's parameters"
)]
pub enum Op {
    CreateVpc {
        cidr: Ipv4Net,
    },
    EnableDnsHostnames {
        vpc: Ref,
    },
    CreateSubnet {
        vpc: Ref,
        zone: Zone,
        cidr: Ipv4Net,
    },
    CreateInternetGateway,
    AttachInternetGateway {
        gateway: Ref,
        vpc: Ref,
    },
    DetachInternetGateway {
        gateway: Ref,
        vpc: Ref,
    },
    CreateRouteTable {
        vpc: Ref,
    },
    CreateRoute {
        table: Ref,
        destination: Ipv4Net,
        gateway: Ref,
    },
    AssociateRouteTable {
        table: Ref,
        subnet: Ref,
    },
    CreateSecurityGroup {
        vpc: Ref,
        name: String,
        description: String,
    },
    /// Adds ingress rules in one call; each carries its description and the lab's tags.
    AuthorizeIngress {
        group: Ref,
        rules: BTreeSet<Rule>,
    },
    RevokeIngress {
        group: Ref,
        rules: BTreeSet<Rule>,
    },
    ImportKeyPair {
        name: String,
        public_key: String,
    },
    CreateRole {
        name: String,
    },
    AttachRolePolicy {
        role: Ref,
        policy: String,
    },
    DetachRolePolicy {
        role: Ref,
        policy: String,
    },
    CreateInstanceProfile {
        name: String,
    },
    AddRoleToInstanceProfile {
        profile: Ref,
        role: Ref,
    },
    RemoveRoleFromInstanceProfile {
        profile: Ref,
        role: Ref,
    },
    CreatePlacementGroup {
        name: String,
    },
    /// Launches between `min` and `count` nodes on one rung: the first node's index is `first`.
    RunInstances {
        #[serde(with = "super::shared")]
        launch: Arc<LaunchSpec>,
        rung: Rung,
        first: u32,
        count: u32,
        min: u32,
    },
    StartInstances {
        instances: Vec<Ref>,
    },
    StopInstances {
        instances: Vec<Ref>,
    },
    RebootInstances {
        instances: Vec<Ref>,
    },
    /// Cancels persistent spot requests, without which termination would bring replacements.
    CancelSpotRequests {
        requests: Vec<CloudId>,
    },
    /// Cancels every request that carries the lab's tags and still stands: one whose machine somebody ended would bring
    /// another after the lab is gone.
    CancelAllSpotRequests,
    TerminateInstances {
        instances: Vec<Ref>,
    },
    /// Changes the type of a stopped instance.
    ModifyInstanceType {
        instance: Ref,
        instance_type: InstanceType,
    },
    /// Moves a stopped instance into a placement group, or out of the one it is in.
    ModifyPlacement {
        instance: Ref,
        group: Option<Ref>,
    },
    /// Says what a shutdown from inside the instance does to it.
    SetShutdown {
        instance: Ref,
        shutdown: Shutdown,
    },
    /// Gives an instance another instance profile in the place of the one it has.
    SetInstanceProfile {
        instance: Ref,
        profile: Ref,
    },
    /// Requires IMDSv2 with hop limit 2 on a running or stopped instance.
    RequireImdsV2 {
        instance: Ref,
    },
    /// Replaces the instance's security groups.
    SetSecurityGroups {
        instance: Ref,
        groups: Vec<Ref>,
    },
    /// Creates an encrypted gp3 volume; `zone` is the node's until the engine knows it.
    CreateVolume {
        beside: Ref,
        zone: Option<Zone>,
        size_gib: u32,
        iops: u32,
        throughput_mib: u32,
    },
    AttachVolume {
        volume: Ref,
        instance: Ref,
        device: String,
    },
    DetachVolume {
        volume: Ref,
    },
    ModifyVolume {
        volume: Ref,
        size_gib: u32,
        iops: u32,
        throughput_mib: u32,
    },
    AllocateAddress,
    /// Never reassociates: an address in use stays where it is.
    AssociateAddress {
        allocation: Ref,
        instance: Ref,
    },
    DisassociateAddress {
        allocation: Ref,
        association: CloudId,
    },
    /// Makes an alarm. Its name is its identity: sent twice, it makes one.
    CreateAlarm {
        alarm: Box<AlarmSpec>,
    },
    /// Gives an alarm all its settings anew, and leaves what it sets off as it was.
    UpdateAlarm {
        alarm: Box<AlarmSpec>,
        actions: AlarmActions,
    },
    /// Deletes up to a hundred alarms.
    DeleteAlarms {
        alarms: Vec<Ref>,
    },
    /// Writes on an alarm or a dashboard that it is the lab's no more; of an alarm the lab's tags go.
    LetGo {
        kind: Kind,
        target: Ref,
    },
    /// Makes a dashboard, whose name is its identity.
    CreateDashboard {
        name: String,
        body: String,
    },
    UpdateDashboard {
        dashboard: Ref,
        body: String,
    },
    CreateTags {
        resources: Vec<Ref>,
        tags: Tags,
    },
    /// Adds or overwrites tags on resources of one kind; a machine's root volume counts as a machine.
    Tag {
        kind: Kind,
        resources: Vec<Ref>,
        tags: Tags,
    },
    /// Takes tags off resources of one kind.
    Untag {
        kind: Kind,
        resources: Vec<Ref>,
        keys: BTreeSet<String>,
    },
    /// Deletes a resource of a kind with no state of its own to leave first.
    Delete {
        kind: Kind,
        target: Ref,
    },
    /// Waits until all instances are in `state`.
    AwaitInstances {
        instances: Vec<Ref>,
        state: InstanceState,
    },
    /// Waits until the volume is attached to nothing and can be used.
    AwaitVolume {
        volume: Ref,
    },
}

impl Op {
    /// The kind of resource that this brings into being, if it does.
    pub fn creates(&self) -> Option<Kind> {
        Some(match self {
            Self::CreateVpc { .. } => Kind::Vpc,
            Self::CreateSubnet { .. } => Kind::Subnet,
            Self::CreateInternetGateway => Kind::InternetGateway,
            Self::CreateRouteTable { .. } => Kind::RouteTable,
            Self::CreateRoute { .. } => Kind::Route,
            Self::AssociateRouteTable { .. } => Kind::RouteTableAssociation,
            Self::CreateSecurityGroup { .. } => Kind::SecurityGroup,
            Self::ImportKeyPair { .. } => Kind::KeyPair,
            Self::CreateRole { .. } => Kind::Role,
            Self::CreateInstanceProfile { .. } => Kind::InstanceProfile,
            Self::CreatePlacementGroup { .. } => Kind::PlacementGroup,
            Self::RunInstances { .. } => Kind::Instance,
            Self::CreateVolume { .. } => Kind::Volume,
            Self::AllocateAddress => Kind::ElasticIp,
            Self::CreateAlarm { .. } => Kind::Alarm,
            Self::CreateDashboard { .. } => Kind::Dashboard,
            _ => return None,
        })
    }

    /// The operation in the API's words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateVpc { .. } => "CreateVpc",
            Self::EnableDnsHostnames { .. } => "ModifyVpcAttribute",
            Self::CreateSubnet { .. } => "CreateSubnet",
            Self::CreateInternetGateway => "CreateInternetGateway",
            Self::AttachInternetGateway { .. } => "AttachInternetGateway",
            Self::DetachInternetGateway { .. } => "DetachInternetGateway",
            Self::CreateRouteTable { .. } => "CreateRouteTable",
            Self::CreateRoute { .. } => "CreateRoute",
            Self::AssociateRouteTable { .. } => "AssociateRouteTable",
            Self::CreateSecurityGroup { .. } => "CreateSecurityGroup",
            Self::AuthorizeIngress { .. } => "AuthorizeSecurityGroupIngress",
            Self::RevokeIngress { .. } => "RevokeSecurityGroupIngress",
            Self::ImportKeyPair { .. } => "ImportKeyPair",
            Self::CreateRole { .. } => "CreateRole",
            Self::AttachRolePolicy { .. } => "AttachRolePolicy",
            Self::DetachRolePolicy { .. } => "DetachRolePolicy",
            Self::CreateInstanceProfile { .. } => "CreateInstanceProfile",
            Self::AddRoleToInstanceProfile { .. } => "AddRoleToInstanceProfile",
            Self::RemoveRoleFromInstanceProfile { .. } => "RemoveRoleFromInstanceProfile",
            Self::CreatePlacementGroup { .. } => "CreatePlacementGroup",
            Self::RunInstances { .. } => "RunInstances",
            Self::StartInstances { .. } => "StartInstances",
            Self::StopInstances { .. } => "StopInstances",
            Self::RebootInstances { .. } => "RebootInstances",
            Self::CancelSpotRequests { .. } | Self::CancelAllSpotRequests => {
                "CancelSpotInstanceRequests"
            }
            Self::TerminateInstances { .. } => "TerminateInstances",
            Self::ModifyInstanceType { .. } => "ModifyInstanceAttribute",
            Self::ModifyPlacement { .. } => "ModifyInstancePlacement",
            Self::SetShutdown { .. } => "ModifyInstanceAttribute",
            Self::SetInstanceProfile { .. } => "ReplaceIamInstanceProfileAssociation",
            Self::RequireImdsV2 { .. } => "ModifyInstanceMetadataOptions",
            Self::SetSecurityGroups { .. } => "ModifyInstanceAttribute",
            Self::CreateVolume { .. } => "CreateVolume",
            Self::AttachVolume { .. } => "AttachVolume",
            Self::DetachVolume { .. } => "DetachVolume",
            Self::ModifyVolume { .. } => "ModifyVolume",
            Self::AllocateAddress => "AllocateAddress",
            Self::AssociateAddress { .. } => "AssociateAddress",
            Self::DisassociateAddress { .. } => "DisassociateAddress",
            Self::CreateAlarm { .. } | Self::UpdateAlarm { .. } => "PutMetricAlarm",
            Self::DeleteAlarms { .. } => "DeleteAlarms",
            Self::CreateDashboard { .. } | Self::UpdateDashboard { .. } => "PutDashboard",
            Self::LetGo { kind, .. } => match kind {
                Kind::Dashboard => "PutDashboard",
                _ => "PutMetricAlarm",
            },
            Self::CreateTags { .. } => "CreateTags",
            Self::Tag { kind, .. } => match kind {
                Kind::Role => "TagRole",
                Kind::InstanceProfile => "TagInstanceProfile",
                Kind::Alarm => "TagResource",
                _ => "CreateTags",
            },
            Self::Untag { kind, .. } => match kind {
                Kind::Role => "UntagRole",
                Kind::InstanceProfile => "UntagInstanceProfile",
                Kind::Alarm => "UntagResource",
                _ => "DeleteTags",
            },
            Self::Delete { kind, .. } => match kind {
                Kind::Vpc => "DeleteVpc",
                Kind::Subnet => "DeleteSubnet",
                Kind::InternetGateway => "DeleteInternetGateway",
                Kind::RouteTable => "DeleteRouteTable",
                Kind::Route => "DeleteRoute",
                Kind::RouteTableAssociation => "DisassociateRouteTable",
                Kind::SecurityGroup => "DeleteSecurityGroup",
                Kind::KeyPair => "DeleteKeyPair",
                Kind::Role => "DeleteRole",
                Kind::InstanceProfile => "DeleteInstanceProfile",
                Kind::PlacementGroup => "DeletePlacementGroup",
                Kind::Instance => "TerminateInstances",
                Kind::Volume => "DeleteVolume",
                Kind::ElasticIp => "ReleaseAddress",
                Kind::Alarm => "DeleteAlarms",
                Kind::Dashboard => "DeleteDashboards",
            },
            Self::AwaitInstances { state, .. } => match state {
                InstanceState::Running => "waiting for running",
                InstanceState::Stopped => "waiting for stopped",
                InstanceState::Terminated => "waiting for terminated",
                InstanceState::Pending | InstanceState::Stopping | InstanceState::ShuttingDown => {
                    "waiting"
                }
            },
            Self::AwaitVolume { .. } => "waiting for available",
        }
    }

    /// Whether this only waits.
    pub fn is_wait(&self) -> bool {
        matches!(self, Self::AwaitInstances { .. } | Self::AwaitVolume { .. })
    }

    /// Whether the call carries a token, or a name, under which one thing is made, however often it is sent.
    pub fn has_token(&self) -> bool {
        matches!(
            self,
            Self::RunInstances { .. }
                | Self::CreateVolume { .. }
                | Self::CreateRouteTable { .. }
                | Self::CreateAlarm { .. }
                | Self::CreateDashboard { .. }
        )
    }

    /// Whether this takes something away for good.
    pub fn is_deletion(&self) -> bool {
        matches!(
            self,
            Self::Delete { .. } | Self::TerminateInstances { .. } | Self::DeleteAlarms { .. }
        )
    }

    /// Every reference in this operation, to be resolved in place.
    pub fn refs_mut(&mut self) -> Vec<&mut Ref> {
        match self {
            Self::CreateVpc { .. }
            | Self::CreateInternetGateway
            | Self::ImportKeyPair { .. }
            | Self::CreateRole { .. }
            | Self::CreateInstanceProfile { .. }
            | Self::CreatePlacementGroup { .. }
            | Self::CancelSpotRequests { .. }
            | Self::CancelAllSpotRequests
            | Self::CreateDashboard { .. }
            | Self::AllocateAddress => Vec::new(),
            Self::CreateAlarm { alarm } | Self::UpdateAlarm { alarm, .. } => vec![&mut alarm.node],
            Self::DeleteAlarms { alarms } => alarms.iter_mut().collect(),
            Self::UpdateDashboard { dashboard, .. } => vec![dashboard],
            Self::EnableDnsHostnames { vpc }
            | Self::CreateSubnet { vpc, .. }
            | Self::CreateRouteTable { vpc }
            | Self::CreateSecurityGroup { vpc, .. } => vec![vpc],
            Self::AttachInternetGateway { gateway, vpc }
            | Self::DetachInternetGateway { gateway, vpc } => {
                vec![gateway, vpc]
            }
            Self::CreateRoute { table, gateway, .. } => vec![table, gateway],
            Self::AssociateRouteTable { table, subnet } => vec![table, subnet],
            Self::AuthorizeIngress { group, .. } | Self::RevokeIngress { group, .. } => vec![group],
            Self::AttachRolePolicy { role, .. } | Self::DetachRolePolicy { role, .. } => vec![role],
            Self::AddRoleToInstanceProfile { profile, role }
            | Self::RemoveRoleFromInstanceProfile { profile, role } => vec![profile, role],
            Self::RunInstances { launch, rung, .. } => {
                let launch = Arc::make_mut(launch);
                let mut refs = vec![&mut rung.subnet];
                refs.extend(&mut launch.security_groups);
                refs.extend(
                    [
                        &mut launch.key,
                        &mut launch.instance_profile,
                        &mut launch.placement_group,
                    ]
                    .into_iter()
                    .flatten(),
                );
                refs
            }
            Self::StartInstances { instances }
            | Self::StopInstances { instances }
            | Self::RebootInstances { instances }
            | Self::TerminateInstances { instances }
            | Self::AwaitInstances { instances, .. } => instances.iter_mut().collect(),
            Self::ModifyInstanceType { instance, .. }
            | Self::SetShutdown { instance, .. }
            | Self::RequireImdsV2 { instance } => vec![instance],
            Self::ModifyPlacement { instance, group } => {
                std::iter::once(instance).chain(group).collect()
            }
            Self::SetInstanceProfile { instance, profile } => vec![instance, profile],
            Self::SetSecurityGroups { instance, groups } => {
                let mut refs = vec![instance];
                refs.extend(groups);
                refs
            }
            Self::CreateVolume { beside, .. } => vec![beside],
            Self::AttachVolume {
                volume, instance, ..
            } => vec![volume, instance],
            Self::DetachVolume { volume }
            | Self::ModifyVolume { volume, .. }
            | Self::AwaitVolume { volume } => {
                vec![volume]
            }
            Self::AssociateAddress {
                allocation,
                instance,
            } => vec![allocation, instance],
            Self::DisassociateAddress { allocation, .. } => vec![allocation],
            Self::CreateTags { resources, .. }
            | Self::Tag { resources, .. }
            | Self::Untag { resources, .. } => resources.iter_mut().collect(),
            Self::Delete { target, .. } | Self::LetGo { target, .. } => vec![target],
        }
    }
}

/// What a creating call carries besides its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The token of this intent, for calls that take one.
    pub token: ClientToken,
    /// The tags to create with: the lab's own and the user's.
    pub tags: Tags,
}

/// Something a call brought into being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Born {
    /// Its id (for key pairs, roles, profiles and placement groups: the name that other calls take).
    pub id: CloudId,
    /// Its place in a launch of several; 0 for everything else.
    pub launch_index: u32,
    /// Its zone, where it has one.
    pub zone: Option<Zone>,
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// What exists now that did not before.
    pub born: Vec<Born>,
}
