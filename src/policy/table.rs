//! Every API call that the adapter makes, and the permissions that it takes.
//!
//! Which action knows which resource types and condition keys is from the Service Authorization Reference: "Actions,
//! resources, and condition keys for Amazon EC2" (also ... for IAM, Systems Manager, Service Quotas),
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>. An action that touches
//! several resources is allowed only if it is allowed for each of them, which is why several rows have two places.

use super::types::Need::{
    Always, DataVolume, DataVolumeThatGoes, ElasticIp, ExistingNetwork, ExistingProfile,
    ImageParameter, MakingBucket, Metrics, OwnNetwork, OwnRole, PlacementGroup, SharedState, Spot,
    StackSecret, Unreached, Watch,
};
use super::types::Phase::{Apply, Destroy, Plan, Power};
use super::types::Place::{
    Alarms, Dashboard, Images, New, NewInVpc, NewMachine, NewProfile, NewRole, NewRule, Ours,
    Parameters, PassedExistingRole, PassedRole, Profile, Region, Role, RolePolicies, Secrets,
    SpotRequest, SpotRole, StateBucket, StateObjects, TagsOnCreate, UsedSubnets, UsedVpc,
};
use super::types::Service::{CloudWatch, Ec2, Iam, Quotas, S3, Ssm, Sts};
use super::types::{Call, Grant, Need, Phase, Place, Service};

const fn call(service: Service, name: &'static str, grants: &'static [Grant]) -> Call {
    Call {
        service,
        name,
        grants,
    }
}

const fn grant(phase: Phase, need: Need, action: &'static str, place: Place) -> Grant {
    Grant {
        phase,
        need,
        action,
        place,
    }
}

/// Tags in a creating call take `ec2:CreateTags` besides (EC2 User Guide, "Grant permission to tag Amazon EC2
/// resources during creation").
const fn tags(need: Need) -> Grant {
    grant(Apply, need, "ec2:CreateTags", TagsOnCreate)
}

