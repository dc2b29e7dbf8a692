//! Permissions and credentials.

use super::types::{Advice, Circumstances};
use crate::model::Failure;
use crate::policy::{Phase, TABLE};

pub(super) fn permission(failure: &Failure) -> Advice {
    let action = denied_action(&failure.message).unwrap_or_else(|| action_of(&failure.operation));
    let message = &failure.message;
    let advice = if message.contains("service control policy") {
        Advice::new(format!(
            "A service control policy of your organisation forbids {action}."
        ))
        .say("No policy in this account can allow it: ask whoever manages the organisation.")
    } else if message.contains("permissions boundary") {
        Advice::new(format!(
            "Your permissions boundary does not allow {action}."
        ))
        .say("Ask whoever manages the account to widen the boundary.")
    } else if message.contains("explicit deny") {
        Advice::new(format!("A policy denies {action} in so many words.")).say(
            "Ask whoever manages the account; adding a permission does not help against a denial.",
        )
    } else if message.contains("Not authorized for images") {
        Advice::new("The image is not shared with this account.")
            .say("Name another `image` in the profile.")
    } else {
        Advice::new(format!("You may not do this: {action} is not allowed."))
            .say(format!(
                "Ask whoever manages the account to allow {action}; this prints all that the lab takes:"
            ))
            .type_this(format!(
                "roboinfra policy {}",
                part_of(&action, &failure.operation)
            ))
    };
    match encoded(message) {
        Some(blob) => advice.type_this(format!(
            "aws sts decode-authorization-message --encoded-message {blob}"
        )),
        None => advice.type_this("aws sts get-caller-identity"),
    }
}

/// AWS refuses what was signed more than some minutes ago, or will be.
fn is_skewed(code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    matches!(code, "RequestTimeTooSkewed" | "RequestInTheFuture")
        || message.contains("signature expired")
        || message.contains("signature not yet current")
}

pub(super) fn credentials(failure: &Failure, circumstances: &Circumstances<'_>) -> Advice {
    let code = failure.code.as_deref().unwrap_or_default();
    let profile = circumstances
        .aws_profile
        .map(|name| format!(" --profile {name}"))
        .unwrap_or_default();
    match code {
        _ if is_skewed(code, &failure.message) => {
            Advice::new("This machine's clock is wrong: AWS refuses what is signed minutes off.")
                .type_this("sudo timedatectl set-ntp true")
                .say("Then run the same command again.")
        }
        "ExpiredToken" | "ExpiredTokenException" => Advice::new("Your AWS session has expired.")
            .type_this(format!("aws sso login{profile}")),
        "RequestExpired" => Advice::new("The session has expired, or this machine's clock is more than 15 minutes off.")
            .type_this(format!("aws sso login{profile}")),
        // The adapter's own word.
        "ProfileNotFound" => Advice::new("AWS's config files have no such profile.")
            .type_this("aws configure list-profiles")
            .say("Choose another one with --aws-profile or AWS_PROFILE, or set this one up: aws configure sso."),
        "" => Advice::new("There are no AWS credentials, or they could not be read.")
            .type_this(format!("aws sso login{profile}"))
            .say("Or set keys with `aws configure`, name a profile with --aws-profile, or try everything without an account: --sandbox."),
        _ => Advice::new("AWS does not accept these credentials: they are wrong, or were revoked.")
            .type_this(format!("aws sts get-caller-identity{profile}"))
            .say("Sign in again, or choose other credentials with --aws-profile."),
    }
}

pub(super) fn opt_in(circumstances: &Circumstances<'_>) -> Advice {
    Advice::new("This account has not enabled the region, or the service in it.").type_this(
        format!(
            "aws account enable-region --region-name {}",
            circumstances.region
        ),
    )
}

/// The action that the message says is denied: `... is not authorized to perform: ec2:RunInstances on resource ...`.
fn denied_action(message: &str) -> Option<String> {
    let (_, after) = message.split_once("not authorized to perform: ")?;
    let action: String = after
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))
        .collect();
    action.contains(':').then_some(action)
}

/// The part of the policy that allows an action; all of it for one that the table does not have.
fn part_of(action: &str, operation: &str) -> &'static str {
    let phase = TABLE
        .iter()
        .flat_map(|call| call.grants.iter().map(move |grant| (call.name, grant)))
        .filter(|(call, grant)| {
            grant.action == action && (*call == operation || operation.is_empty())
        })
        .map(|(_, grant)| grant.phase)
        .min();
    match phase {
        Some(Phase::Plan) => "plan",
        Some(Phase::Power) => "power",
        Some(Phase::Apply) => "apply",
        Some(Phase::Destroy) => "destroy",
        None => "all",
    }
}

/// The policy action for an API call, by the service that has it.
fn action_of(operation: &str) -> String {
    let iam = ["Role", "InstanceProfile"]
        .iter()
        .any(|word| operation.contains(word));
    let service = match operation {
        _ if iam => "iam",
        "GetServiceQuota" | "ListServiceQuotas" | "GetAWSDefaultServiceQuota" => "servicequotas",
        "GetParameter" | "GetParameters" => "ssm",
        "GetCallerIdentity" => "sts",
        _ => "ec2",
    };
    format!("{service}:{operation}")
}

/// EC2's encoded account of why it refused; it goes into a command, so nothing but its own alphabet.
fn encoded(message: &str) -> Option<String> {
    let (_, after) = message.split_once("Encoded authorization failure message: ")?;
    let is_blob = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/');
    let blob: String = after.chars().take_while(is_blob).collect();
    (!blob.is_empty()).then_some(blob)
}
