//! The connection to a played host.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::agent::{agent, config};
use super::facts::{facts, measured, versions};
use super::played::{Played, REFUSED};
use super::request::{Request, read};
use crate::port::{Flow, HostError, HostErrorKind, HostLink, HostTarget, Hosts, Taken};
use crate::sandbox::console::{fingerprint, host_key};
use crate::sandbox::core::Sandbox;
use crate::sandbox::machine::Machine;

/// Between two looks at a step that is followed.
const LOOK: Duration = Duration::from_millis(50);

/// The hosts of a sandbox: its running machines, and any edge host.
#[derive(Debug, Clone)]
pub struct PlayedHosts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sandbox: Arc<Sandbox>,
    /// Where the hosts are kept; in memory otherwise.
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<String, Played>>,
}

impl PlayedHosts {
    /// The hosts of this sandbox, kept in a folder if one is given.
    pub fn new(sandbox: Arc<Sandbox>, folder: Option<PathBuf>) -> Self {
        let shared = Shared {
            sandbox,
            folder,
            memory: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

fn out_of_reach(why: &str) -> HostError {
    HostError::new(HostErrorKind::Unreachable, why)
}

#[async_trait]
impl Hosts for PlayedHosts {
    async fn connect(&self, target: &HostTarget) -> Result<Box<dyn HostLink>, HostError> {
        let shared = Arc::clone(&self.shared);
        let machine = if target.alias.starts_with("edge.") {
            None
        } else {
            let found = shared.sandbox.machine(&target.alias);
            let machine = found.ok_or_else(|| out_of_reach("no such machine runs"))?;
            if !machine.addresses.contains(&target.host) {
                return Err(out_of_reach("nothing answers at that address"));
            }
            Some(machine)
        };
        let mut link = Link {
            first: First::Known,
            alias: target.alias.clone(),
            root: target.user == "root",
            machine,
            shared,
        };
        let now = link.now();
        let boot = link.shared.sandbox.scenario().hosts.boot;
        let fresh = link.machine.as_ref().map(|machine| machine.launched + boot);
        let up = link.shared.change(&link.alias, |host| host.up_at)?;
        if up.max(fresh).is_some_and(|up| up > now) {
            return Err(out_of_reach("connection refused: it boots"));
        }
        link.first = link.met(target)?;
        Ok(Box::new(link))
    }

    fn knows(&self, target: &HostTarget) -> bool {
        let pinned = self.shared.change(&target.alias, |host| host.is_pinned);
        pinned.unwrap_or_default()
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, BTreeMap<String, Played>> {
        self.memory
            .lock()
            .expect("no code panics while it holds the hosts")
    }

    /// Changes a host, and keeps it.
    fn change<T>(&self, alias: &str, act: impl FnOnce(&mut Played) -> T) -> Result<T, HostError> {
        let mut memory = self.memory();
        let host = memory.entry(alias.to_owned()).or_default();
        let Some(folder) = &self.folder else {
            return Ok(act(host));
        };
        let unkept = |error: &dyn std::fmt::Display| {
            HostError::new(
                HostErrorKind::Strange,
                format!("the sandbox's hosts in {}: {error}", folder.display()),
            )
        };
        let path = folder.join(format!("{alias}.json"));
        *host = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unkept(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Played::default(),
            Err(error) => return Err(unkept(&error)),
        };
        let before = host.clone();
        let result = act(host);
        if before != *host {
            let bytes = serde_json::to_vec(host).expect("plain values always serialise");
            let new = folder.join(format!("{alias}.json.{}", std::process::id()));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&new, bytes))
                .and_then(|()| std::fs::rename(&new, &path))
                .map_err(|error| unkept(&error))?;
        }
        Ok(result)
    }
}

/// A connection.
#[derive(Debug)]
struct Link {
    alias: String,
    root: bool,
    machine: Option<Machine>,
    shared: Arc<Shared>,
    first: First,
}

/// How its host key came to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum First {
    Known,
    Introduced,
    Trusted(String),
}

impl Link {
    fn now(&self) -> Timestamp {
        self.shared.sandbox.clock().now()
    }