/// The calls, in the order of their services and names.
#[rustfmt::skip]
pub const TABLE: &[Call] = &[
    call(CloudWatch, "DeleteAlarms", &[
        grant(Destroy, Watch, "cloudwatch:DeleteAlarms", Alarms),
    ]),
    call(CloudWatch, "DeleteDashboards", &[
        grant(Destroy, Watch, "cloudwatch:DeleteDashboards", Dashboard),
    ]),
    call(CloudWatch, "DescribeAlarms", &[grant(Plan, Watch, "cloudwatch:DescribeAlarms", Region)]),
    call(CloudWatch, "GetDashboard", &[grant(Plan, Watch, "cloudwatch:GetDashboard", Region)]),
    call(CloudWatch, "GetMetricData", &[grant(Plan, Metrics, "cloudwatch:GetMetricData", Region)]),
    call(CloudWatch, "PutDashboard", &[grant(Apply, Watch, "cloudwatch:PutDashboard", Dashboard)]),
    // One call makes and changes; the tags are in it only where an alarm is made.
    call(CloudWatch, "PutMetricAlarm", &[
        grant(Apply, Watch, "cloudwatch:PutMetricAlarm", Alarms),
        grant(Apply, Watch, "cloudwatch:TagResource", Alarms),
    ]),
    call(CloudWatch, "TagResource", &[grant(Apply, Watch, "cloudwatch:TagResource", Alarms)]),
    call(CloudWatch, "UntagResource", &[grant(Apply, Watch, "cloudwatch:UntagResource", Alarms)]),
    call(Ec2, "AllocateAddress", &[
        grant(Apply, ElasticIp, "ec2:AllocateAddress", New("elastic-ip")),
        tags(ElasticIp),
    ]),
    call(Ec2, "AssociateAddress", &[
        grant(Apply, ElasticIp, "ec2:AssociateAddress", Ours(&["elastic-ip", "instance", "network-interface"])),
    ]),
    call(Ec2, "AssociateRouteTable", &[
        grant(Apply, OwnNetwork, "ec2:AssociateRouteTable", Ours(&["route-table", "subnet"])),
    ]),
    call(Ec2, "AttachInternetGateway", &[
        grant(Apply, OwnNetwork, "ec2:AttachInternetGateway", Ours(&["internet-gateway", "vpc"])),
    ]),
    call(Ec2, "AttachVolume", &[
        grant(Apply, DataVolume, "ec2:AttachVolume", Ours(&["instance", "volume"])),
    ]),
    call(Ec2, "AuthorizeSecurityGroupIngress", &[
        grant(Apply, Always, "ec2:AuthorizeSecurityGroupIngress", Ours(&["security-group"])),
        grant(Apply, Always, "ec2:AuthorizeSecurityGroupIngress", NewRule),
        tags(Always),
    ]),
    call(Ec2, "CancelSpotInstanceRequests", &[
        grant(Destroy, Spot, "ec2:CancelSpotInstanceRequests", Ours(&["spot-instances-request"])),
    ]),
    call(Ec2, "CreateInternetGateway", &[
        grant(Apply, OwnNetwork, "ec2:CreateInternetGateway", New("internet-gateway")),
        tags(OwnNetwork),
    ]),
    call(Ec2, "CreatePlacementGroup", &[
        grant(Apply, PlacementGroup, "ec2:CreatePlacementGroup", New("placement-group")),
        tags(PlacementGroup),
    ]),
    call(Ec2, "CreateRoute", &[
        grant(Apply, OwnNetwork, "ec2:CreateRoute", Ours(&["route-table"])),
    ]),
    call(Ec2, "CreateRouteTable", &[
        grant(Apply, OwnNetwork, "ec2:CreateRouteTable", NewInVpc("route-table")),
        grant(Apply, OwnNetwork, "ec2:CreateRouteTable", Ours(&["vpc"])),
        tags(OwnNetwork),
    ]),
    call(Ec2, "CreateSecurityGroup", &[
        grant(Apply, Always, "ec2:CreateSecurityGroup", NewInVpc("security-group")),
        grant(Apply, OwnNetwork, "ec2:CreateSecurityGroup", Ours(&["vpc"])),
        grant(Apply, ExistingNetwork, "ec2:CreateSecurityGroup", UsedVpc),
        tags(Always),
    ]),
    call(Ec2, "CreateSubnet", &[
        grant(Apply, OwnNetwork, "ec2:CreateSubnet", NewInVpc("subnet")),
        grant(Apply, OwnNetwork, "ec2:CreateSubnet", Ours(&["vpc"])),
        tags(OwnNetwork),
    ]),
    // On something that is there: only on what carries the lab's tag, so that nobody makes foreign things ours.
    call(Ec2, "CreateTags", &[
        grant(Apply, Always, "ec2:CreateTags", Ours(&["*"])),
    ]),
    call(Ec2, "CreateVolume", &[
        grant(Apply, DataVolume, "ec2:CreateVolume", New("volume")),
        tags(DataVolume),
    ]),
    call(Ec2, "CreateVpc", &[
        grant(Apply, OwnNetwork, "ec2:CreateVpc", New("vpc")),
        tags(OwnNetwork),
    ]),
    call(Ec2, "DeleteInternetGateway", &[
        grant(Destroy, OwnNetwork, "ec2:DeleteInternetGateway", Ours(&["internet-gateway"])),
    ]),
    call(Ec2, "DeleteKeyPair", &[
        grant(Destroy, Always, "ec2:DeleteKeyPair", Ours(&["key-pair"])),
    ]),
    call(Ec2, "DeletePlacementGroup", &[
        grant(Destroy, PlacementGroup, "ec2:DeletePlacementGroup", Ours(&["placement-group"])),
    ]),
    call(Ec2, "DeleteRoute", &[
        grant(Destroy, OwnNetwork, "ec2:DeleteRoute", Ours(&["route-table"])),
    ]),
    call(Ec2, "DeleteRouteTable", &[
        grant(Destroy, OwnNetwork, "ec2:DeleteRouteTable", Ours(&["route-table"])),
    ]),
    call(Ec2, "DeleteSecurityGroup", &[
        grant(Destroy, Always, "ec2:DeleteSecurityGroup", Ours(&["security-group"])),
    ]),
    call(Ec2, "DeleteSubnet", &[
        grant(Destroy, OwnNetwork, "ec2:DeleteSubnet", Ours(&["subnet"])),
    ]),
    call(Ec2, "DeleteTags", &[
        grant(Apply, Always, "ec2:DeleteTags", Ours(&["*"])),
    ]),
    call(Ec2, "DeleteVolume", &[
        grant(Destroy, DataVolumeThatGoes, "ec2:DeleteVolume", Ours(&["volume"])),
    ]),
    call(Ec2, "DeleteVpc", &[
        grant(Destroy, OwnNetwork, "ec2:DeleteVpc", Ours(&["vpc"])),
    ]),
    // `Describe` actions know no resources; only the attribute of a VPC does.
    call(Ec2, "DescribeAddresses", &[grant(Plan, Always, "ec2:DescribeAddresses", Region)]),
    call(Ec2, "DescribeIamInstanceProfileAssociations", &[
        grant(Plan, Always, "ec2:DescribeIamInstanceProfileAssociations", Region),
    ]),
    call(Ec2, "DescribeImages", &[grant(Plan, Always, "ec2:DescribeImages", Region)]),
    call(Ec2, "DescribeInstanceTypeOfferings", &[
        grant(Plan, Always, "ec2:DescribeInstanceTypeOfferings", Region),
    ]),
    call(Ec2, "DescribeInstances", &[grant(Plan, Always, "ec2:DescribeInstances", Region)]),
    call(Ec2, "DescribeInternetGateways", &[grant(Plan, Always, "ec2:DescribeInternetGateways", Region)]),
    call(Ec2, "DescribeKeyPairs", &[grant(Plan, Always, "ec2:DescribeKeyPairs", Region)]),
    // What stands in the lab's network and is not the lab's.
    call(Ec2, "DescribeNetworkInterfaces", &[
        grant(Plan, OwnNetwork, "ec2:DescribeNetworkInterfaces", Region),
    ]),
    call(Ec2, "DescribePlacementGroups", &[
        grant(Plan, PlacementGroup, "ec2:DescribePlacementGroups", Region),
    ]),
    call(Ec2, "DescribeRouteTables", &[grant(Plan, Always, "ec2:DescribeRouteTables", Region)]),
    call(Ec2, "DescribeSecurityGroupRules", &[
        grant(Plan, Always, "ec2:DescribeSecurityGroupRules", Region),
    ]),
    call(Ec2, "DescribeSecurityGroups", &[grant(Plan, Always, "ec2:DescribeSecurityGroups", Region)]),
    call(Ec2, "DescribeSpotInstanceRequests", &[
        grant(Destroy, Spot, "ec2:DescribeSpotInstanceRequests", Region),
    ]),
    call(Ec2, "DescribeSpotPriceHistory", &[
        grant(Plan, Spot, "ec2:DescribeSpotPriceHistory", Region),
    ]),
    call(Ec2, "DescribeSubnets", &[grant(Plan, Always, "ec2:DescribeSubnets", Region)]),
    call(Ec2, "DescribeVolumes", &[grant(Plan, Always, "ec2:DescribeVolumes", Region)]),
    call(Ec2, "DescribeVpcAttribute", &[
        grant(Plan, OwnNetwork, "ec2:DescribeVpcAttribute", Ours(&["vpc"])),
    ]),
    call(Ec2, "DescribeVpcs", &[grant(Plan, Always, "ec2:DescribeVpcs", Region)]),
    // One that is attached to another VPC is brought home by an apply.
    call(Ec2, "DetachInternetGateway", &[
        grant(Apply, OwnNetwork, "ec2:DetachInternetGateway", Ours(&["internet-gateway", "vpc"])),
        grant(Destroy, OwnNetwork, "ec2:DetachInternetGateway", Ours(&["internet-gateway", "vpc"])),
    ]),
    // An apply detaches a volume from a machine that it should not be at.
    call(Ec2, "DetachVolume", &[
        grant(Apply, DataVolume, "ec2:DetachVolume", Ours(&["instance", "volume"])),
        grant(Destroy, DataVolume, "ec2:DetachVolume", Ours(&["instance", "volume"])),
    ]),
    call(Ec2, "DisassociateAddress", &[
        grant(Apply, ElasticIp, "ec2:DisassociateAddress", Ours(&["elastic-ip", "network-interface"])),
        grant(Destroy, ElasticIp, "ec2:DisassociateAddress", Ours(&["elastic-ip", "network-interface"])),
    ]),
    call(Ec2, "DisassociateRouteTable", &[
        grant(Destroy, OwnNetwork, "ec2:DisassociateRouteTable", Ours(&["route-table", "subnet"])),
    ]),
    call(Ec2, "GetConsoleOutput", &[
        grant(Apply, Always, "ec2:GetConsoleOutput", Ours(&["instance"])),
    ]),
    call(Ec2, "ImportKeyPair", &[
        grant(Apply, Always, "ec2:ImportKeyPair", New("key-pair")),
        tags(Always),
    ]),
    call(Ec2, "ModifyInstanceAttribute", &[
        grant(Apply, Always, "ec2:ModifyInstanceAttribute", Ours(&["instance", "security-group"])),
    ]),
    call(Ec2, "ModifyInstanceMetadataOptions", &[
        grant(Apply, Always, "ec2:ModifyInstanceMetadataOptions", Ours(&["instance"])),
    ]),
    call(Ec2, "ModifyInstancePlacement", &[
        grant(Apply, PlacementGroup, "ec2:ModifyInstancePlacement", Ours(&["instance", "placement-group"])),
    ]),
    call(Ec2, "ModifyVolume", &[
        grant(Apply, Always, "ec2:ModifyVolume", Ours(&["volume"])),
    ]),
    call(Ec2, "ModifyVpcAttribute", &[
        grant(Apply, OwnNetwork, "ec2:ModifyVpcAttribute", Ours(&["vpc"])),
    ]),
    call(Ec2, "RebootInstances", &[
        grant(Power, Unreached, "ec2:RebootInstances", Ours(&["instance"])),
    ]),
    call(Ec2, "ReleaseAddress", &[
        grant(Destroy, ElasticIp, "ec2:ReleaseAddress", Ours(&["elastic-ip"])),
    ]),
    call(Ec2, "ReplaceIamInstanceProfileAssociation", &[
        grant(Apply, Always, "ec2:ReplaceIamInstanceProfileAssociation", Ours(&["instance"])),
        grant(Apply, OwnRole, "iam:PassRole", PassedRole),
        grant(Apply, ExistingProfile, "iam:PassRole", PassedExistingRole),
    ]),
    // A rule that the profile has no more is revoked by an apply; a security group is deleted with its rules.
    call(Ec2, "RevokeSecurityGroupIngress", &[
        grant(Apply, Always, "ec2:RevokeSecurityGroupIngress", Ours(&["security-group"])),
    ]),
    call(Ec2, "RunInstances", &[
        grant(Apply, Always, "ec2:RunInstances", NewMachine),
        grant(Apply, Always, "ec2:RunInstances", Ours(&["key-pair", "security-group"])),
        grant(Apply, OwnNetwork, "ec2:RunInstances", Ours(&["subnet"])),
        grant(Apply, ExistingNetwork, "ec2:RunInstances", UsedSubnets),
        grant(Apply, PlacementGroup, "ec2:RunInstances", Ours(&["placement-group"])),
        grant(Apply, Always, "ec2:RunInstances", Images),
        // The reference lists no condition key of a spot request for this action.
        grant(Apply, Spot, "ec2:RunInstances", SpotRequest),
        tags(Always),
        grant(Apply, OwnRole, "iam:PassRole", PassedRole),
        grant(Apply, ExistingProfile, "iam:PassRole", PassedExistingRole),
        // The first spot request of an account makes the role (EC2 User Guide, "Service-linked role for Spot
        // Instance requests").
        grant(Apply, Spot, "iam:CreateServiceLinkedRole", SpotRole),
    ]),
    call(Ec2, "StartInstances", &[
        grant(Power, Always, "ec2:StartInstances", Ours(&["instance"])),
    ]),
    call(Ec2, "StopInstances", &[
        grant(Power, Always, "ec2:StopInstances", Ours(&["instance"])),
    ]),
    call(Ec2, "TerminateInstances", &[
        grant(Destroy, Always, "ec2:TerminateInstances", Ours(&["instance"])),
    ]),
    // IAM knows no tags of a role or an instance profile in these actions: their path and name hold the lab's name.
    call(Iam, "AddRoleToInstanceProfile", &[
        grant(Apply, OwnRole, "iam:AddRoleToInstanceProfile", Profile),
        grant(Apply, OwnRole, "iam:PassRole", PassedRole),
    ]),
    call(Iam, "AttachRolePolicy", &[
        grant(Apply, OwnRole, "iam:AttachRolePolicy", RolePolicies),
    ]),
    call(Iam, "CreateInstanceProfile", &[
        grant(Apply, OwnRole, "iam:CreateInstanceProfile", NewProfile),
        grant(Apply, OwnRole, "iam:TagInstanceProfile", NewProfile),
    ]),
    call(Iam, "CreateRole", &[
        grant(Apply, OwnRole, "iam:CreateRole", NewRole),
        grant(Apply, OwnRole, "iam:TagRole", NewRole),
    ]),
    call(Iam, "DeleteInstanceProfile", &[
        grant(Destroy, OwnRole, "iam:DeleteInstanceProfile", Profile),
    ]),
    call(Iam, "DeleteRole", &[grant(Destroy, OwnRole, "iam:DeleteRole", Role)]),
    call(Iam, "DetachRolePolicy", &[
        grant(Apply, OwnRole, "iam:DetachRolePolicy", Role),
        grant(Destroy, OwnRole, "iam:DetachRolePolicy", Role),
    ]),
    // Asked for even where no node takes the lab's role: it may be left from before.
    call(Iam, "GetInstanceProfile", &[grant(Plan, Always, "iam:GetInstanceProfile", Profile)]),
    call(Iam, "GetRole", &[grant(Plan, Always, "iam:GetRole", Role)]),
    call(Iam, "ListAttachedRolePolicies", &[
        grant(Plan, OwnRole, "iam:ListAttachedRolePolicies", Role),
    ]),
    // A profile holds one role: an apply takes out a wrong one.
    call(Iam, "RemoveRoleFromInstanceProfile", &[
        grant(Apply, OwnRole, "iam:RemoveRoleFromInstanceProfile", Profile),
        grant(Destroy, OwnRole, "iam:RemoveRoleFromInstanceProfile", Profile),
    ]),
    // A tag that the profile has, or has no more.
    call(Iam, "TagInstanceProfile", &[grant(Apply, OwnRole, "iam:TagInstanceProfile", Profile)]),
    call(Iam, "TagRole", &[grant(Apply, OwnRole, "iam:TagRole", Role)]),
    call(Iam, "UntagInstanceProfile", &[grant(Apply, OwnRole, "iam:UntagInstanceProfile", Profile)]),
    call(Iam, "UntagRole", &[grant(Apply, OwnRole, "iam:UntagRole", Role)]),
    call(Quotas, "GetAWSDefaultServiceQuota", &[
        grant(Plan, Always, "servicequotas:GetAWSDefaultServiceQuota", Region),
    ]),
    call(Quotas, "GetServiceQuota", &[
        grant(Plan, Always, "servicequotas:GetServiceQuota", Region),
    ]),
    call(S3, "CreateBucket", &[grant(Apply, MakingBucket, "s3:CreateBucket", StateBucket)]),
    // `state pull --move` takes the lockfile home.
    call(S3, "DeleteObject", &[grant(Destroy, SharedState, "s3:DeleteObject", StateObjects)]),
    call(S3, "GetBucketEncryption", &[
        grant(Apply, MakingBucket, "s3:GetEncryptionConfiguration", StateBucket),
    ]),
    call(S3, "GetBucketLifecycleConfiguration", &[
        grant(Apply, MakingBucket, "s3:GetLifecycleConfiguration", StateBucket),
    ]),
    call(S3, "GetBucketPolicy", &[grant(Apply, MakingBucket, "s3:GetBucketPolicy", StateBucket)]),
    // Without leave to list, S3 answers 403 for an object that is not there: "Amazon S3 API Reference", GetObject.
    call(S3, "GetObject", &[
        grant(Plan, SharedState, "s3:GetObject", StateObjects),
        grant(Plan, SharedState, "s3:ListBucket", StateBucket),
    ]),
    call(S3, "HeadBucket", &[grant(Apply, MakingBucket, "s3:ListBucket", StateBucket)]),
    call(S3, "PutBucketEncryption", &[
        grant(Apply, MakingBucket, "s3:PutEncryptionConfiguration", StateBucket),
    ]),
    call(S3, "PutBucketLifecycleConfiguration", &[
        grant(Apply, MakingBucket, "s3:PutLifecycleConfiguration", StateBucket),
    ]),
    call(S3, "PutBucketPolicy", &[grant(Apply, MakingBucket, "s3:PutBucketPolicy", StateBucket)]),
    call(S3, "PutBucketVersioning", &[
        grant(Apply, MakingBucket, "s3:PutBucketVersioning", StateBucket),
    ]),
    // The lease of every run that changes something, and the lockfile after it.
    call(S3, "PutObject", &[
        grant(Power, SharedState, "s3:PutObject", StateObjects),
        grant(Destroy, SharedState, "s3:PutObject", StateObjects),
    ]),
    call(S3, "PutPublicAccessBlock", &[
        grant(Apply, MakingBucket, "s3:PutBucketPublicAccessBlock", StateBucket),
    ]),
    call(Ssm, "GetParameter", &[
        grant(Plan, ImageParameter, "ssm:GetParameter", Parameters),
        // Looked for when planning, read when a host is made ready. A parameter with a key of one's own takes
        // kms:Decrypt on that key as well, which no profile names.
        grant(Plan, StackSecret, "ssm:GetParameter", Secrets),
    ]),
    // Everybody may ask who they are (STS API Reference, GetCallerIdentity).
    call(Sts, "GetCallerIdentity", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_in_order_and_each_is_there_once() {
        let names: Vec<_> = TABLE.iter().map(|call| (call.service, call.name)).collect();
        assert!(names.is_sorted(), "{names:?}");
        let mut once = names.clone();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }

    #[test]
    fn every_call_that_tags_may_tag() {
        for call in TABLE {
            let creates = call
                .grants
                .iter()
                .any(|grant| matches!(grant.place, New(_) | NewInVpc(_) | NewMachine | NewRule));
            let tags = call.grants.iter().any(|grant| grant.place == TagsOnCreate);
            assert_eq!(creates, tags, "{}", call.name);
        }
    }
}
