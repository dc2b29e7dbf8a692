//! The real command, cut off at every place: killed without warning, its answers lost, its files lost, its disk full.
//! Whatever happened, the same command again leads to what the uninterrupted run leads to.

#![expect(clippy::print_stdout, reason = "a matrix says how many cases it has")]

#[path = "crash/bench.rs"]
mod bench;
#[path = "crash/labs.rs"]
mod labs;
#[path = "crash/outcome.rs"]
mod outcome;
#[path = "crash/stage.rs"]
mod stage;
#[path = "crash/world.rs"]
mod world;

#[path = "crash/calls.rs"]
mod calls;
#[path = "crash/doubt.rs"]
mod doubt;
#[path = "crash/full.rs"]
mod full;
#[path = "crash/journals.rs"]
mod journals;
#[path = "crash/lockfiles.rs"]
mod lockfiles;
#[path = "crash/pins.rs"]
mod pins;
#[path = "crash/readonly.rs"]
mod readonly;
#[path = "crash/sample.rs"]
mod sample;
#[path = "crash/takeover.rs"]
mod takeover;
#[path = "crash/writes.rs"]
mod writes;
