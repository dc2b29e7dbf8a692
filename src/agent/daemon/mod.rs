//! The daemon itself: one loop, and what it hands its looks to.
//!
//! Owns: when what is done, and what is said and written about it. Does not own: any decision; those are values.

mod conduct;
mod ending;
mod identity;
mod once;
mod publishing;
mod spotting;
mod status;
mod voice;

pub(crate) use conduct::run;
pub(crate) use once::once;
