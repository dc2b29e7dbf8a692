//! The sandbox behind a socket.

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_types::region::Region;
use roboinfra::sandbox::{Options, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::code;

#[tokio::test]
async fn any_client_can_talk_to_it() {
    let scenario = roboinfra::sandbox::Scenario::parse(
        "[[fault]]\nkind = \"lost-response\"\non = \"CreateVpc\"\nnth = 2",
    )
    .expect("valid");
    let sandbox = Sandbox::new(Options {
        scenario,
        ..Options::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(sandbox.clone().serve(listener));

    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(format!("http://{address}"))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let create = || ec2.create_vpc().cidr_block("10.0.0.0/16").send();
    create().await.expect("made");
    assert_eq!(code(create().await), "connection");
    let found = ec2.describe_vpcs().send().await.expect("found");
    assert_eq!(found.vpcs().len(), 2, "the effect of the lost one is there");

    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("answered");
    assert!(text.starts_with("HTTP/1.1 401"), "{text}");
    assert!(text.contains("<Code>AuthFailure</Code>"), "{text}");
    server.abort();
}
