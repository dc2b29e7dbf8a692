//! The sandbox behind a socket, so that any AWS client can talk to it.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::call::Broken;
use super::core::Sandbox;
use super::wire::Request;

impl Sandbox {
    /// Answers HTTP/1.1 requests on a listener until the future is dropped or the listener fails.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<Infallible> {
        loop {
            let (stream, _) = listener.accept().await?;
            let sandbox = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(Arc::clone(&sandbox), request));
                // A connection that breaks concerns nobody but its client.
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
            });
        }
    }
}

/// An error closes the connection without an answer: that is what a lost response looks like.
async fn answer(
    sandbox: Arc<Sandbox>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Broken> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value: &hyper::header::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let all = request.headers().iter();
    let headers = all.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let mut read = Request {
        method: request.method().as_str().to_owned(),
        uri: request.uri().to_string(),
        headers: headers.collect(),
        authorization: header("authorization"),
        target: header("x-amz-target"),
        body: Vec::new(),
    };
    read.body = request
        .into_body()
        .collect()
        .await
        .map_err(|_| Broken::Lost)?
        .to_bytes()
        .to_vec();
    let response = sandbox.respond(read).await?;
    let mut answer = hyper::Response::builder()
        .status(response.status)
        .header("content-type", response.content_type.as_ref());
    for (name, value) in &response.headers {
        answer = answer.header(*name, value);
    }
    answer
        .body(Full::new(Bytes::from(response.body)))
        .map_err(|_| Broken::Lost)
}
