//! What the account or the endpoint says is shown, and never obeyed.

use crate::bench::Bench;
use crate::served::{Served, at, endpoint};

/// Clears the screen, sets the title, paints, turns the direction, hides, goes back over the line.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\u{202e}\u{200b}\rOK\n\nerror: none\u{2066}";

/// The same in a request.
fn encoded() -> String {
    EVIL.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Asserts that a terminal would do nothing but show this.
#[track_caller]
fn harmless(words: &[&str], said: &str) {
    let bad = said.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(bad, None, "{words:?} said {said:?}");
    assert!(
        !said.lines().any(|line| line.trim() == "error: none"),
        "{words:?} made a line of it: {said}"
    );
}

fn all_of(xml: &str, element: &str) -> Vec<String> {
    xml.split(&format!("<{element}>"))
        .skip(1)
        .filter_map(|rest| Some(rest.split('<').next()?.to_owned()))
        .collect()
}

#[test]
fn what_the_account_holds_is_shown_and_not_obeyed() {
    let bench = Bench::new();
    bench.write(
        "lab.toml",
        crate::bench::PROFILE.replace("\"my-ip\"", "\"203.0.113.7/32\""),
    );
    let served = Served::new(&bench);
    let run = |words: &[&str]| {
        let ran = served.run(&bench, words, &[]);
        harmless(words, &ran.out);
        harmless(words, &ran.err);
        ran
    };
    run(&["apply", "--yes"]).ends(0);
    let evil = encoded();
    let machines = served.admin("Action=DescribeInstances");
    let machine = &all_of(&machines, "instanceId")[0];
    let group = &all_of(&machines, "groupId")[0];
    let lab =
        served.admin("Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=roboinfra:lab-id");
    let lab = &all_of(&lab, "value")[0];
    for query in [
        format!(
            "Action=CreateTags&ResourceId.1={machine}&Tag.1.Key=Name&Tag.1.Value={evil}&Tag.2.Key=x{evil}&Tag.2.Value={evil}"
        ),
        format!(
            "Action=CreateTags&ResourceId.1={machine}&Tag.1.Key=roboinfra:run&Tag.1.Value={evil}"
        ),
        format!(
            "Action=AuthorizeSecurityGroupIngress&GroupId={group}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80&IpPermissions.1.IpRanges.1.CidrIp=198.51.100.0/24&IpPermissions.1.IpRanges.1.Description=x"
        ),
        // A thing of the lab at an address that nobody ever gave.
        format!(
            "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=9&VolumeType=gp3&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=roboinfra:lab&TagSpecification.1.Tag.1.Value=bench&TagSpecification.1.Tag.2.Key=roboinfra:lab-id&TagSpecification.1.Tag.2.Value={lab}&TagSpecification.1.Tag.3.Key=roboinfra:address&TagSpecification.1.Tag.3.Value=volume.{evil}"
        ),
        // Another lab of the same name.
        format!(
            "Action=CreateVpc&CidrBlock=10.9.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=roboinfra:lab&TagSpecification.1.Tag.1.Value=bench&TagSpecification.1.Tag.2.Key=roboinfra:lab-id&TagSpecification.1.Tag.2.Value=y{evil}&TagSpecification.1.Tag.3.Key=roboinfra:address&TagSpecification.1.Tag.3.Value={evil}"
        ),
    ] {
        served.admin(&query);
    }
    for words in [
        &["plan"][..],
        &["plan", "-v"],
        &["plan", "--json"],
        &["plan", "--out", "lab.plan"],
        &["status"],
        &["status", "--json"],
        &["graph"],
        &["graph", "--dot"],
        &["graph", "--json"],
        &["state", "list"],
        &["state", "show", "node.box.0"],
        &["state", "show", "node.box.0", "--json"],
        &["plan", "--destroy"],
        &["stop"],
        &["apply", "--yes", "-v"],
        &["apply", "--yes", "--json"],
    ] {
        run(words);
    }
    std::fs::remove_file(bench.path("roboinfra.lock")).expect("there is a lockfile");
    run(&["plan"]).ends(1);
    run(&["state", "rebuild"]).ends(1);
    run(&["state", "rebuild", "--lab-id", lab]);
    run(&["state", "list"]);
    run(&["plan"]);
    run(&["destroy", "--yes"]);
}

#[test]
fn what_an_error_says_is_shown_and_not_obeyed() {
    for (kind, on) in [
        ("error", "CreateVpc"),
        ("error", "DescribeVpcs"),
        ("error", "RunInstances"),
    ] {
        let bench = Bench::new();
        let text = format!("{EVIL:?}");
        // Rust writes \u{1b}; TOML writes \u001b.
        let text: String = text
            .chars()
            .collect::<String>()
            .replace("\\u{1b}", "\\u001b")
            .replace("\\u{7}", "\\u0007")
            .replace("\\u{9b}", "\\u009b")
            .replace("\\u{202e}", "\\u202e")
            .replace("\\u{200b}", "\\u200b")
            .replace("\\u{2066}", "\\u2066");
        bench.write(
            "evil.toml",
            format!(
                "[[fault]]\nkind = \"{kind}\"\non = \"{on}\"\ncode = {text}\nmessage = {text}\n"
            ),
        );
        for more in [&[][..], &["-v"], &["--json"]] {
            let words = [
                &["apply", "--yes", "--sandbox", "--scenario", "evil.toml"][..],
                more,
            ]
            .concat();
            let ran = bench.run(&words);
            assert_ne!(ran.code, Some(0));
            harmless(&words, &ran.out);
            harmless(&words, &ran.err);
        }
    }
}

#[test]
fn an_endpoint_that_is_not_aws_is_refused_in_words() {
    let evil = EVIL.as_bytes();
    let page = [
        b"HTTP/1.1 500 \x1b[31mno\r\nconnection: close\r\n\r\n<html>",
        evil,
    ]
    .concat();
    let xml = [
        b"HTTP/1.1 400 no\r\nconnection: close\r\n\r\n<Response><Errors><Error><Code>".as_slice(),
        b"&#27;[2J</Code><Message>",
        evil,
        b"</Message></Error></Errors><RequestID>&#x9b;31m</RequestID></Response>",
    ]
    .concat();
    let json = [
        b"HTTP/1.1 400 no\r\nconnection: close\r\n\r\n{\"__type\":\"\\u001b[2J\",\"message\":\"\\u001b]0;x\\u0007\"}"
            .as_slice(),
    ]
    .concat();
    let bytes = b"HTTP/1.1 200 ok\r\nconnection: close\r\n\r\n\xff\xfe\x00\x1b[2J".to_vec();
    let cut = b"HTTP/1.1 200 ok\r\ncontent-length: 99\r\n\r\n<Desc".to_vec();
    for answer in [page, xml, json, bytes, cut, evil.to_vec()] {
        let bench = Bench::new();
        let url = endpoint(answer);
        for words in [&["plan"][..], &["plan", "--json"], &["plan", "-v"]] {
            let ran = at(&bench, &url, words, &[]);
            assert_ne!(ran.code, Some(0), "{}", ran.out);
            harmless(words, &ran.out);
            harmless(words, &ran.err);
        }
    }
}

/// A profile, a scenario and a plan that are not what they should be, named by paths that are not what they seem.
#[test]
fn files_and_their_names_are_shown_and_not_obeyed() {
    let bench = Bench::new();
    let name = "\u{1b}[2J\u{202e}x.toml";
    for content in [
        EVIL,
        "version = 1\n[lab]\nname = \"\\u001b[2J\"\n",
        "[[fault]]\nkind = 3",
    ] {
        bench.write(name, content);
        for words in [
            &["validate", "-f", name][..],
            &["validate", "-f", name, "--json"],
            &["policy", "-f", name],
            &["plan", "--sandbox", "-f", name],
            &["plan", "--sandbox", "--scenario", name],
            &["plan", "--sandbox", "--lockfile", name],
            &["apply", "--sandbox", "--yes", name],
            &["init", "--profile", name],
            &["init", name],
            &["demo", name],
            &["state", "show", name, "--sandbox"],
            &["apply", "--sandbox", "--yes", "--target", name],
            &["start", name, "--sandbox"],
            &["plan", "-f", "no\u{1b}[2Jthing.toml"],
        ] {
            let ran = bench.run(words);
            assert_ne!(ran.code, Some(0), "{words:?}: {}", ran.out);
            harmless(words, &ran.out);
            harmless(words, &ran.err);
        }
    }
}

/// Starters and labs are names; no path leads out of the folder.
#[test]
fn no_name_is_a_path() {
    let bench = Bench::empty();
    for words in [
        &["init", "--profile", "../../etc/passwd"][..],
        &["init", "../evil"],
        &["init", "/tmp/evil"],
        &["init", "a/b"],
        &["demo", "../digital-twin"],
    ] {
        bench.run(words).ends(1);
        assert!(bench.files().is_empty(), "{words:?}");
    }
}
