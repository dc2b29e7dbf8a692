//! IAM: roles, their policies, and instance profiles.

mod profiles;
mod roles;
mod table;

pub(super) use table::perform;
