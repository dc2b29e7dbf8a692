//! The engine under load and faults: from the text of a profile to what lives in the sandbox afterwards, in one
//! process, on a clock that never waits.

#[path = "engine/counts.rs"]
mod counts;
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/labs.rs"]
mod labs;
#[path = "engine/lost.rs"]
mod lost;
#[path = "engine/memory.rs"]
mod memory;
#[path = "engine/recovery.rs"]
mod recovery;
#[path = "engine/rig.rs"]
mod rig;
#[path = "engine/watch.rs"]
mod watch;
