//! What the adapter makes of servers that refuse, break off, or speak another language.

use std::sync::Arc;

use roboinfra::aws::{Aws, Settings};
use roboinfra::model::{ClientToken, Failure, FailureClass, Leftover, Op, Region, Stamp, Tags};
use roboinfra::port::{Cloud, TestClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A creating call at this endpoint, and its failure.
async fn failure_at(endpoint: String) -> Failure {
    let settings = Settings {
        region: Region::new("us-east-1"),
        profile: None,
        endpoint: Some(endpoint),
        endpoint_name: None,
        http_client: Some(aws_smithy_http_client::Builder::new().build_http()),
        credentials: None,
        known_images: |_, _| None,
        clock: Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH)),
    };
    let aws = Aws::connect(settings).await.expect("connects");
    let stamp = Stamp {
        token: ClientToken::new("t"),
        tags: Tags::new(),
    };
    aws.perform(&Op::CreateInternetGateway, &stamp)
        .await
        .expect_err("refused")
}

/// A server on loopback that answers one request with these bytes and hangs up.
async fn answering(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut request = vec![0; 65536];
        let read = stream.read(&mut request).await.expect("a request");
        assert!(read > 0, "an empty request");
        stream
            .write_all(answer.as_bytes())
            .await
            .expect("an open stream");
    });
    format!("http://{address}")
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr();
    let failure = failure_at(format!("http://{}", port.expect("bound"))).await;
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure}");
    assert_eq!(failure.leftover, Leftover::Nothing);
}

#[tokio::test]
async fn a_lost_answer_leaves_doubt() {
    let failure = failure_at(answering(String::new()).await).await;
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    assert_eq!(failure.leftover, Leftover::Unknown);
}

#[tokio::test]
async fn another_language() {
    for (status, class, leftover) in [
        ("500 Oops", FailureClass::Transient, Leftover::Unknown),
        (
            "502 Bad Gateway",
            FailureClass::Transient,
            Leftover::Unknown,
        ),
        ("404 Not Found", FailureClass::Invalid, Leftover::Nothing),
        ("403 Forbidden", FailureClass::Permission, Leftover::Nothing),
        ("200 OK", FailureClass::Transient, Leftover::Unknown),
    ] {
        let page = http(status, "<html><body>It works!</body></html>");
        let failure = failure_at(answering(page).await).await;
        assert_eq!(
            (failure.class, failure.leftover),
            (class, leftover),
            "{status}: {failure}"
        );
    }
}

#[tokio::test]
async fn ec2s_own_words() {
    let body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Slow down.</Message>\
                </Error></Errors><RequestID>7a62c442</RequestID></Response>";
    let failure = failure_at(answering(http("503 Busy", body)).await).await;
    assert_eq!(failure.class, FailureClass::Throttled);
    assert_eq!(failure.leftover, Leftover::Nothing);
    assert_eq!(failure.request_id.as_deref(), Some("7a62c442"));
    assert_eq!(
        failure.to_string(),
        "CreateInternetGateway: RequestLimitExceeded: Slow down."
    );
}
