//! The sandbox's wire: any sequence of requests is answered in the service's own format, and a refused one has no
//! effect.
//!
//! Each line of an input is one request: for a JSON service `ssm GetParameter {...}`, else `ec2 Action=...` or
//! `iam Action=...`. `$1` stands for the first id that an answer gave, and so on, so that a corpus can tell a story.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use roboinfra::port::TestClock;
use roboinfra::sandbox::{Options, Sandbox};

use super::watch::bounded;

const REGION: &str = "us-east-1";
/// More requests tell nothing new.
const MOST: usize = 64;

/// Checks one input.
pub fn check(data: &[u8]) {
    let options = Options {
        clock: Arc::new(clock()),
        ..Options::default()
    };
    let sandbox = Sandbox::new(options);
    let mut ids = Vec::new();
    bounded(data.len() * 4 + MOST * 1024, || {
        for line in data.split(|byte| *byte == b'\n').take(MOST) {
            let line = with_ids(line, &ids);
            let (service, rest) = word(&line);
            let service = std::str::from_utf8(service).unwrap_or("ec2");
            let json = matches!(service, "ssm" | "servicequotas");
            let (target, body) = if json { word(rest) } else { (&b""[..], rest) };
            let target = json.then(|| String::from_utf8_lossy(target).into_owned());
            let before = sandbox.live();
            let (status, answer) = ask(&sandbox, service, target.as_deref(), body);
            if status >= 400 {
                assert_eq!(before, sandbox.live(), "a refusal has no effect: {answer}");
            }
            ids.extend(ids_in(&answer));
        }
    });
}

/// A clock that stands still.
pub fn clock() -> TestClock {
    TestClock::new("2026-01-01T00:00:00Z".parse().expect("a moment"))
}

/// Sends one request and asserts that the answer is well formed.
pub fn ask(sandbox: &Sandbox, service: &str, target: Option<&str>, body: &[u8]) -> (u16, String) {
    let request = sandbox.exchange(service, REGION, target, body);
    let Some(answer) = now(request) else {
        return (599, String::new());
    };
    assert!((200..600).contains(&answer.status), "{answer:?}");
    if answer.content_type.contains("json") {
        let value: serde_json::Value =
            serde_json::from_str(&answer.body).expect("a JSON service answers in JSON");
        assert!(value.is_object());
    } else {
        well_formed(&answer.body);
    }
    (answer.status, answer.body)
}

/// With a clock that stands still and no latency nothing waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(value) = polled else {
        unreachable!("nothing waits");
    };
    value
}

fn word(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, b""),
    }
}

fn with_ids(line: &[u8], ids: &[String]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        whole.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest
            .iter()
            .take(3)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let number = std::str::from_utf8(&rest[..digits])
            .ok()
            .and_then(|n| n.parse::<usize>().ok());
        match number.and_then(|number| ids.get(number.checked_sub(1)?)) {
            Some(id) => {
                whole.extend_from_slice(id.as_bytes());
                rest = &rest[digits..];
            }
            None => whole.push(b'$'),
        }
    }
    whole.extend_from_slice(rest);
    whole
}

/// What looks like an id in an answer, each once.
fn ids_in(answer: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in answer.split(['<', '>']) {
        let is_id = text.split_once('-').is_some_and(|(kind, id)| {
            id.len() == 17 && kind.len() < 10 && id.bytes().all(|b| b.is_ascii_hexdigit())
        });
        if is_id && !found.iter().any(|id| id == text) {
            found.push(text.to_owned());
        }
    }
    found
}

/// Asserts that every element that opens closes, that texts are escaped, and that no control character is inside.
fn well_formed(xml: &str) {
    let bad = xml
        .chars()
        .find(|c| *c < ' ' && !['\t', '\n', '\r'].contains(c));
    assert!(bad.is_none(), "{bad:?} is not in XML 1.0: {xml:?}");
    let body = xml.split_once("?>").map_or(xml, |(_, body)| body);
    let mut open: Vec<&str> = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("every tag closes");
        if let Some(name) = tag.strip_suffix('/') {
            assert!(!name.is_empty(), "{xml}");
        } else if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
        } else {
            let name = tag.split(' ').next().unwrap_or_default();
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric());
            assert!(plain && !name.is_empty(), "{name:?} in {xml}");
            open.push(name);
        }
        assert!(!text.contains('>'), "{xml}");
        for entity in text.split('&').skip(1) {
            assert!(entity.contains(';'), "{xml}");
        }
    }
    assert!(open.is_empty(), "{open:?} in {xml}");
}
