//! Problems in the user's file: underlined in the text for people, as records for programs.
//!
//! Owns: how a problem looks. Does not own: finding problems (`profile`), or what follows from them (`cli`).

mod excerpt;
mod record;
mod view;

pub use record::{PlaceRecord, ProblemRecord, records};
pub use view::render;
