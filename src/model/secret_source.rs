//! Where a secret is read from.

use std::fmt;

use serde::Serialize;

/// Where a secret is read from; the secret itself is never in the profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum SecretSource {
    /// An SSM parameter.
    Ssm(String),
    /// An environment variable of the operator.
    Env(String),
    /// A file of the operator.
    File(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssm(path) => write!(f, "ssm:{path}"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}
