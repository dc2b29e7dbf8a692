//! Who is asking.

use aws_sdk_sts::Client;

use super::classify::failed;
use crate::inventory::Identity;
use crate::model::{AccountId, Failure, FailureClass, Region};

/// The caller's account and ARN; the first call of every run, and so the one that finds bad credentials.
pub(super) async fn identity(
    sts: &Client,
    region: &Region,
    endpoint: &str,
) -> Result<Identity, Failure> {
    let answer = sts
        .get_caller_identity()
        .send()
        .await
        .map_err(failed("GetCallerIdentity"))?;
    let (Some(account), Some(arn)) = (answer.account(), answer.arn()) else {
        let message = "the answer names no account";
        return Err(Failure::local(
            FailureClass::Credentials,
            "GetCallerIdentity",
            message,
        ));
    };
    Ok(Identity {
        account: AccountId::new(account),
        arn: arn.to_owned(),
        region: region.clone(),
        endpoint: endpoint.to_owned(),
    })
}
