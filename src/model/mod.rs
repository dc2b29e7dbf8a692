//! The vocabulary of the whole program: names, resource kinds and specs, operations, actions and reasons,
//! failures, money.
//!
//! Owns: plain values that every other module may use. Does not own: anything that decides or acts.

mod action;
mod agent;
mod agent_status;
mod failure;
mod hex;
mod hold;
mod ids;
mod instance_state;
mod kind;
mod money;
mod net;
mod op;
mod quota;
mod reference;
mod retry;
mod secret;
mod secret_source;
mod shared;
mod spec;
mod tags;
mod watch;

pub use action::{Action, BlockReason, FieldChange, Impact, Loss, Reason};
pub use agent::{
    AGENT_CONFIG, AGENT_FORMAT, AGENT_STATUS, AgentAction, AgentConfig, AgentIdle, AgentLease,
    AgentMetric, AgentPaths, AgentPrometheus, AgentPublish, AgentRehearsal, AgentSpot, HOLD_FILE,
    MetricUnit, published_metrics,
};
pub use agent_status::{
    AGENT_STATUS_FORMAT, AgentGpu, AgentIdleStatus, AgentLeaseStatus, AgentNotice, AgentQueue,
    AgentReason, AgentStatus, AgentTrouble,
};
pub use failure::{Failure, FailureClass, Leftover};
pub use hex::hex;
pub use hold::{Hold, HoldError};
pub use ids::{
    AccountId, Address, ClientToken, CloudId, ImageId, InstanceType, InvalidName, LabId, LabName,
    NodeName, Region, RunId, Zone,
};
pub use instance_state::InstanceState;
pub use kind::Kind;
pub use money::{HOURS_PER_MONTH, Usd};
pub use net::{PortRange, Protocol, Rule};
pub use op::{Born, Op, Outcome, Stamp};
pub use quota::{Market, QuotaCode, UsageClass};
pub use reference::{Ref, Unresolved};
pub use retry::{RetryPolicy, Verdict};
pub use secret::Secret;
pub use secret_source::SecretSource;
pub use spec::{
    AssociationSpec, ElasticIpSpec, GatewaySpec, IAM_PATH, ImageRef, InstanceProfileSpec,
    InstanceSpec, KeyPairSpec, LaunchSpec, PinnedImage, PlacementGroupSpec, RoleSpec, RootVolume,
    RouteSpec, RouteTableSpec, Rung, SecurityGroupSpec, Shutdown, Spec, SpotOptions, SubnetSpec,
    VolumeSpec, VpcSpec,
};
pub use tags::{
    TAG_ADDRESS, TAG_FIRST, TAG_KEEP, TAG_LAB, TAG_LAB_ID, TAG_MANAGED, TAG_PROTECT, TAG_RESTART,
    TAG_RUN, TAG_SHUTDOWN, Tags,
};
pub use watch::{
    ALARM_TAGS, AlarmActions, AlarmKind, AlarmParts, AlarmSettings, AlarmSpec, Bound,
    DASHBOARD_ADDRESS, DashboardSpec, LET_GO, MISSING_DATA, MetricPoints, MetricQuery,
    SILENT_EXPRESSION, Statistic, WatchNames, described_tags, is_let_go, let_go, settings,
};
