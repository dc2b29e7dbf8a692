//! A host as the engine needs it: a way to run commands that survives nothing by itself. What must survive is on the
//! host, behind its runner.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::Address;

/// How to reach a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTarget {
    /// Which host it is.
    pub address: Address,
    /// What its host key is pinned under: another machine at the same address is another host.
    pub alias: String,
    /// Its name or address on the network.
    pub host: String,
    /// Its SSH port.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// Private keys to try, in order; the agent is asked as well.
    pub keys: Vec<PathBuf>,
    /// Host keys that are known from a trusted source, one a line as `ssh-ed25519 AAAA…`: the first contact must show one
    /// of them.
    pub host_key: Option<String>,
    /// When the machine was started last, if a cloud tells.
    pub launched: Option<Timestamp>,
}

impl HostTarget {
    /// Which machine it is: what is known of a host is void for another one.
    pub fn machine(&self) -> String {
        if self.alias == self.address.as_str() {
            format!("{}:{}", self.host, self.port)
        } else {
            self.alias.clone()
        }
    }
}

/// What is wrong with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostErrorKind {
    /// Nothing answers, or the connection was cut: try again.
    Unreachable,
    /// The host did not say anything for too long: the connection is given up.
    Silent,
    /// The host's key is not the one that is pinned: never try again by itself.
    HostKey,
    /// No key lets us in.
    Refused,
    /// What came back is not what was asked for.
    Strange,
}

/// A connection that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// What is wrong.
    pub kind: HostErrorKind,
    /// What happened, for people.
    pub message: String,
}

impl HostError {
    /// An error.
    pub fn new(kind: HostErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// Whether whoever reads a stream wants more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More.
    More,
    /// Enough.
    Enough,
}

/// Takes what a command writes, as it comes.
pub type Taken<'a> = dyn FnMut(&[u8]) -> Flow + Send + 'a;

/// Reaches hosts.
#[async_trait]
pub trait Hosts: Send + Sync + fmt::Debug {
    /// Opens a connection; bounded by itself.
    async fn connect(&self, target: &HostTarget) -> Result<Box<dyn HostLink>, HostError>;

    /// Whether a key is pinned for it already.
    fn knows(&self, target: &HostTarget) -> bool;
}

/// An open connection to a host. Dropping it closes it at once.
#[async_trait]
pub trait HostLink: Send + fmt::Debug {
    /// Whether the login user is root.
    fn is_root(&self) -> bool;

    /// The fingerprint of the host's key, if it was trusted because it was seen for the first time.
    fn trusted_on_first_use(&self) -> Option<&str>;

    /// Whether the host's key was pinned now because it is the one that was known from a trusted source.
    fn was_introduced(&self) -> bool;

    /// Runs a command with `input` on its stdin and returns what it wrote to stdout. Its exit status is not known:
    /// what it wrote must tell. Given up after `limit`.
    async fn run(
        &mut self,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, HostError>;

    /// Runs a command and hands over what it writes to stdout as it comes, until it ends or `taken` has enough. Given up
    /// when nothing comes for `silence`.
    async fn stream(
        &mut self,
        command: &str,
        silence: Duration,
        taken: &mut Taken<'_>,
    ) -> Result<(), HostError>;
}
