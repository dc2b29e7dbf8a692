//! `ssh` and `tunnel`: the system's own ssh, with the lab's keys and pinned host keys.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::hosts::host;
use super::session::{OpenError, Session};
use super::stepless;
use crate::apply::HostJob;
use crate::model::Protocol;
use crate::profile::Source;

/// Log in to a host, or run a command on it, with the system's ssh.
#[derive(Debug, Args)]
pub(super) struct SshArgs {
    /// The host, as `sim.0` or `arm1`; `sim` where that is one machine.
    host: String,
    /// A command to run instead of logging in.
    #[arg(last = true)]
    command: Vec<String>,
}

/// Reach the services of a host through SSH: nothing has to be open to the world.
///
/// Forwards the ports that the profile names in [access.port.*], or only those that are listed, until Ctrl-C.
#[derive(Debug, Args)]
pub(super) struct TunnelArgs {
    /// The host, as `sim.0` or `arm1`; `sim` where that is one machine.
    host: String,
    /// Names of [access.port.*], or port numbers.
    services: Vec<String>,
}

pub(super) async fn ssh(app: &mut App, args: &SshArgs) -> Result<u8, OpenError> {
    let (session, job) = at(app, &args.host).await?;
    let mut command = base(&session, &job);
    command.arg(&job.target.host);
    if !args.command.is_empty() {
        command.arg("--").args(&args.command);
    }
    Err(handed_over(command).into())
}

pub(super) async fn tunnel(app: &mut App, args: &TunnelArgs) -> Result<u8, OpenError> {
    let (session, job) = at(app, &args.host).await?;
    let forwards = forwards(&session, &args.services)?;
    if forwards.is_empty() {
        return Err(CliError::new("the profile names no TCP port to forward")
            .hint("name ports: roboinfra tunnel HOST 8888, or add [access.port.NAME] with from = \"tunnel\"")
            .into());
    }
    let mut command = base(&session, &job);
    command.args(["-N", "-o", "ExitOnForwardFailure=yes"]);
    let mut taken = BTreeSet::new();
    for (name, port) in forwards {
        let local = free_port(port, &mut taken)?;
        command.args(["-L", &format!("127.0.0.1:{local}:127.0.0.1:{port}")]);
        app.say(&format!("{name:<20} http://127.0.0.1:{local}"));
    }
    app.say("Ctrl-C closes the tunnel.");
    command.arg(&job.target.host);
    Err(handed_over(command).into())
}

async fn at(app: &mut App, asked: &str) -> Result<(Session, HostJob), OpenError> {
    let target = app.global.target();
    if target.sandbox {
        return Err(CliError::new(
            "a host of the sandbox is played: there is nothing to log in to",
        )
        .into());
    }
    let session = stepless::open(app).await?;
    let job = host(app, &session, asked).await?;
    Ok((session, job))
}

/// ssh with the lab's keys. The host key is the one that bootstrap has pinned; without one the first is taken, as ssh says.
fn base(session: &Session, job: &HostJob) -> Command {
    let target = &job.target;
    let mut command = Command::new("ssh");
    let option = |name: &str, value: String| ["-o".to_owned(), format!("{name}={value}")];
    let known_hosts = session.paths.known_hosts.display().to_string();
    command
        .args(option("UserKnownHostsFile", quoted(&known_hosts)))
        .args(option("HostKeyAlias", target.alias.clone()))
        .args(option("StrictHostKeyChecking", "accept-new".to_owned()))
        .args(option("ServerAliveInterval", "15".to_owned()))
        .args(["-p", &target.port.to_string(), "-l", &target.user]);
    for key in &target.keys {
        command.arg("-i").arg(key);
    }
    command
}

/// ssh reads the value of an option as words.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('%', "%%"))
}

/// Becomes ssh. Only a failure comes back.
fn handed_over(mut command: Command) -> CliError {
    let error = command.exec();
    let told = CliError::new(format!("could not start ssh: {error}"));
    if error.kind() == std::io::ErrorKind::NotFound {
        told.hint("install the OpenSSH client")
    } else {
        told
    }
}

/// The ports to forward, each with a name.
fn forwards(session: &Session, asked: &[String]) -> Result<Vec<(String, u16)>, CliError> {
    let ports = &session.profile.ports;
    let named = ports
        .iter()
        .filter(|(_, port)| port.protocol == Protocol::Tcp && port.ports.from == port.ports.to)
        .map(|(name, port)| {
            (
                name.to_string(),
                port.ports.from,
                port.from == Source::Tunnel,
            )
        });
    if asked.is_empty() {
        return Ok(named
            .filter(|(_, port, tunnel)| *tunnel && *port != 22)
            .map(|(name, port, _)| (name, port))
            .collect());
    }
    let named: Vec<_> = named.collect();
    asked
        .iter()
        .map(|asked| {
            let found = named.iter().find(|(name, _, _)| name == asked);
            match (found, asked.parse::<u16>()) {
                (Some((name, port, _)), _) => Ok((name.clone(), *port)),
                (None, Ok(port @ 1..)) => Ok((format!("port {port}"), port)),
                _ => Err(CliError::new(format!(
                    "the profile has no [access.port.{asked}] with one TCP port"
                ))
                .code(exit::FAILED)
                .hint(format!(
                    "it has {}",
                    named
                        .iter()
                        .map(|(name, _, _)| name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ))),
            }
        })
        .collect()
}

/// The same port here if it is free, else any.
fn free_port(port: u16, taken: &mut BTreeSet<u16>) -> Result<u16, CliError> {
    let free = |port: u16| {
        TcpListener::bind(("127.0.0.1", port))
            .and_then(|listener| listener.local_addr())
            .map(|address| address.port())
    };
    let chosen = if taken.contains(&port) {
        free(0)
    } else {
        free(port).or_else(|_| free(0))
    };
    let chosen =
        chosen.map_err(|error| CliError::new(format!("no free port on this machine: {error}")))?;
    taken.insert(chosen);
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_replaced() {
        let held = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = held.local_addr().expect("an address").port();
        let mut taken = BTreeSet::new();
        let other = free_port(port, &mut taken).expect("another");
        assert_ne!(other, port);
        assert_ne!(free_port(other, &mut taken).expect("a third"), other);
    }

    #[test]
    fn a_path_is_one_word_for_ssh() {
        assert_eq!(quoted("/a b/100%"), "\"/a b/100%%\"");
    }
}
