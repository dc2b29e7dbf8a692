//! An HTTP client that remembers which actions passed through it.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The actions sent so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// Hands over the actions sent since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(
            &mut *self
                .0
                .lock()
                .expect("no code panics while it holds the calls"),
        )
    }
}

/// Wraps a client.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) inner: SharedHttpClient,
    pub(crate) calls: Calls,
}

impl HttpClient for Counted {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(CountedConnector {
            inner: self.inner.http_connector(settings, components),
            calls: self.calls.clone(),
        })
    }
}

#[derive(Debug)]
struct CountedConnector {
    inner: SharedHttpConnector,
    calls: Calls,
}

impl HttpConnector for CountedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let action = action(&request);
        self.calls
            .0
            .lock()
            .expect("no code panics while it holds the calls")
            .push(action);
        self.inner.call(request)
    }
}

/// The action: a form field for EC2, IAM and STS, a header for SSM and Service Quotas.
fn action(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = request.body().bytes().unwrap_or_default();
    form_urlencoded::parse(body)
        .find(|(key, _)| key == "Action")
        .map(|(_, action)| action.into_owned())
        .unwrap_or_default()
}
