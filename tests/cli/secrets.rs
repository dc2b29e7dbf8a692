//! What is secret stays where it belongs.

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bench::{Bench, PROFILE};
use crate::served::{Served, at, endpoint};

#[test]
fn the_private_key_is_in_its_own_file_and_nowhere_else() {
    let bench = Bench::new();
    let secret = "a-secret-of-the-environment-5f2c";
    let environment = [
        ("NGC_API_KEY", secret),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", secret),
    ];
    let mut said = String::new();
    for words in [
        &["plan", "--sandbox", "--out", "lab.plan", "-v"][..],
        &["apply", "--sandbox", "--yes", "-v"],
        &["apply", "--sandbox", "--yes", "--json"],
        &["status", "--sandbox", "--json"],
        &["state", "show", "access.key-pair", "--sandbox"],
    ] {
        let ran = bench.run_with(words, &environment).ends(0);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    let key = bench.path(".roboinfra/sandbox/id_ed25519");
    let mode = std::fs::metadata(&key)
        .expect("it was made")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&key).expect("it can be read");
    // The last lines of the body hold the private half; the first may hold no more than the public one.
    let body: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let private = body
        .last()
        .expect("the key has a body")
        .trim_end_matches('=');
    assert!(private.len() > 16, "{private}");
    let middle = &body[body.len() - 2][..32];
    for word in [private, middle, "PRIVATE KEY", secret] {
        assert!(!said.contains(word), "{word} was said");
        for (path, bytes) in bench.files() {
            let has = String::from_utf8_lossy(&bytes).contains(word);
            assert!(
                !has || path == key && word != secret,
                "{word} is in {}",
                path.display()
            );
        }
    }
    let mode = |name: &str| {
        let data = std::fs::metadata(bench.path(name)).expect("it was made");
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode(".roboinfra"), 0o700);
    assert_eq!(mode(".roboinfra/sandbox"), 0o700);
}

/// One secret for each way in, so that a leak names its source.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "env+secret/Key41d0b2c7e5a98f36"),
    ("AWS_SESSION_TOKEN", "env+token/9c3fa17be2d4460885"),
    ("NGC_API_KEY", "nvapi-env-5b9e17c0aa34d2f6"),
];
const IN_CREDENTIALS: &str = "file+secret/77e1c4b09ad25f38";
const IN_SECRET_FILE: &str = "file-of-a-stack-secret-20f7b6d1";
const IN_A_KEY: &str = "b3BlbnNzaC1rZXktdjEAAAAAprivatehalf0000";

/// A profile whose stack takes secrets from an environment variable and a file.
fn with_secrets() -> String {
    PROFILE.replace("\"my-ip\"", "\"203.0.113.7/32\"")
        + "stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [\"redis\"]\nsecrets = { NGC_API_KEY = \"env:NGC_API_KEY\", TOKEN = \"file:token.txt\" }\n"
}

/// The ways in which a text may be written down.
fn spellings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    // Base64 of a text in the middle of another: without the characters at its ends that its neighbours decide.
    let base64 = (0..3).map(|offset| {
        let encoded = STANDARD.encode([&b"xyz"[..offset], secret.as_bytes()].concat());
        encoded[4..encoded.len() - 4].to_owned()
    });
    base64
        .chain([
            secret.to_owned(),
            hex,
            percent,
            secret.chars().rev().collect(),
        ])
        .collect()
}

/// Searches all that was said and all files but those that the secret was put into.
fn search(bench: &Bench, said: &str, own: &[&str]) {
    let secrets = ENVIRONMENT.iter().map(|(_, secret)| *secret);
    for secret in secrets.chain([IN_CREDENTIALS, IN_SECRET_FILE, IN_A_KEY]) {
        for spelling in spellings(secret) {
            assert!(
                !said.contains(&spelling),
                "{secret} was said as {spelling}:\n{said}"
            );
            for (path, bytes) in bench.files() {
                let planted = own.iter().any(|name| path.ends_with(name));
                let has = String::from_utf8_lossy(&bytes).contains(&spelling);
                assert!(
                    planted || !has,
                    "{secret} is in {} as {spelling}",
                    path.display()
                );
            }
        }
    }
}

