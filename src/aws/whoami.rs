//! The operator's public address, asked of a service that AWS runs for this.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::classify::causes;
use crate::model::{Failure, FailureClass};
use crate::port::WhoAmI;

/// Answers with the caller's address and a line feed.
const URL: &str = "https://checkip.amazonaws.com/";
/// How long the whole question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// An address fits many times; anything longer is not one.
const ANSWER_LIMIT: usize = 256;

/// Asks `checkip.amazonaws.com`, with the SDK's own HTTP client.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckIp;

#[async_trait]
impl WhoAmI for CheckIp {
    async fn my_ip(&self) -> Result<IpAddr, Failure> {
        let body = tokio::time::timeout(PATIENCE, ask()).await.map_err(|_| {
            unreachable(format!(
                "{URL} did not answer within {} s",
                PATIENCE.as_secs()
            ))
        })??;
        parse(&body)
    }
}

async fn ask() -> Result<Vec<u8>, Failure> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .build();
    let connector = aws_smithy_http_client::default_connector(&settings, None)
        .ok_or_else(|| unreachable("this build has no TLS".to_owned()))?;
    let request = HttpRequest::get(URL).map_err(|e| unreachable(e.to_string()))?;
    let answer = connector
        .call(request)
        .await
        .map_err(|e| unreachable(format!("{URL}: {}", causes(e.into_source().as_ref()))))?;
    if !answer.status().is_success() {
        return Err(unreachable(format!(
            "{URL} answered {}",
            answer.status().as_u16()
        )));
    }
    let body = collect(answer.into_body()).await?;
    Ok(body)
}

async fn collect(body: SdkBody) -> Result<Vec<u8>, Failure> {
    let bytes = aws_smithy_types::byte_stream::ByteStream::new(body)
        .collect()
        .await
        .map_err(|e| unreachable(e.to_string()))?;
    Ok(bytes.to_vec())
}

/// The address, and nothing but an address: it goes into a firewall rule.
fn parse(body: &[u8]) -> Result<IpAddr, Failure> {
    let text = body.get(..ANSWER_LIMIT.min(body.len())).unwrap_or_default();
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| unreachable(format!("{URL} did not answer with an address")))
}

fn unreachable(message: String) -> Failure {
    Failure::local(FailureClass::Unreachable, "my-ip", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_answer() {
        assert_eq!(
            parse(b"198.51.100.7\n"),
            Ok("198.51.100.7".parse().expect("an address"))
        );
        assert!(parse(b"2001:db8::1").is_ok());
        for bad in [
            &b"<html>login</html>"[..],
            b"",
            b"198.51.100.7/0",
            &[b'1'; 999],
            &[0xff],
        ] {
            assert!(parse(bad).is_err());
        }
    }
}
