//! A failure as lines: the cloud's own words, then ours, then what helps.

use super::advice::advise;
use super::types::{Advice, Circumstances, Help};
use crate::model::{Failure, Leftover};
use crate::ui::page::Line;
use crate::ui::style::Role;

/// The failure as lines that start at column `indent`.
pub fn failure_lines(
    failure: &Failure,
    circumstances: &Circumstances<'_>,
    indent: usize,
) -> Vec<Line> {
    let Failure {
        class: _,
        operation,
        code,
        message,
        request_id,
        leftover,
    } = failure;
    let Advice { cause, help } = advise(failure, circumstances);
    let line = || Line::at(indent).hang(indent);
    let mut said = line().add(Role::Faint, format!("{operation}: "));
    if let Some(code) = code {
        said.push(Role::Bad, code);
        said.push(Role::Faint, ": ");
    }
    said.push(Role::Faint, message);
    if let Some(id) = request_id {
        said.push(Role::Faint, format!(" (request {id})"));
    }
    let mut lines = vec![said, line().plain(cause)];
    if *leftover == Leftover::Unknown {
        let text =
            "It is not known whether it happened; the next run looks before it does anything.";
        lines.push(line().add(Role::Notice, text));
    }
    lines.extend(help.into_iter().map(|help| match help {
        Help::Say(text) => line().plain(text),
        Help::Type(command) => Line::command(indent + 2, command),
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureClass, InstanceType, Market, Region};
    use crate::ui::style::Look;

    fn shown(class: FailureClass, operation: &str, code: &str, message: &str) -> String {
        let (region, instance_type) =
            (Region::new("eu-central-1"), InstanceType::new("g5.2xlarge"));
        let circumstances = Circumstances {
            region: &region,
            launch: Some((&instance_type, Market::OnDemand, 2)),
            aws_profile: Some("robots"),
        };
        let failure = Failure {
            code: Some(code.to_owned()).filter(|code| !code.is_empty()),
            ..Failure::local(class, operation, message)
        };
        let look = Look::plain(80);
        failure_lines(&failure, &circumstances, 0)
            .iter()
            .map(|line| line.render(&look) + "\n")
            .collect()
    }

    use FailureClass::{Capacity, Credentials, Invalid, Permission, Quota, SpotPrice, Transient};

    /// Class, operation, code, message.
    const CASES: &[(FailureClass, &str, &str, &str)] = &[
        (
            Quota,
            "RunInstances",
            "VcpuLimitExceeded",
            "You have requested more vCPU capacity than your current vCPU limit of 4 allows",
        ),
        (
            Quota,
            "RunInstances",
            "MaxSpotInstanceCountExceeded",
            "Max spot instance count exceeded",
        ),
        (
            Quota,
            "AllocateAddress",
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ),
        (
            Quota,
            "CreateSnapshot",
            "SnapshotLimitExceeded",
            "Too many.",
        ),
        (
            Capacity,
            "RunInstances",
            "InsufficientInstanceCapacity",
            "We currently do not have sufficient capacity.",
        ),
        (
            SpotPrice,
            "RunInstances",
            "SpotMaxPriceTooLow",
            "Your Spot request price is too low.",
        ),
        (
            Permission,
            "RunInstances",
            "UnauthorizedOperation",
            "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2 because no identity-based policy allows it",
        ),
        (
            Permission,
            "CreateRole",
            "AccessDenied",
            "with an explicit deny in a service control policy",
        ),
        (
            Permission,
            "CreateVpc",
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. Encoded authorization failure message: AbC-_9 $(rm)",
        ),
        (
            Permission,
            "RunInstances",
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
            "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
        ),
        (
            Permission,
            "RunInstances",
            "OptInRequired",
            "You are not subscribed to this service.",
        ),
        (
            Permission,
            "RunInstances",
            "PendingVerification",
            "Your account is currently being verified.",
        ),
        (
            Credentials,
            "GetCallerIdentity",
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        (
            Credentials,
            "GetCallerIdentity",
            "",
            "no credentials in the chain",
        ),
        (
            Invalid,
            "RunInstances",
            "InvalidParameterCombination",
            "The specified instance type is not eligible for Free Tier.",
        ),
        (
            Transient,
            "CreateVpc",
            "InternalError",
            "An internal error has occurred",
        ),
    ];

    #[test]
    fn each_failure_names_its_cause_and_the_next_command() {
        let all: Vec<String> = CASES
            .iter()
            .map(|(class, operation, code, message)| shown(*class, operation, code, message))
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn what_the_cloud_says_never_becomes_part_of_a_command() {
        let message = "Encoded authorization failure message: AbC;$(rm -rf ~)";
        let text = shown(Permission, "CreateVpc", "UnauthorizedOperation", message);
        assert!(text.ends_with("--encoded-message AbC\n"), "{text}");
    }
}
