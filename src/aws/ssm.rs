//! SSM parameters: where the owners of images publish the newest ids.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::Parameter;

use super::classify::failed;
use crate::model::{Failure, FailureClass, Secret};

/// The value of a parameter; what is encrypted stays so.
pub(super) async fn parameter(ssm: &Client, name: &str) -> Result<String, Failure> {
    value(ssm, name, false).await
}

/// The value of a parameter, decrypted.
pub(super) async fn secret(ssm: &Client, name: &str) -> Result<Secret, Failure> {
    value(ssm, name, true).await.map(Secret::new)
}

async fn value(ssm: &Client, name: &str, decrypt: bool) -> Result<String, Failure> {
    let answer = ssm
        .get_parameter()
        .name(name)
        .set_with_decryption(decrypt.then_some(true))
        .send()
        .await
        .map_err(failed("GetParameter"))
        .map_err(|failure| naming(failure, name))?;
    answer
        .parameter()
        .and_then(Parameter::value)
        .map(str::to_owned)
        .ok_or_else(|| {
            let message = format!("the SSM parameter {name} has no value");
            Failure::local(FailureClass::Invalid, "GetParameter", message)
        })
}

/// SSM says that a parameter is missing without saying which.
fn naming(failure: Failure, name: &str) -> Failure {
    if failure.class == FailureClass::NotFound {
        Failure {
            message: format!("there is no SSM parameter {name} in this region"),
            ..failure
        }
    } else {
        failure
    }
}
