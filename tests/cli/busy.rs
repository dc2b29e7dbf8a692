//! Two at once, and interruption.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::bench::{Bench, finish, signal, until};

const WORLD: &str = ".roboinfra/sandbox/world.log";

/// An apply whose machine takes its time, seen to have begun its launch.
fn slow_apply(bench: &Bench, lasting: &str) -> Child {
    bench.write("slow.toml", format!("[times]\nrunning = \"{lasting}\"\n"));
    let words = ["apply", "--sandbox", "--yes", "--scenario", "slow.toml"];
    let child = bench.command(&words).spawn().expect("the binary is built");
    until(&bench.path(WORLD), "g5.xlarge");
    child
}

#[test]
fn the_second_is_told_who_is_at_it() {
    let bench = Bench::new();
    let first = slow_apply(&bench, "20s");
    let pid = first.id().to_string();
    let holder = format!("`apply`, process {pid} of anna on ");
    for words in [
        &["apply", "--sandbox", "--yes"][..],
        &["destroy", "--sandbox", "--yes"],
        &["stop", "--sandbox"],
    ] {
        bench.run(words).ends(5).says(&[
            "another run is at it",
            &holder,
            "since 20",
            "--lock-timeout",
        ]);
    }
    bench
        .run(&["apply", "--sandbox", "--yes", "--lock-timeout", "1s"])
        .ends(5)
        .says(&["waiting for", &holder]);
    // That is said while it waits, not after.
    let words = ["apply", "--sandbox", "--yes", "--lock-timeout", "10m"];
    let mut second = bench.command(&words).spawn().expect("the binary is built");
    let mut said = String::new();
    BufReader::new(second.stderr.take().expect("it is piped"))
        .read_line(&mut said)
        .expect("it says something");
    assert!(
        said.starts_with("waiting for") && said.contains(&holder),
        "{said}"
    );
    assert!(second.try_wait().expect("it can be asked").is_none());
    second.kill().expect("it is killed");
    second.wait().expect("it is dead");
    // Looking is always allowed.
    bench.run(&["plan", "--sandbox"]).ends(0);
    bench.run(&["status", "--sandbox"]).ends(0);
    bench.run(&["state", "list", "--sandbox"]).ends(0);
    signal(first.id(), "INT");
    finish(first).ends(130);
}

#[test]
fn an_interrupted_run_says_what_exists_and_the_next_goes_on() {
    for name in ["INT", "TERM"] {
        let bench = Bench::new();
        let first = slow_apply(&bench, "20s");
        signal(first.id(), name);
        finish(first).ends(130).says(&[
            "Interrupted:",
            "node.box.0 g5.xlarge i-",
            "/h",
            "Next: roboinfra apply --sandbox",
            "roboinfra destroy --sandbox",
        ]);
        bench
            .run(&["plan", "--sandbox", "--detailed-exitcode"])
            .ends(2);
        bench
            .run(&["destroy", "--sandbox", "--yes"])
            .ends(0)
            .says(&["Nothing is left"]);
        bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    }
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let bench = Bench::new();
    let first = slow_apply(&bench, "3s");
    signal(first.id(), "KILL");
    finish(first);
    bench.run(&["plan", "--sandbox"]).ends(0);
    // The machine goes on starting as if nothing had happened.
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    bench
        .run(&["plan", "--sandbox", "--detailed-exitcode"])
        .ends(0);
}

#[test]
fn the_sandbox_can_be_served_and_stopped() {
    use std::io::{BufRead, BufReader, Write};
    let bench = Bench::new();
    let mut child = bench
        .command(&["sandbox", "serve"])
        .spawn()
        .expect("the binary is built");
    let out = child.stdout.take().expect("it is piped");
    let mut endpoint = String::new();
    BufReader::new(out)
        .read_line(&mut endpoint)
        .expect("it says where");
    let endpoint = endpoint.trim();
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
    ];
    let address = endpoint.strip_prefix("http://").expect("it is a URL");
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .expect("it reads");
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("it answers");
    assert!(line.starts_with("HTTP/1."), "{line}");
    // Operators are named: nobody is asked for the address that we come from.
    let profile = crate::bench::PROFILE.replace("my-ip", "192.0.2.0/24");
    bench.write("lab.toml", profile);
    bench.run_with(&["apply", "--yes"], &environment).ends(0);
    let refused = bench.run(&[
        "sandbox",
        "serve",
        "--port",
        address.rsplit(':').next().expect("a port"),
    ]);
    refused.ends(1).says(&["could not listen on 127.0.0.1:"]);
    bench
        .run_with(&["destroy", "--yes"], &environment)
        .ends(0)
        .says(&["Nothing is left"]);
    signal(child.id(), "TERM");
    finish(child).ends(0);
}
