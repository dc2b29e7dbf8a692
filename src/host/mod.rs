//! The contract with a host: the runner's commands and answers as values, and what to do next.
//!
//! Owns: how commands are written and answers are read, and the decision which step runs when. Does not own: the
//! connection (`ssh`), or carrying the decision out (`apply`).

mod agent;
mod command;
mod console;
mod facts;
mod file;
mod frame;
mod gate;
mod next;
mod status;
mod verdict;
mod wanted;

pub use agent::AgentNow;
pub use command::{Command, HOME, Runner};
pub use console::console_keys;
pub use facts::Facts;
pub use file::{Arch, Arrived, HostFile};
pub use frame::{End, EndState, Frame, FrameError, Frames};
pub use gate::{Expected, Finding, gate, surroundings};
pub use next::{Move, Seen, again, next};
pub use status::{StepState, StepStatus};
pub use verdict::{Finished, HostEnd, TAIL, Verdict};
pub use wanted::{AgentWish, NoSecret, Wanted, WantedStep};
