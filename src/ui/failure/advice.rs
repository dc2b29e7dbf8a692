//! What a failure means and what helps against it.

use super::types::{Advice, Circumstances};
use super::{access, lack};
use crate::model::{Failure, FailureClass};

/// What `failure` means and what helps.
pub fn advise(failure: &Failure, circumstances: &Circumstances<'_>) -> Advice {
    let code = failure.code.as_deref().unwrap_or_default();
    if let Some(advice) = by_code(code, failure, circumstances) {
        return advice;
    }
    match failure.class {
        FailureClass::Quota => lack::quota(code, failure, circumstances),
        FailureClass::Capacity => lack::capacity(),
        FailureClass::SpotPrice => lack::spot_price(),
        FailureClass::Permission => access::permission(failure),
        FailureClass::Credentials => access::credentials(failure, circumstances),
        other => by_class(other, failure),
    }
}

fn by_code(code: &str, failure: &Failure, circumstances: &Circumstances<'_>) -> Option<Advice> {
    let says = |text: &str| failure.message.to_ascii_lowercase().contains(text);
    Some(match code {
        "OptInRequired" if says("marketplace") => {
            Advice::new("The image comes from AWS Marketplace, and this account has not accepted its terms.")
                .say("Open the address in the message above, subscribe, and run the same command again.")
        }
        "OptInRequired" => access::opt_in(circumstances),
        "PendingVerification" => Advice::new("AWS is still verifying this account.")
            .say("Wait for AWS's mail, which can take some hours, and run the same command again."),
        "Blocked" => Advice::new("AWS has blocked this account from launching machines.")
            .say("Only AWS Support can lift that: open a case under \"Account and billing\"."),
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted" => {
            Advice::new("The account has never used spot machines, and you may not create the role that they need.")
                .type_this("aws iam create-service-linked-role --aws-service-name spot.amazonaws.com")
                .say("Or let someone type it who may; it is needed once per account.")
        }
        "InvalidParameterCombination" if says("free tier") => {
            Advice::new("The account is on AWS's free plan, which cannot launch machines with a GPU.")
                .say("Upgrade to the paid plan in the Billing console, under \"Account\".")
        }
        "InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable" => {
            Advice::new("The image does not exist any more in this region, or is not shared with this account.")
                .say("Name another `image` in the profile.")
        }
        "InvalidIPAddress.InUse" | "Resource.AlreadyAssociated" => {
            Advice::new("The address serves something else; it is never taken away from it.")
                .say("Free it, or let the lab have an address of its own.")
        }
        "DependencyViolation" => Advice::new("Something that is not this lab's still uses it.")
            .say("Interfaces, gateways or groups that someone added by hand must go first.")
            .type_this(format!("aws ec2 describe-network-interfaces --region {}", circumstances.region)),
        "IdempotentParameterMismatch" | "IdempotentInstanceTerminated" => {
            Advice::new("An earlier launch used the same token for something else.")
                .say("Nothing was launched twice. Run the same command again: it takes a new token.")
        }
        "TagPolicyViolation" => Advice::new("A tag policy of your organisation forbids one of the tags.")
            .say("Change `tags` under `[lab]` to what the policy allows."),
        _ => return None,
    })
}

fn by_class(class: FailureClass, failure: &Failure) -> Advice {
    match class {
        FailureClass::Throttled => Advice::new(
            "AWS limits how fast this account may call, and went on doing so.",
        )
        .say("Run the same command again in a minute; `--parallelism 4` asks for less at once."),
        FailureClass::Transient => {
            Advice::new("AWS had a fault of its own, several times in a row.")
                .say("Run the same command again; https://health.aws.amazon.com tells of outages.")
        }
        FailureClass::Unreachable => Advice::new(
            "AWS cannot be reached from here, or the region does not exist.",
        )
        .say("Check the network, `region` in the profile, and AWS_ENDPOINT_URL if it is set.")
        .say("Then run the same command again."),
        FailureClass::Conflict => {
            Advice::new("Something else must happen first, and did not in time.")
                .say("Run the same command again: it goes on where this run ended.")
        }
        FailureClass::AlreadyExists => Advice::new("It exists already, and is not this lab's.")
            .say("Nothing foreign is changed. Rename the lab, or remove what is in the way."),
        FailureClass::NotFound | FailureClass::NotVisibleYet => {
            Advice::new("Something that was there, or was just made, cannot be seen.")
                .say("Run the same command again: it looks at everything anew.")
        }
        FailureClass::Token => Advice::new("The launch's token was used before.")
            .say("Run the same command again: it takes a new one."),
        FailureClass::TimedOut => Advice::new("What it waited for did not happen in time.")
            .say("Nothing is lost. Run the same command again: it looks first."),
        FailureClass::Interrupted => {
            Advice::new("You asked to stop.").say("Run the same command again to go on.")
        }
        FailureClass::Invalid
        | FailureClass::Quota
        | FailureClass::Capacity
        | FailureClass::SpotPrice
        | FailureClass::Permission
        | FailureClass::Credentials => {
            let advice =
                Advice::new("AWS refuses the request as it is; sending it again will not help.");
            match &failure.request_id {
                Some(id) => advice.say(format!(
                    "If the profile is right, report it with the request id {id}."
                )),
                None => advice.say("Check the values in the profile that the message names."),
            }
        }
    }
}
