//! The sandbox through the real SDK: what it answers, refuses, loses and keeps.

#[path = "sandbox/support.rs"]
mod support;

#[path = "sandbox/flow.rs"]
mod flow;
