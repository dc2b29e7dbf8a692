//! Deterministic simulation: random labs, random edits, random weather, random crashes, one number each.
//!
//! Everything runs in this process on a clock that jumps to whatever is due next, so a day takes milliseconds. A seed
//! decides everything: the same seed is the same run, call for call. A failing one is printed with the command that
//! replays it. `ROBOINFRA_SIM_SECONDS` says how long to look for one, `ROBOINFRA_SIM_SEED` which to play.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::result_large_err,
    clippy::struct_field_names,
    clippy::needless_pass_by_value,
    reason = "a broken promise is a panic that tells of it; what was played is printed; the environment chooses"
)]

#[path = "simulation/chaos.rs"]
mod chaos;
#[path = "simulation/clock.rs"]
mod clock;
#[path = "simulation/command.rs"]
mod command;
#[path = "simulation/files.rs"]
mod files;
#[path = "simulation/invariants.rs"]
mod invariants;
#[path = "simulation/log.rs"]
mod log;
#[path = "simulation/matrix.rs"]
mod matrix;
#[path = "simulation/outside.rs"]
mod outside;
#[path = "simulation/rng.rs"]
mod rng;
#[path = "simulation/runner.rs"]
mod runner;
#[path = "simulation/shape.rs"]
mod shape;
#[path = "simulation/story.rs"]
mod story;
#[path = "simulation/weather.rs"]
mod weather;
#[path = "simulation/world.rs"]
mod world;
