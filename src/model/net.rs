//! Ports, protocols and security-group rules.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A transport protocol as EC2 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// EC2's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One port or a closed range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The first port.
    pub from: u16,
    /// The last port; equal to `from` for one port.
    pub to: u16,
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            f.pad(&self.from.to_string())
        } else {
            f.pad(&format!("{}-{}", self.from, self.to))
        }
    }
}

/// One ingress rule. Group, protocol, ports and source identify it; the description does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// The protocol.
    pub protocol: Protocol,
    /// The ports.
    pub ports: PortRange,
    /// Who may connect.
    pub source: IpNet,
    /// What the rule is for, shown in the console.
    pub description: String,
}

impl Rule {
    /// What identifies the rule inside its group.
    pub fn key(&self) -> (Protocol, PortRange, IpNet) {
        (self.protocol, self.ports, self.source)
    }

    /// Whether the whole world may connect.
    pub fn is_world_open(&self) -> bool {
        self.source.prefix_len() == 0
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} from {}", self.ports, self.protocol, self.source)
    }
}
