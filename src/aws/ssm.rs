//! SSM parameters: where the owners of images publish the newest ids.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::primitives::DateTime;
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

/// Which version of a parameter there is. One that was deleted and made again begins at 1, at another time.
pub(super) async fn version(ssm: &Client, name: &str) -> Result<String, Failure> {
    let found = read(ssm, name, false).await?;
    let changed = found.last_modified_date().map_or(0, DateTime::secs);
    Ok(format!("{}-{changed}", found.version()))
}

async fn value(ssm: &Client, name: &str, decrypt: bool) -> Result<String, Failure> {
    let found = read(ssm, name, decrypt).await?;
    found.value.ok_or_else(|| valueless(name))
}

async fn read(ssm: &Client, name: &str, decrypt: bool) -> Result<Parameter, Failure> {
    let answer = ssm
        .get_parameter()
        .name(name)
        .set_with_decryption(decrypt.then_some(true))
        .send()
        .await
        .map_err(failed("GetParameter"))
        .map_err(|failure| naming(failure, name))?;
    answer.parameter.ok_or_else(|| valueless(name))
}

fn valueless(name: &str) -> Failure {
    let message = format!("the SSM parameter {name} has no value");
    Failure::local(FailureClass::Invalid, "GetParameter", message)
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
