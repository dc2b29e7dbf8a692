//! Instances, spot requests, launch templates and placement groups.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Market, QuotaCode, UsageClass};

use super::super::wire::Params;
use super::keys::{Edge, Indexed, Keys, Tags};

/// The states of an instance (EC2 User Guide, ec2-instance-lifecycle).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
}

impl Phase {
    /// The code in API answers (API Reference, InstanceState).
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// The name in API answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the instance is gone or going.
    pub(crate) fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// What an instance becomes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NextState {
    Running,
    Stopped,
    Terminated,
    /// EC2 takes a spot instance back.
    Interrupted,
    /// A terminated instance is no longer listed.
    Forgotten,
}

/// Why an instance is in its state (API Reference, StateReason).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StateReason {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// How the instance metadata service answers (API Reference, InstanceMetadataOptionsResponse).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetadataOptions {
    pub(crate) tokens: String,
    pub(crate) hop_limit: u32,
    pub(crate) endpoint: String,
    pub(crate) ipv6: String,
    pub(crate) tags: String,
}

/// An instance.
#[expect(clippy::struct_field_names, reason = "the API's own name")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) reservation: String,
    pub(crate) launch_index: u32,
    pub(crate) image: String,
    pub(crate) architecture: String,
    pub(crate) instance_type: String,
    pub(crate) vcpus: u32,
    pub(crate) key: Option<String>,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) root_device: String,
    pub(crate) profile: Option<String>,
    pub(crate) user_data: Option<String>,
    pub(crate) placement_group: Option<String>,
    pub(crate) metadata: MetadataOptions,
    pub(crate) shutdown_behavior: String,
    pub(crate) protect_termination: bool,
    pub(crate) protect_stop: bool,
    pub(crate) ebs_optimized: bool,
    pub(crate) monitoring: bool,
    pub(crate) client_token: Option<String>,
    pub(crate) spot_request: Option<String>,
    pub(crate) launched: Timestamp,
    pub(crate) phase: Phase,
    pub(crate) next: Option<(Timestamp, NextState)>,
    /// When a scenario takes this spot instance back.
    pub(crate) interrupt: Option<Timestamp>,
    pub(crate) transition: String,
    pub(crate) reason: Option<StateReason>,
    pub(crate) tags: Tags,
}

impl Instance {
    /// The market it was bought on.
    pub(crate) fn market(&self) -> Market {
        if self.spot_request.is_some() {
            Market::Spot
        } else {
            Market::OnDemand
        }
    }
}

impl Indexed for Instance {
    fn index(&self, keys: &mut Keys) {
        if let Some(group) = &self.placement_group
            && self.phase != Phase::Terminated
        {
            keys.edge(Edge::InstanceInPlacementGroup, group);
        }
        // Only running instances count against the vCPU quotas (User Guide, ec2-on-demand-instances#ec2-on-demand-
        // instances-limits); a launch under way is counted too, or two launches could share the last vCPUs.
        if matches!(self.phase, Phase::Pending | Phase::Running) {
            let quota = QuotaCode::vcpus(UsageClass::of(&self.instance_type), self.market());
            keys.meter(&format!("vcpus/{}", quota.code), self.vcpus.into());
            keys.meter(&format!("hosts/{}/{}", self.zone, self.instance_type), 1);
        }
        keys.due = self
            .next
            .map(|(at, _)| at)
            .into_iter()
            .chain(self.interrupt)
            .min();
    }
}

/// A spot instance request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpotRequest {
    pub(crate) id: String,
    pub(crate) persistent: bool,
    pub(crate) interruption: String,
    pub(crate) max_price: Option<String>,
    /// `open`, `active`, `closed`, `cancelled`, `disabled`.
    pub(crate) state: String,
    pub(crate) status: (String, String),
    pub(crate) instance: Option<String>,
    pub(crate) image: String,
    pub(crate) instance_type: String,
    pub(crate) zone: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The request that made it, for a replacement.
    pub(crate) launch: Params,
    pub(crate) tags: Tags,
}

impl Indexed for SpotRequest {}

/// A launch template with its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LaunchTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) versions: Vec<Params>,
    pub(crate) default_version: usize,
    pub(crate) tags: Tags,
}

impl Indexed for LaunchTemplate {
    fn index(&self, keys: &mut Keys) {
        keys.name(format!("template/{}", self.name));
    }
}

/// A placement group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlacementGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) strategy: String,
    pub(crate) partitions: Option<u32>,
    pub(crate) tags: Tags,
}

impl Indexed for PlacementGroup {
    fn index(&self, keys: &mut Keys) {
        keys.name(format!("placement/{}", self.name));
    }
}
