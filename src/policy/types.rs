//! What the table is written in.

use serde::Serialize;

/// A service, by the prefix of its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// CloudWatch.
    CloudWatch,
    /// EC2 and VPC.
    Ec2,
    /// Identity and Access Management.
    Iam,
    /// Service Quotas.
    Quotas,
    /// Simple Storage Service.
    S3,
    /// Systems Manager.
    Ssm,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// The prefix of its actions.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Quotas => "servicequotas",
            Self::S3 => "s3",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reading: `plan`, `status`, and the first step of everything else.
    Plan,
    /// Stopping and starting machines.
    Power,
    /// Creating and changing.
    Apply,
    /// Taking away.
    Destroy,
}

impl Phase {
    /// The beginning of its statements' names.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::Power => "Power",
            Self::Apply => "Apply",
            Self::Destroy => "Destroy",
        }
    }
}

/// A part of the policy that can be asked for: some phases together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// For somebody who may look.
    Plan,
    /// For somebody who may stop and start machines.
    Power,
    /// For somebody who may create and change, but take nothing away.
    Apply,
    /// For somebody who may take the lab away, but not create one.
    Destroy,
    /// For somebody who may do everything.
    All,
}

impl Part {
    /// What it consists of. Everybody reads; an apply that changes a machine's type stops and starts it.
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Self::Plan => &[Phase::Plan],
            Self::Power => &[Phase::Plan, Phase::Power],
            Self::Apply => &[Phase::Plan, Phase::Power, Phase::Apply],
            Self::Destroy => &[Phase::Plan, Phase::Destroy],
            Self::All => &[Phase::Plan, Phase::Power, Phase::Apply, Phase::Destroy],
        }
    }
}

/// What a profile must contain for a permission to be needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Every lab needs it.
    Always,
    /// The lab makes its own network.
    OwnNetwork,
    /// The lab uses a network that is there.
    ExistingNetwork,
    /// Some node takes the lab's own role.
    OwnRole,
    /// Some node takes an instance profile that is there.
    ExistingProfile,
    /// Some image is looked up as an SSM parameter.
    ImageParameter,
    /// Some stack reads a secret from an SSM parameter.
    StackSecret,
    /// Some node has a data volume.
    DataVolume,
    /// Some node has a data volume that goes with it.
    DataVolumeThatGoes,
    /// Some node has an Elastic IP.
    ElasticIp,
    /// Some node launches into a placement group.
    PlacementGroup,
    /// Some node may be bought on the spot market.
    Spot,
    /// The machines publish metrics.
    Metrics,
    /// They have alarms, or the lab a dashboard.
    Watch,
    /// The state is in a bucket.
    SharedState,
    /// Only `init --state-bucket` makes this call, once for many labs; whoever makes buckets has a policy of their own.
    MakingBucket,
    /// No command comes to make this call yet.
    Unreached,
}

/// Where a permission holds, and under which condition. EC2 types are spelt as in its ARNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Place {
    /// Everything in the region: the action knows no resources.
    Region,
    /// What carries the lab's tag already.
    Ours(&'static [&'static str]),
    /// What is made with the lab's tag on it, beside everything else.
    New(&'static str),
    /// What is made with the lab's tag on it in a VPC, which the action must be allowed on too. It is kept apart from
    /// [`Place::New`]: the tags of a request are the same for every resource in it, so a statement that allows to
    /// make VPCs with our tag would otherwise let subnets be made in any VPC.
    NewInVpc(&'static str),
    /// A machine with its interface and volume, made with the lab's tag on each; likewise apart.
    NewMachine,
    /// A rule of a security group, made with the lab's tag on it; likewise apart.
    NewRule,
    /// The spot request that a launch makes.
    SpotRequest,
    /// The images that machines start from.
    Images,
    /// The existing VPC that the profile names.
    UsedVpc,
    /// The existing subnets that the profile names.
    UsedSubnets,
    /// The SSM parameters behind the profile's images.
    Parameters,
    /// The SSM parameters with the secrets of the profile's stacks.
    Secrets,
    /// Tags on something in the call that creates it.
    TagsOnCreate,
    /// The lab's role.
    Role,
    /// The lab's role, made with the lab's tag on it.
    NewRole,
    /// The lab's role, as far as the two policies go that hosts get.
    RolePolicies,
    /// The lab's role, handed to EC2 and to no other service.
    PassedRole,
    /// The role in an existing instance profile, likewise.
    PassedExistingRole,
    /// The role by which EC2 manages spot requests.
    SpotRole,
    /// The lab's instance profile.
    Profile,
    /// The lab's instance profile, made with the lab's tag on it.
    NewProfile,
    /// The lab's alarms.
    Alarms,
    /// The lab's dashboard.
    Dashboard,
    /// The lab's lockfile and lease in the bucket.
    StateObjects,
    /// The bucket itself.
    StateBucket,
}

/// One permission that a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// For what.
    pub phase: Phase,
    /// In which labs.
    pub need: Need,
    /// The action, with its service; for most calls it has the call's own name.
    pub action: &'static str,
    /// Where.
    pub place: Place,
}

/// One API call that the adapter makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The service that it goes to.
    pub service: Service,
    /// Its name in the API.
    pub name: &'static str,
    /// What it takes; nothing for a call that everybody may make.
    pub grants: &'static [Grant],
}
