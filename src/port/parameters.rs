//! Parameters that the user keeps in the cloud.

use std::fmt;

use async_trait::async_trait;

use crate::model::{Failure, Secret};

/// Reads parameters.
#[async_trait]
pub trait Parameters: Send + Sync + fmt::Debug {
    /// Succeeds if there is such a parameter and it may be read. Its value is not decrypted for that.
    async fn parameter_is_there(&self, name: &str) -> Result<(), Failure>;

    /// The value of a parameter, decrypted.
    async fn parameter(&self, name: &str) -> Result<Secret, Failure>;
}