    /// Shows its host key, as a real host would.
    fn met(&self, target: &HostTarget) -> Result<First, HostError> {
        let was_pinned = self.shared.change(&self.alias, |host| host.is_pinned)?;
        let first = match &target.host_key {
            _ if was_pinned => First::Known,
            Some(known) if known.lines().any(|key| key == host_key(&self.alias)) => {
                First::Introduced
            }
            Some(_) => {
                let why = "the host key is not the one on its console";
                return Err(HostError::new(HostErrorKind::HostKey, why));
            }
            None => First::Trusted(fingerprint(&self.alias)),
        };
        self.shared
            .change(&self.alias, |host| host.is_pinned = true)?;
        Ok(first)
    }

    fn answer(&self, words: &[&str], input: &[u8]) -> Result<String, HostError> {
        let now = self.now();
        let sandbox = &self.shared.sandbox;
        let scenario = sandbox.scenario();
        let alias = self.alias.as_str();
        let kind = self
            .machine
            .as_ref()
            .map(|machine| machine.instance_type.as_str());
        let plot = &scenario.hosts;
        self.shared.change(alias, |host| match words {
            ["facts"] => facts(host, alias, (kind, &plot.facts), now),
            ["measure", what @ ..] => {
                let services: Vec<&str> = host.services(now).collect();
                measured(what, &services, kind, &plot.facts)
            }
            ["status"] => host.status(now),
            ["put", step, digest] => {
                host.put(
                    step,
                    digest,
                    (syntax(input), services(input), config(input)),
                );
                format!("stored {step} {digest}\n")
            }
            ["start", step, digest, _timeout] => {
                let plot = (&scenario.hosts, scenario.steps.as_slice());
                host.start(alias, (step, digest), plot, now)
            }
            ["stop", step] => {
                host.steps.remove(*step);
                format!("stopped {step}\n")
            }
            ["reboot"] => {
                let boot = format!("rebooting {alias}-{}\n", host.boots);
                host.reboot(scenario.hosts.boot, now);
                boot
            }
            ["log", step, offset, length] => {
                let log = host.steps.get(*step).and_then(|step| step.run.as_ref());
                let log = log.map_or("", |run| run.log.as_str());
                let from = offset.parse().unwrap_or(0).min(log.len());
                let length = length.parse().unwrap_or(0);
                log[from..].chars().take(length).collect()
            }
            ["file", digest] => host.file(digest, None),
            ["take", digest, size, offset, length] => {
                let number = |text: &str| text.parse().unwrap_or(0);
                host.file(digest, Some((number(size), number(offset), number(length))))
            }
            ["hold"] => {
                host.hold = Some(String::from_utf8_lossy(input).into_owned());
                "held\n".to_owned()
            }
            ["release"] => match host.hold.take() {
                Some(_) => "released\n".to_owned(),
                None => "free\n".to_owned(),
            },
            ["agent"] => agent(host, now),
            ["versions"] => versions(host, &plot.versions, now),
            ["services"] => host
                .services(now)
                .map(|name| format!("{name}:healthy\n"))
                .collect(),
            ["said", service, _lines] => said(service),
            _ => format!("error unknown {}\n", words.first().unwrap_or(&"")),
        })
    }

    /// The frames of a service, which runs for as long as its step is done.
    fn said_frames(&self, service: &str, offset: &mut u64) -> Result<(String, bool), HostError> {
        let now = self.now();
        self.shared.change(&self.alias, |host| {
            if !host.services(now).any(|known| known == service) {
                return (format!("error unknown {service}\n"), true);
            }
            let mut frames = format!(". {}\n", now.as_second());
            let text = said(service);
            if *offset == 0 {
                frames.push_str(&format!("= 0 {}\n{text}\n", text.len()));
                *offset = text.len() as u64;
            }
            (frames, false)
        })
    }