/// A whole life against an endpoint, with every secret that a run can meet; failures included.
#[test]
fn no_secret_is_said_or_written_anywhere() {
    for in_environment in [true, false] {
        let bench = Bench::empty();
        bench.write("lab.toml", with_secrets());
        bench.write("token.txt", IN_SECRET_FILE);
        bench.write("key.pub", format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{IN_A_KEY}\n-----END OPENSSH PRIVATE KEY-----\n"));
        bench.write(
            "credentials",
            format!("[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {IN_CREDENTIALS}\naws_session_token = {IN_CREDENTIALS}\n"),
        );
        let credentials = bench.path("credentials").display().to_string();
        let mut environment = vec![
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
            ENVIRONMENT[2],
        ];
        if in_environment {
            environment.extend_from_slice(&ENVIRONMENT[..2]);
        } else {
            // Empty variables count as none, so the file is read.
            environment.extend([("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]);
        }
        let served = Served::new(&bench);
        let mut said = String::new();
        let mut run = |words: &[&str], codes: &[i32]| {
            let ran = served.run(&bench, words, &environment);
            assert!(
                codes.contains(&ran.code.unwrap_or(-1)),
                "{words:?}\n{}{}",
                ran.out,
                ran.err
            );
            said.push_str(&ran.out);
            said.push_str(&ran.err);
        };
        run(&["validate", "-v"], &[0]);
        run(&["validate", "--json"], &[0]);
        run(&["policy"], &[0]);
        run(&["plan", "--out", "lab.plan", "-v"], &[0]);
        run(&["plan", "--json"], &[0]);
        run(&["apply", "lab.plan", "-v"], &[0]);
        run(&["apply", "lab.plan"], &[1]);
        run(&["status", "--json"], &[0]);
        run(&["state", "show", "node.box.0", "--json"], &[0]);
        run(&["state", "show", "access.key-pair"], &[0]);
        run(&["graph", "--json"], &[0]);
        run(&["stop", "--json"], &[0]);
        run(&["start", "-v"], &[0]);
        // Failing: a key that is the private half, no such machine, a type that nobody offers.
        bench.write(
            "bad.toml",
            with_secrets().replace(
                "[access.port.ssh]",
                "keys = [\"key.pub\"]\n[access.port.ssh]",
            ),
        );
        run(&["plan", "-f", "bad.toml", "-v"], &[1, 3]);
        run(&["plan", "-f", "bad.toml", "--json"], &[1, 3]);
        run(&["start", "nobody", "-v"], &[1]);
        run(&["destroy", "--yes", "-v"], &[0]);
        run(&["destroy", "--yes", "--json"], &[0]);
        // Failing on the way: an endpoint that is none.
        let nowhere = endpoint(b"HTTP/1.1 403 no\r\nconnection: close\r\n\r\n<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></Errors></Response>".to_vec());
        for words in [&["apply", "--yes", "-v"][..], &["status", "--json"]] {
            let ran = at(&bench, &nowhere, words, &environment);
            said.push_str(&ran.out);
            said.push_str(&ran.err);
        }
        drop(served);
        search(&bench, &said, &["credentials", "token.txt", "key.pub"]);
    }
}

/// The same in the sandbox, where things also fail half-way, and a secret that stands where a place of one belongs.
#[test]
fn no_secret_is_in_what_a_failing_run_leaves() {
    let bench = Bench::empty();
    bench.write("token.txt", IN_SECRET_FILE);
    bench.write(
        "faults.toml",
        "[[fault]]\nkind = \"error\"\non = \"RunInstances\"\ncode = \"Unexpected\"\nmessage = \"no\"\n",
    );
    bench.write("lab.toml", with_secrets());
    let mut said = String::new();
    for words in [
        &[
            "apply",
            "--yes",
            "--sandbox",
            "--scenario",
            "faults.toml",
            "-v",
        ][..],
        &[
            "apply",
            "--yes",
            "--sandbox",
            "--scenario",
            "faults.toml",
            "--json",
        ],
        &["apply", "--yes", "--sandbox", "-v"],
        &["destroy", "--yes", "--sandbox"],
    ] {
        let ran = bench.run_with(words, &ENVIRONMENT);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    // Pasted into the profile, it is refused, and not shown with the line that holds it.
    let pasted =
        with_secrets().replace("\"env:NGC_API_KEY\"", &format!("\"{}\"", ENVIRONMENT[2].1));
    bench.write("pasted.toml", pasted);
    for words in [
        &["validate", "-f", "pasted.toml"][..],
        &["validate", "-f", "pasted.toml", "--json"],
        &["plan", "--sandbox", "-f", "pasted.toml", "-v"],
    ] {
        let ran = bench.run(words).ends(3);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    search(&bench, &said, &["token.txt", "pasted.toml"]);
}
