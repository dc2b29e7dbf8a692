//! The table of every key of a profile: the one place where a key is declared.
//!
//! Owns: names, shapes, ranges, defaults and their documentation. Does not own: what values mean together; that is
//! in `validate`.

mod file;
mod formats;
mod hosts;
mod lab;
mod steps;
mod upkeep;

pub(super) use file::PROFILE;
pub(super) use formats::NAME;
pub(super) use steps::{
    DEFAULT_STEPS, EDGE_STEPS, GPU_LESS_STEPS, is_of_a_shipped_step, is_setting, step_names,
};
