//! The three-way plan: tables of what is desired, recorded and seen, and what comes of each.

mod steps;
mod three_way;
mod world;
