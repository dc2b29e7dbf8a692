//! The console of an instance.

use aws_sdk_ec2::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::aws::classify::failed;
use crate::model::{CloudId, Failure};

/// What an instance has written to its console. Only Nitro instances show it as it is now; others some minutes late.
pub(in crate::aws) async fn read(ec2: &Client, instance: &CloudId) -> Result<String, Failure> {
    let ask = |latest: bool| {
        ec2.get_console_output()
            .instance_id(instance.as_str())
            .latest(latest)
            .send()
    };
    let answer = match ask(true).await.map_err(failed("GetConsoleOutput")) {
        Err(failure) if failure.code.as_deref() == Some("UnsupportedOperation") => {
            ask(false).await.map_err(failed("GetConsoleOutput"))?
        }
        answer => answer?,
    };
    Ok(decoded(answer.output().unwrap_or_default()))
}

/// The console's text; what is no text in it is replaced.
fn decoded(output: &str) -> String {
    let encoded: String = output.split_whitespace().collect();
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_may_say_anything() {
        assert_eq!(decoded("aGVs\nbG8="), "hello");
        assert_eq!(decoded(""), "");
        assert_eq!(decoded("not base64!"), "");
        assert_eq!(decoded("/w=="), "\u{fffd}");
    }
}
