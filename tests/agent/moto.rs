//! What the daemon publishes is understood by moto's CloudWatch, behind the shim that speaks CloudWatch's protocol for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::rig::Rig;

/// An answer in the older protocol, which moto has a parser of its own for.
fn ask(port: u16, query: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("moto listens");
    let scope = "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/monitoring/aws4_request, \
                 SignedHeaders=host, Signature=0";
    let body = format!("{query}&Version=2010-08-01");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: monitoring.us-east-1.amazonaws.com\r\nAuthorization: {scope}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is text");
    answer
}

#[test]
#[ignore = "needs moto: cargo test --test agent -- --include-ignored moto::"]
fn moto_understands_what_is_published() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/server.py");
    let mut server = Command::new("python3")
        .args([script, "0", "with-parent"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("it says its port; is moto installed?");
    let port: u16 = line.trim().parse().expect("a port; is moto installed?");

    let mut rig = Rig::with_gpus(2, &[]);
    let start = jiff::Timestamp::now().as_second() - 86_400;
    rig.head.push_str("sample_s = 60\n");
    rig.sections = format!(
        "[publish]\nnamespace = \"Twin\"\ninterval_s = 300\nendpoint = \"http://127.0.0.1:{port}\"\n\
         [rehearsal]\nspeed = 600\nstart_s = {start}\n"
    );
    let daemon = rig.start();
    rig.until("something is published", |rig| {
        (rig.status()?.queue.published > 0).then_some(())
    });
    daemon.end();

    let told = ask(port, "Action=ListMetrics&Namespace=Twin");
    for part in [
        "<MetricName>agent_heartbeat</MetricName>",
        "<MetricName>gpu_utilization</MetricName>",
        "<Name>Node</Name>",
        "<Value>sim.0</Value>",
        "<Name>Gpu</Name>",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    drop(server.stdin.take());
    server.wait().expect("it ends with its parent");
}
