//! Which service a call is for, and its answer in that service's protocol.

use super::call::{Call, Service, cbor_answer, ec2_answer, json_answer, query_answer};
use super::context::Ctx;
use super::wire::{ApiError, Response, Xml};
use super::{cloudwatch, ec2, iam, quotas, s3, ssm, sts};

/// Has the call performed.
pub(super) fn perform(ctx: &mut Ctx<'_>, call: &Call, number: u64) -> Result<Response, ApiError> {
    let mut xml = Xml::default();
    match call.service {
        Service::Ec2 => {
            ec2::perform(ctx, &call.params, &mut xml)?;
            Ok(ec2_answer(&call.action, xml, number))
        }
        Service::Iam => {
            iam::perform(ctx, &call.params, &mut xml)?;
            Ok(query_answer(call.service, &call.action, xml, number))
        }
        Service::Sts => {
            sts::perform(ctx, &mut xml)?;
            Ok(query_answer(call.service, &call.action, xml, number))
        }
        Service::S3 => s3::perform(ctx, &call.ask),
        Service::CloudWatch => {
            let told = cloudwatch::perform(ctx, &call.json)?;
            Ok(cbor_answer(200, &told))
        }
        Service::Ssm => ssm::perform(ctx, &call.json).map(|value| json_answer(&value)),
        Service::Quotas => quotas::perform(ctx, &call.json).map(|value| json_answer(&value)),
    }
}

/// What holds for every service's table of actions.
#[cfg(test)]
pub(super) fn check_actions(names: &[&str]) {
    assert!(names.is_sorted());
    let manual = include_str!("../../docs/sandbox.md");
    let words: Vec<&str> = manual.split_whitespace().collect();
    for name in names {
        assert!(words.contains(name), "{name} is not in docs/sandbox.md");
    }
}
