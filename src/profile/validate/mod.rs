//! The second pass: what single values mean, and whether they go together.
//!
//! Owns: the one door from the tree to a `Profile`. Does not own: names of keys and types of values; those are
//! checked before, from the table of keys.

mod access;
mod address;
mod edge;
mod lab;
mod moved;
mod names;
mod network;
mod node;
mod own_stack;
mod own_step;
mod root;
mod runs;
mod stack;
mod steps;
mod suits;
mod types;
mod upkeep;
mod volume;
mod whole;

pub(super) use root::profile;
pub(super) use stack::SECRET_WORDS;
