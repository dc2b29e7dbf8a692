//! The seam: the sandbox as the HTTP client of an AWS SDK.

use std::io;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::call::Broken;
use super::core::Sandbox;
use super::wire::Request;

impl Sandbox {
    /// An HTTP client for the SDK that ends in this sandbox, whatever endpoint and region a client is set to.
    pub fn http_client(self: &Arc<Self>) -> SharedHttpClient {
        SharedHttpClient::new(Connector(Arc::clone(self)))
    }
}

#[derive(Debug, Clone)]
struct Connector(Arc<Sandbox>);

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sandbox = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let header = |name| request.headers().get(name).map(str::to_owned);
            let all = request.headers().iter();
            let headers = all.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
            let request = Request {
                method: request.method().to_owned(),
                uri: request.uri().to_owned(),
                headers: headers.collect(),
                authorization: header("authorization"),
                target: header("x-amz-target"),
                body: request.body().bytes().unwrap_or_default().to_vec(),
            };
            let response = sandbox.respond(request).await.map_err(broken)?;
            let mut answer = http::Response::builder()
                .status(response.status)
                .header("content-type", response.content_type.as_ref());
            for (name, value) in &response.headers {
                answer = answer.header(*name, value);
            }
            let answer = answer
                .body(SdkBody::from(response.body))
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the network would say: a refused connection is an I/O error of that kind.
fn broken(broken: Broken) -> ConnectorError {
    if matches!(broken, Broken::Refused | Broken::NoRegion) {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, broken);
        ConnectorError::io(refused.into()).never_connected()
    } else {
        ConnectorError::io(broken.into())
    }
}
