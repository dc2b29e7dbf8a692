//! Service quotas.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;

use super::classify::failed;
use crate::model::{Failure, FailureClass, QuotaCode};

/// The applied value; where none is stored, the region's default; where that is unknown too, what AWS documents.
pub(super) async fn value(quotas: &Client, quota: &QuotaCode) -> Result<u32, Failure> {
    if let Some(value) = known(applied(quotas, quota).await)? {
        return Ok(whole(value));
    }
    Ok(known(default(quotas, quota).await)?.map_or(quota.default, whole))
}

/// "No such resource" is Service Quotas' way to say that it has no value.
fn known(answer: Result<Option<f64>, Failure>) -> Result<Option<f64>, Failure> {
    match answer {
        Err(failure) if failure.class == FailureClass::NotFound => Ok(None),
        answer => answer,
    }
}

async fn applied(quotas: &Client, quota: &QuotaCode) -> Result<Option<f64>, Failure> {
    let call = quotas
        .get_service_quota()
        .service_code(quota.service)
        .quota_code(quota.code);
    let answer = call.send().await.map_err(failed("GetServiceQuota"))?;
    Ok(answer.quota().and_then(ServiceQuota::value))
}

async fn default(quotas: &Client, quota: &QuotaCode) -> Result<Option<f64>, Failure> {
    let call = quotas
        .get_aws_default_service_quota()
        .service_code(quota.service)
        .quota_code(quota.code);
    let answer = call
        .send()
        .await
        .map_err(failed("GetAWSDefaultServiceQuota"))?;
    Ok(answer.quota().and_then(ServiceQuota::value))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates, and quotas are small whole numbers"
)]
fn whole(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_not_a_failure_and_a_failure_is_not_no_value() {
        let refuse = |class| Err(Failure::local(class, "GetServiceQuota", ""));
        assert_eq!(known(refuse(FailureClass::NotFound)), Ok(None));
        assert!(known(refuse(FailureClass::Permission)).is_err());
        assert_eq!(whole(64.0), 64);
        assert_eq!(whole(-1.0), 0);
    }
}
