//! Inputs whose size lies in one thing: what grows with the square shows here, where a fuzzer seldom comes.

use crate::checks::watch::bounded;
use roboinfra::profile::parse;
use roboinfra::sandbox::{Options, Sandbox, Scenario};
use roboinfra::state::{decode, read_lines};

/// A quarter of what is read at all.
const SIZE: usize = 256 * 1024;

fn many(piece: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(SIZE + 100);
    let mut number = 0;
    while text.len() < SIZE {
        text.push_str(&piece(number));
        number += 1;
    }
    text
}

/// One thing over and over, in TOML.
fn shapes() -> Vec<(&'static str, String)> {
    let head = "version = 1\n[lab]\nname = \"x1\"\nregion = \"us-east-1\"\n";
    vec![
        (
            "unknown keys",
            head.to_owned() + &many(|n| format!("kez{n} = {n}\n")),
        ),
        ("unknown sections", many(|n| format!("[nodes.n{n}]\n"))),
        (
            "nodes",
            head.to_owned() + &many(|n| format!("[node.n{n}]\ntypes = [\"g5.xlarg\"]\n")),
        ),
        (
            "ports",
            head.to_owned() + &many(|n| format!("[access.port.p{n}]\nport = {}\n", n % 60_000)),
        ),
        ("one section twice", many(|_| "[lab]\n".to_owned())),
        ("one key twice", many(|_| "a = 1\n".to_owned())),
        ("brackets", "a = ".to_owned() + &"[".repeat(SIZE)),
        ("dots", "a".to_owned() + &".a".repeat(SIZE / 2) + " = 1\n"),
        ("quotes", "\"".repeat(SIZE)),
        ("equals", "=\n".repeat(SIZE / 2)),
        ("one long line", format!("a = \"{}\"", "ä".repeat(SIZE / 2))),
        (
            "one long name",
            format!("[lab]\nname = \"{}\"", "x".repeat(SIZE)),
        ),
        (
            "a long list",
            format!(
                "{head}[access]\noperators = [{}]\n",
                "\"my-ip\",".repeat(SIZE / 9)
            ),
        ),
        (
            "moved",
            head.to_owned()
                + &many(|n| format!("[[moved]]\nfrom = \"node.a{n}\"\nto = \"node.b{n}\"\n")),
        ),
    ]
}

#[test]
fn a_profile_is_read_in_time() {
    for (shape, text) in shapes() {
        let parsed = bounded(text.len(), || parse(&text));
        assert!(
            parsed.profile.is_none() && !parsed.problems.is_empty(),
            "{shape}"
        );
    }
}

#[test]
fn a_lockfile_and_a_scenario_are_read_in_time() {
    for (shape, text) in shapes() {
        let sealed = crate::checks::seal::sealed(&text);
        bounded(text.len(), || decode(&sealed)).expect_err(shape);
        bounded(text.len(), || Scenario::parse(&text)).expect_err(shape);
    }
}

#[test]
fn a_journal_is_read_in_time() {
    let zeros = vec![0; SIZE];
    let lines = "{\"v\":1,\"check\":\"\n".repeat(SIZE / 17);
    for bytes in [&zeros[..], lines.as_bytes()] {
        drop(bounded(bytes.len(), || read_lines(bytes)));
    }
}

/// Nested parameters would be a tree as deep as the request is long.
#[test]
fn a_request_is_answered_in_time() {
    let sandbox = Sandbox::new(Options {
        clock: std::sync::Arc::new(crate::checks::requests::clock()),
        ..Options::default()
    });
    for (shape, body) in [
        (
            "deep",
            "Action=DescribeVpcs&a".to_owned() + &".a".repeat(SIZE / 2) + "=1",
        ),
        (
            "deep twice",
            format!("Action=DescribeVpcs&a{0}=1&a{0}=2", ".a".repeat(SIZE / 4)),
        ),
        (
            "wide",
            "Action=DescribeVpcs".to_owned() + &many(|n| format!("&a{n}=1")),
        ),
        (
            "filters",
            "Action=DescribeInstances".to_owned()
                + &many(|n| format!("&Filter.{n}.Name=x&Filter.{n}.Value.1=*")),
        ),
        (
            "stars",
            format!(
                "Action=DescribeVpcs&Filter.1.Name=tag:x&Filter.1.Value.1={}",
                "*a".repeat(SIZE / 2)
            ),
        ),
        (
            "ids",
            "Action=DescribeInstances".to_owned() + &many(|n| format!("&InstanceId.{n}=i-{n}")),
        ),
        ("escapes", "Action=".to_owned() + &"%".repeat(SIZE)),
    ] {
        let (status, _) = bounded(body.len(), || {
            crate::checks::requests::ask(&sandbox, "ec2", None, body.as_bytes())
        });
        assert!(status < 599, "{shape}");
    }
}
