//! Failures in plain words, with what helps: one dictionary by code, and by class where the code says no more.

mod access;
mod advice;
mod lack;
mod view;

pub use advice::{Advice, Circumstances, Help, advise};
pub use view::failure_lines;
