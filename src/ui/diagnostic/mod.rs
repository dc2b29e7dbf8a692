//! Problems in the user's file, underlined in the text.
//!
//! Owns: how a problem looks. Does not own: finding problems (`profile`), or their form for
//! programs (`ui::json`).

mod excerpt;
mod view;

pub use view::render;
