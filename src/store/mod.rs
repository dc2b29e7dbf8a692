//! Lockfile, journal, guard and keys on disk; lockfile and lease in a bucket, through a client that `cli` hands in.
//!
//! Owns: files and objects, their order of writing and their durability. Does not own: what is in them (`state`), or when they
//! are written (`cli` and `apply`).

mod careful;
mod claim;
mod conclude;
mod copy;
mod disk;
mod guard;
mod hold;
mod holder;
mod journal;
mod keys;
mod lease;
pub mod lockfile;
mod paths;
mod public_key;
mod set_aside;
mod shared;
mod take;
mod term;
mod unlock;

pub use claim::{Claim, LeaseError, Taken, Waiting};
pub use conclude::{ConcludeError, LoadError, Loaded, conclude, load, load_for_run};
pub use copy::{
    CopyError, ForgetError, Ready, checkpoint, due, forget_copy, load_shared, load_shared_for_run,
    put_away,
};
pub use guard::{Guard, GuardError};
pub use hold::Hold;
pub use holder::Holder;
pub use journal::{ArchiveError, FileJournal, JournalReadError, JournalTextError};
pub use keys::{KeyError, ensure_key, generate_key, public_key};
pub use paths::{Paths, PrepareError};
pub use public_key::{PublicKeyError, PublicKeyProblem, parse_public_key, read_public_key};
pub use set_aside::{SetAside, SetAsideError, set_aside};
pub use shared::{Fetched, Shared, SharedError};
pub use term::{Loss, Term};
pub use unlock::Occupied;
