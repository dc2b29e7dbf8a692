//! Lockfile, journal, guard and keys on disk.
//!
//! Owns: files, their order of writing and their durability. Does not own: what is in them (`state`), or when they
//! are written (`cli` and `apply`).

mod conclude;
mod disk;
mod guard;
mod holder;
mod journal;
mod keys;
pub mod lockfile;
mod paths;
mod public_key;
mod set_aside;

pub use conclude::{ConcludeError, LoadError, Loaded, conclude, load, load_for_run};
pub use guard::{Guard, GuardError};
pub use holder::Holder;
pub use journal::{ArchiveError, FileJournal, JournalReadError, JournalTextError};
pub use keys::{KeyError, ensure_key, generate_key, public_key};
pub use paths::{Paths, PrepareError};
pub use public_key::{PublicKeyError, PublicKeyProblem, parse_public_key, read_public_key};
pub use set_aside::{SetAside, SetAsideError, set_aside};
