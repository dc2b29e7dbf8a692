//! Opens connections, each with a thread of its own.

use std::path::PathBuf;

use async_trait::async_trait;

use super::link::Link;
use super::pins::Pins;
use crate::port::{HostError, HostErrorKind, HostLink, HostTarget, Hosts};

/// Reaches hosts over SSH.
#[derive(Debug, Clone)]
pub struct Ssh {
    pins: Pins,
}

impl Ssh {
    /// Hosts whose keys are pinned in this file.
    pub fn new(known_hosts: impl Into<PathBuf>) -> Self {
        Self {
            pins: Pins::new(known_hosts),
        }
    }
}

#[async_trait]
impl Hosts for Ssh {
    async fn connect(&self, target: &HostTarget) -> Result<Box<dyn HostLink>, HostError> {
        let (target, pins) = (target.clone(), self.pins.clone());
        let (sender, opened) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name(format!("ssh {}", target.address))
            .spawn(move || Link::serve(&target, &pins, sender))
            .map_err(|error| {
                HostError::new(HostErrorKind::Strange, format!("no thread: {error}"))
            })?;
        match opened.await {
            Ok(result) => result.map(|link| Box::new(link) as Box<dyn HostLink>),
            Err(_) => Err(HostError::new(
                HostErrorKind::Strange,
                "the connection's thread ended",
            )),
        }
    }

    fn knows(&self, target: &HostTarget) -> bool {
        self.pins
            .of(&target.alias)
            .is_ok_and(|keys| !keys.is_empty())
    }
}