    /// The frames of a step from `offset` on, and whether they are the last.
    fn frames(&self, step: &str, offset: &mut u64) -> Result<(String, bool), HostError> {
        let now = self.now();
        self.shared.change(&self.alias, |host| {
            let Some(known) = host.steps.get(step) else {
                return (format!("error unknown {step}\n"), true);
            };
            let (state, code) = host.state(known, now);
            let Some(run) = &known.run else {
                return (format!("error stored {step}\n"), true);
            };
            // Its last line is written when it ends.
            let over = state != "running";
            let visible = if over {
                run.log.as_str()
            } else {
                let log = run.log.trim_end_matches('\n');
                &log[..=log.rfind('\n').unwrap_or(0)]
            };
            let from = usize::try_from(*offset)
                .unwrap_or(usize::MAX)
                .min(visible.len());
            let chunk = &visible[from..];
            let mut frames = format!(". {}\n", now.as_second());
            if !chunk.is_empty() {
                frames.push_str(&format!("= {from} {}\n{chunk}\n", chunk.len()));
                *offset = visible.len() as u64;
            }
            if over {
                let seconds = run.ends.duration_since(run.started).as_secs();
                let code = code.map_or_else(String::new, |code| code.to_string());
                frames.push_str(&format!("! {state} rc={code} seconds={seconds}\n"));
            }
            (frames, over)
        })
    }
}

#[async_trait]
impl HostLink for Link {
    fn is_root(&self) -> bool {
        self.root
    }

    fn trusted_on_first_use(&self) -> Option<&str> {
        match &self.first {
            First::Trusted(shown) => Some(shown),
            First::Introduced | First::Known => None,
        }
    }

    fn was_introduced(&self) -> bool {
        self.first == First::Introduced
    }

    async fn run(
        &mut self,
        command: &str,
        input: &[u8],
        _limit: Duration,
    ) -> Result<Vec<u8>, HostError> {
        let answer = match read(command) {
            Request::Look(path) => {
                let known = self
                    .shared
                    .change(&self.alias, |host| host.runner.as_deref() == Some(path))?;
                if known { "have\n" } else { "missing\n" }.to_owned()
            }
            Request::Install(path) => {
                self.shared.change(&self.alias, |host| {
                    host.runner = Some(path.to_owned());
                })?;
                "installed\n".to_owned()
            }
            Request::Runner(words) => self.answer(&words, input)?,
            Request::Other => {
                return Err(HostError::new(
                    HostErrorKind::Strange,
                    "a host of the sandbox runs no commands",
                ));
            }
        };
        Ok(answer.into_bytes())
    }

    async fn stream(
        &mut self,
        command: &str,
        _silence: Duration,
        taken: &mut Taken<'_>,
    ) -> Result<(), HostError> {
        let Request::Runner(words) = read(command) else {
            return Ok(());
        };
        let (name, mut offset) = match words.as_slice() {
            ["follow", step, _digest, offset] => (*step, offset.parse().unwrap_or(0)),
            ["listen", service, _lines] => (*service, 0),
            _ => return Ok(()),
        };
        loop {
            let (frames, over) = match words.first() {
                Some(&"listen") => self.said_frames(name, &mut offset)?,
                _ => self.frames(name, &mut offset)?,
            };
            if taken(frames.as_bytes()) == Flow::Enough || over {
                return Ok(());
            }
            self.shared.sandbox.clock().sleep(LOOK).await;
        }
    }
}

/// What a service says.
fn said(service: &str) -> String {
    format!("simulated: {service} is not run by the sandbox, and says nothing else\n")
}

/// The services that a script is given to start.
fn services(script: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(script);
    text.lines()
        .find_map(|line| {
            line.strip_prefix("export STACK_SERVICES='")?
                .strip_suffix('\'')
        })
        .unwrap_or_default()
        .split_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

/// What bash says of a script, without running it.
fn syntax(script: &[u8]) -> String {
    let check = || {
        let mut bash = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = bash.stdin.take() {
            input.write_all(script)?;
        }
        bash.wait_with_output()
    };
    let lines = script.iter().filter(|byte| **byte == b'\n').count();
    match check() {
        Ok(output) if output.status.success() => {
            format!("bash accepts the script's {lines} lines")
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("{REFUSED}: {}", said.lines().next().unwrap_or_default())
        }
        Err(_) => format!("the script's {lines} lines were not checked: there is no bash"),
    }
}
