//! A metadata service that speaks IMDSv2, and the daemon that asks it for notices.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::rig::Rig;

/// What it knows, and what it was asked.
#[derive(Default)]
struct Service {
    answers: BTreeMap<String, String>,
    tokens: BTreeSet<String>,
    /// How many tokens it gave out.
    given: u32,
    /// What it was asked without a valid token.
    refused: Vec<String>,
    down: bool,
}

struct Metadata {
    address: String,
    service: Arc<Mutex<Service>>,
}

impl Metadata {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let service = Arc::new(Mutex::new(Service::default()));
        let shared = Arc::clone(&service);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                talk(stream, &shared);
            }
        });
        Self { address, service }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Service) -> T) -> T {
        look(&mut self.service.lock().expect("nobody panics"))
    }

    fn answer(&self, name: &str, text: &str) {
        let path = format!("/latest/meta-data/{name}");
        self.with(|service| service.answers.insert(path, text.to_owned()));
    }
}

fn talk(mut stream: TcpStream, service: &Mutex<Service>) {
    let Some(text) = head(&mut stream) else {
        return;
    };
    let mut words = text.split_whitespace();
    let (method, path) = (
        words.next().unwrap_or(""),
        words.next().unwrap_or("").to_owned(),
    );
    let header = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.strip_prefix(": "))
            .map(str::to_owned)
    };
    let mut service = service.lock().expect("nobody panics");
    if service.down {
        return;
    }
    let (status, body, more) = if method == "put" {
        let ttl: u32 = header("x-aws-ec2-metadata-token-ttl-seconds")
            .and_then(|ttl| ttl.parse().ok())
            .unwrap_or(0);
        if path == "/latest/api/token" && (1..=21600).contains(&ttl) {
            service.given += 1;
            let token = format!("token-{}", service.given);
            service.tokens.insert(token.clone());
            let more = format!("X-aws-ec2-metadata-token-ttl-seconds: {ttl}\r\n");
            ("200 OK", token, more)
        } else {
            ("400 Bad Request", String::new(), String::new())
        }
    } else {
        let token = header("x-aws-ec2-metadata-token").unwrap_or_default();
        if !service.tokens.contains(&token) {
            service.refused.push(path);
            ("401 Unauthorized", String::new(), String::new())
        } else if let Some(answer) = service.answers.get(&path) {
            ("200 OK", answer.clone(), String::new())
        } else {
            ("404 Not Found", String::new(), String::new())
        }
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}

/// The head of a request, in small letters; none where the client went before it had asked.
fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut some = [0; 4096];
        match stream.read(&mut some) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&some[..length]),
        }
    }
    Some(String::from_utf8_lossy(&bytes).to_lowercase())
}

fn rig(metadata: &Metadata) -> Rig {
    let mut rig = Rig::new();
    rig.metadata.clone_from(&metadata.address);
    let told = rig.path("told");
    rig.program(
        "hook",
        &format!(
            "echo $ROBOINFRA_ACTION $ROBOINFRA_TIME >>{}",
            told.display()
        ),
    );
    let hook = rig.path("programs/hook").display().to_string();
    rig.sections = format!(
        "[spot]\ninterruption_hook = \"{hook}\"\nrebalance_hook = \"{hook}\"\n[rehearsal]\nspeed = 50\n\
         start_s = 1795249200\n",
    );
    rig
}

#[test]
fn a_notice_is_heeded_once() {
    let metadata = Metadata::start();
    let rig = rig(&metadata);
    let daemon = rig.start();
    rig.until("it asks", |_| {
        metadata.with(|service| (service.given > 0).then_some(()))
    });
    rig.well();
    // Its token is not valid any more: it takes another one, and nobody notices.
    metadata.with(|service| service.tokens.clear());
    rig.until("it takes another token", |_| {
        metadata.with(|service| (service.given > 1).then_some(()))
    });
    let time = "2026-11-21T08:22:00z";
    metadata.answer(
        "events/recommendations/rebalance",
        &format!("{{\"noticeTime\":\"{time}\"}}"),
    );
    rig.until("the softer hook", |rig| {
        (rig.read("told") == format!("rebalance {time}\n")).then_some(())
    });
    metadata.answer(
        "spot/instance-action",
        &format!("{{\"action\":\"stop\",\"time\":\"{time}\"}}"),
    );
    rig.until("the hook", |rig| {
        (rig.read("told") == format!("rebalance {time}\nstop {time}\n")).then_some(())
    });
    let notice = rig.until("it is told", |rig| {
        let notice = rig.status()?.notice?;
        (notice.hook == "done").then_some(notice)
    });
    assert_eq!(
        (notice.action.as_str(), notice.time.as_str()),
        ("stop", time)
    );
    assert!(
        rig.read("dev/pts/0")
            .contains("takes this spot machine away (stop)")
    );
    daemon.kill();
    // Another daemon on the same machine knows that they were heeded.
    let given = metadata.with(|service| service.given);
    let daemon = rig.start();
    rig.until("it asks", |_| {
        metadata.with(|service| (service.given > given).then_some(()))
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(rig.read("told").lines().count(), 2);
    daemon.end();
    let refused = metadata.with(|service| service.refused.clone());
    assert_eq!(
        refused.len(),
        1,
        "the one whose token was taken away: {refused:?}"
    );
}

#[test]
fn a_hook_that_fails_and_a_service_that_is_silent_are_said() {
    let metadata = Metadata::start();
    let rig = rig(&metadata);
    rig.program("hook", "exit 3");
    metadata.answer(
        "spot/instance-action",
        "{\"action\":\"terminate\",\"time\":\"soon\"}",
    );
    let daemon = rig.start();
    assert!(rig.trouble("hook-failed").contains("it failed"));
    metadata.with(|service| service.down = true);
    rig.trouble("no-metadata");
    metadata.with(|service| service.down = false);
    rig.until("it is over", |rig| {
        let troubles = rig.status()?.troubles;
        troubles
            .iter()
            .all(|one| one.name != "no-metadata")
            .then_some(())
    });
    daemon.end();
}
