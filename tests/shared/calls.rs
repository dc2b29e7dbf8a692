//! What shared state costs in calls.

use std::collections::BTreeMap;

use roboinfra::sandbox::{Options, Sandbox, Scenario};
use tokio::net::TcpListener;

use crate::account::{BUCKET, profile};
use crate::bench::Bench;

/// The calls of S3 that a command makes, at an endpoint.
async fn calls(
    sandbox: &Sandbox,
    bench: &Bench,
    address: &str,
    words: &[&str],
) -> BTreeMap<String, usize> {
    sandbox.forget_calls();
    let mut command = bench.command(words);
    command
        .env("AWS_ENDPOINT_URL", address)
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any");
    let ran = tokio::task::spawn_blocking(move || {
        crate::bench::finish(command.spawn().expect("the binary is built"))
    });
    ran.await.expect("it ends").ends(0);
    let mut counts = BTreeMap::new();
    for call in sandbox
        .calls()
        .into_iter()
        .filter(|call| call.service == "s3")
    {
        *counts.entry(call.action).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_run_makes_six_calls_more_and_a_plan_one() {
    let scenario = Scenario::parse("[times]\nrunning = \"0ms\"\nterminated = \"0ms\"\n");
    let sandbox = Sandbox::new(Options {
        scenario: scenario.expect("valid"),
        ..Options::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let server = tokio::spawn(sandbox.clone().serve(listener));
    let bench = Bench::empty();
    bench.write("lab.toml", profile().replace("my-ip", "192.0.2.0/24"));
    let run = async |words: &[&str]| calls(&sandbox, &bench, &address, words).await;
    run(&["init", "--state-bucket", BUCKET]).await;
    let counted = |get, put| {
        [("GetObject", get), ("PutObject", put)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(action, count)| (action.to_owned(), count))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(run(&["plan"]).await, counted(1, 0));
    // The lease and the lockfile are read; the lease is taken, the lockfile written before and after, the lease given back.
    assert_eq!(run(&["apply", "--yes"]).await, counted(2, 4));
    assert_eq!(run(&["apply", "--yes"]).await, counted(2, 2));
    assert_eq!(run(&["status"]).await, counted(1, 0));
    assert_eq!(run(&["destroy", "--yes"]).await, counted(2, 4));
    server.abort();
}
