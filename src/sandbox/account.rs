//! The account.

/// The account that the sandbox is: the one that AWS uses in its examples.
pub const ACCOUNT: &str = "123456789012";
