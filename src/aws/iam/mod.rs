//! IAM: the role that instances take, and the profile that carries it.

pub(super) mod profile;
pub(super) mod role;
