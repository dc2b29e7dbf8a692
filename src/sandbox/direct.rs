//! The sandbox without HTTP: what a client would send, as bytes. Fuzzing and tests of the wire use it.

use super::core::Sandbox;
use super::wire::Request;

/// What the sandbox answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The HTTP status.
    pub status: u16,
    /// What the body is written in.
    pub content_type: String,
    /// The body.
    pub body: String,
}

impl Sandbox {
    /// Answers one request, signed for `service` in `region`; nothing where the connection breaks. `target` is the header `X-Amz-Target`, by which the JSON services name the action.
    pub async fn exchange(
        &self,
        service: &str,
        region: &str,
        target: Option<&str>,
        body: &[u8],
    ) -> Option<Exchanged> {
        let request = Request {
            authorization: Some(format!(
                "AWS4-HMAC-SHA256 Credential=direct/20260101/{region}/{service}/aws4_request"
            )),
            target: target.map(str::to_owned),
            body: body.to_vec(),
            ..Request::default()
        };
        let response = self.respond(request).await.ok()?;
        Some(Exchanged {
            status: response.status,
            content_type: response.content_type.into_owned(),
            body: String::from_utf8_lossy(&response.body).into_owned(),
        })
    }
}
