//! IAM: roles, their policies, and instance profiles.

mod form;
mod profiles;
mod roles;
mod table;

pub(super) use table::perform;
