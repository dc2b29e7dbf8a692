//! The first moments of a session: socket, handshake, host key, login. All of it is bounded.

use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use socket2::SockRef;
use ssh2::{MethodType, Session};

use super::pins::{KeyCheck, Pins, PinsError, fingerprint, kind};
use crate::port::{HostError, HostErrorKind, HostTarget};

/// To connect, and for each call of the handshake and the login.
const EACH: Duration = Duration::from_secs(10);
/// Data that is not acknowledged for so long means that the connection is dead.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// How often the server is asked for a sign of life, in seconds.
const KEEPALIVE: u32 = 5;

/// A session with its socket. Dropping it is quick: libssh2 would say goodbye and wait, so the socket is shut first.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) socket: TcpStream,
}

impl Drop for Line {
    fn drop(&mut self) {
        // It may be shut already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// How a host's key came to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum First {
    /// It was pinned before.
    Known,
    /// It was seen for the first time, and is the one that was known from a trusted source.
    Introduced,
    /// It was seen for the first time, and believed for that. Its fingerprint.
    Trusted(String),
}

/// Opens a session and logs in. Also returns how the host's key came to be believed.
pub(super) fn log_in(target: &HostTarget, pins: &Pins) -> Result<(Line, First), HostError> {
    let socket = dial(target)?;
    let no_session = |error: &dyn std::fmt::Display| {
        let place = place(target);
        HostError::new(
            HostErrorKind::Unreachable,
            format!("no SSH session with {place}: {error}"),
        )
    };
    let mut line = Line {
        session: Session::new().map_err(|error| no_session(&error))?,
        socket: socket.try_clone().map_err(|error| no_session(&error))?,
    };
    line.session
        .set_timeout(u32::try_from(EACH.as_millis()).unwrap_or(u32::MAX));
    prefer_pinned(&line.session, target, pins)?;
    line.session.set_tcp_stream(socket);
    line.session
        .handshake()
        .map_err(|error| no_session(&error))?;
    let first = check_key(&line.session, target, pins)?;
    authenticate(&line.session, target)?;
    line.session.set_keepalive(true, KEEPALIVE);
    Ok((line, first))
}

fn place(target: &HostTarget) -> String {
    format!("{} ({}:{})", target.address, target.host, target.port)
}

fn dial(target: &HostTarget) -> Result<TcpStream, HostError> {
    let place = place(target);
    let failed = |error: std::io::Error| {
        HostError::new(
            HostErrorKind::Unreachable,
            format!("nothing answers at {place}: {error}"),
        )
    };
    let addresses = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(failed)?;
    let mut last = std::io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, EACH) {
            Ok(socket) => {
                socket.set_nodelay(true).map_err(failed)?;
                SockRef::from(&socket)
                    .set_tcp_user_timeout(Some(UNACKNOWLEDGED))
                    .map_err(failed)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn unpinned(error: &PinsError) -> HostError {
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
    HostError::new(HostErrorKind::HostKey, format!("{error}{why}"))
}

/// A host has several keys; ours is asked for first, ed25519 otherwise.
fn prefer_pinned(session: &Session, target: &HostTarget, pins: &Pins) -> Result<(), HostError> {
    let pinned = pins.of(&target.alias).map_err(|error| unpinned(&error))?;
    let first = pinned
        .first()
        .and_then(|key| kind(key))
        .unwrap_or("ssh-ed25519");
    // An RSA key signs with SHA-2.
    let first = match first {
        "ssh-rsa" => "rsa-sha2-512,rsa-sha2-256",
        other => other,
    };
    let all = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
    let rest = all
        .split(',')
        .filter(|kind| !first.split(',').any(|first| first == *kind));
    let order: Vec<&str> = first.split(',').chain(rest).collect();
    session
        .method_pref(MethodType::HostKey, &order.join(","))
        .map_err(|error| HostError::new(HostErrorKind::Strange, error.to_string()))
}

fn check_key(session: &Session, target: &HostTarget, pins: &Pins) -> Result<First, HostError> {
    let Some((key, _)) = session.host_key() else {
        return Err(HostError::new(
            HostErrorKind::Strange,
            format!("{} shows no host key", place(target)),
        ));
    };
    let shown = fingerprint(key);
    let pin = || {
        pins.add(&target.alias, key)
            .map_err(|error| unpinned(&error))
    };
    match pins
        .check(&target.alias, key)
        .map_err(|error| unpinned(&error))?
    {
        KeyCheck::Same => Ok(First::Known),
        KeyCheck::Other => Err(HostError::new(
            HostErrorKind::HostKey,
            format!(
                "the host key of {} is not the one that was pinned for it: it shows {shown}",
                place(target)
            ),
        )),
        KeyCheck::Unknown => match &target.host_key {
            Some(known) if is_key(known, key) => pin().map(|()| First::Introduced),
            Some(_) => Err(HostError::new(
                HostErrorKind::HostKey,
                format!(
                    "the host key of {} is not the one on its console: it shows {shown}",
                    place(target)
                ),
            )),
            None => pin().map(|()| First::Trusted(shown)),
        },
    }
}

/// Whether one of these keys in OpenSSH's text form, one a line, is this one.
fn is_key(text: &str, key: &[u8]) -> bool {
    text.lines().any(|line| {
        line.split_whitespace()
            .nth(1)
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .is_some_and(|decoded| decoded == key)
    })
}

/// Tries the keys of files, then those of the agent, and stops at the first that is taken: a server does not answer a
/// second login.
fn authenticate(session: &Session, target: &HostTarget) -> Result<(), HostError> {
    let mut tried = Vec::new();
    for key in &target.keys {
        match session.userauth_pubkey_file(&target.user, None, key, None) {
            Ok(()) => return Ok(()),
            Err(error) => tried.push(format!("{}: {}", key.display(), in_words(key, &error))),
        }
    }
    match by_agent(session, &target.user) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => tried.push(format!("the agent: {error}")),
    }
    // A connection that broke on the way is not a refusal.
    let refused = session.auth_methods(&target.user).is_ok();
    let kind = if refused {
        HostErrorKind::Refused
    } else {
        HostErrorKind::Unreachable
    };
    Err(HostError::new(
        kind,
        format!(
            "{} lets nobody in as {}: {}",
            place(target),
            target.user,
            if tried.is_empty() {
                "there is no key to try".to_owned()
            } else {
                tried.join("; ")
            }
        ),
    ))
}

fn by_agent(session: &Session, user: &str) -> Result<bool, ssh2::Error> {
    let mut agent = session.agent()?;
    if agent.connect().is_err() {
        // None runs.
        return Ok(false);
    }
    agent.list_identities()?;
    for identity in agent.identities()? {
        if agent.userauth(user, &identity).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// libssh2 says of an encrypted key that its format is not supported.
fn in_words(key: &Path, error: &ssh2::Error) -> String {
    let message = error.message();
    if !key.exists() {
        "there is no such file".to_owned()
    } else if message.contains("Unable to extract public key") {
        "it is encrypted, or not a private key; an encrypted one is used through ssh-agent"
            .to_owned()
    } else if message.contains("Username/PublicKey combination invalid") || message.is_empty() {
        "not accepted".to_owned()
    } else {
        message.to_owned()
    }
}
