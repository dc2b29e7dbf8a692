//! Which instance profile an instance has.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::IamInstanceProfileSpecification;

use super::tags::filter;
use crate::aws::answer::{Done, done, id};
use crate::aws::classify::failed;
use crate::model::{Failure, FailureClass, Ref};

const OPERATION: &str = "ReplaceIamInstanceProfileAssociation";

/// Gives the instance this profile in the place of the one it has.
pub(in crate::aws) async fn set_profile(ec2: &Client, instance: &Ref, profile: &Ref) -> Done {
    let instance = id(instance, OPERATION)?;
    let profile = IamInstanceProfileSpecification::builder()
        .name(id(profile, OPERATION)?)
        .build();
    let association = association(ec2, instance).await?.ok_or_else(|| {
        let message = format!("{instance} has no instance profile any more");
        Failure::local(FailureClass::Invalid, OPERATION, message)
    })?;
    ec2.replace_iam_instance_profile_association()
        .association_id(association)
        .iam_instance_profile(profile)
        .send()
        .await
        .map_err(failed("ReplaceIamInstanceProfileAssociation"))?;
    Ok(done())
}

async fn association(ec2: &Client, instance: &str) -> Result<Option<String>, Failure> {
    let answer = ec2
        .describe_iam_instance_profile_associations()
        .filters(filter("instance-id", [instance]))
        .filters(filter("state", ["associating", "associated"]))
        .send()
        .await
        .map_err(failed("DescribeIamInstanceProfileAssociations"))?;
    let found = answer.iam_instance_profile_associations().iter();
    Ok(found
        .filter_map(|association| association.association_id())
        .map(str::to_owned)
        .next())
}
