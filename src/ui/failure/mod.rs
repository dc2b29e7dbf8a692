//! Failures in plain words, with what helps: one dictionary by code, and by class where the code says no more.

mod access;
mod advice;
mod lack;
mod types;
mod view;

pub use advice::advise;
pub use types::{Advice, Circumstances, Help};
pub use view::failure_lines;
