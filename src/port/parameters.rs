//! Parameters that the user keeps in the cloud.

use std::fmt;

use async_trait::async_trait;

use crate::model::{Failure, Secret};

/// Reads parameters.
#[async_trait]
pub trait Parameters: Send + Sync + fmt::Debug {
    /// Which version of a parameter there is, as a word that another value never has. Its value is not decrypted for that.
    async fn parameter_version(&self, name: &str) -> Result<String, Failure>;

    /// The value of a parameter, decrypted.
    async fn parameter(&self, name: &str) -> Result<Secret, Failure>;
}
