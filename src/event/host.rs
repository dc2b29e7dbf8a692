//! What happens with hosts while they are brought to what they should be.

use std::time::Duration;

use crate::model::Address;

/// Something that happened with a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEvent {
    /// The host.
    pub address: Address,
    /// What happened.
    pub news: HostNews,
}

/// What happened with a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostNews {
    /// It is being reached.
    Reaching {
        /// The host's name or address.
        host: String,
    },
    /// It does not answer yet, or not any more; it is asked again.
    Waiting {
        /// Why.
        why: String,
        /// For how long it has been out of reach.
        elapsed: Duration,
    },
    /// It answers.
    Reached {
        /// What it is: `ubuntu 22.04, x86_64, kernel 6.8.0`.
        system: String,
        /// The fingerprint of its key, if that was trusted because it was seen for the first time.
        first_use: Option<String>,
        /// Whether its key was seen for the first time and is the one that its console shows.
        introduced: bool,
        /// How many steps it should have.
        steps: usize,
        /// How many of them are done already.
        done: usize,
    },
    /// A program that a step installs is sent.
    Sending {
        /// The step.
        step: String,
        /// How much is there, in bytes.
        sent: u64,
        /// How much it is.
        of: u64,
    },
    /// A step begins, or one that runs is followed.
    StepBegun {
        /// The step.
        step: String,
        /// Its place, from 1.
        position: usize,
        /// How many there are.
        of: usize,
        /// Whether it ran already when it was looked at.
        resumed: bool,
    },
    /// A part of a step's log.
    Log {
        /// The step.
        step: String,
        /// Where it begins, in bytes.
        offset: u64,
        /// The bytes; a character may be cut in two.
        bytes: Vec<u8>,
    },
    /// A step is done.
    StepDone {
        /// The step.
        step: String,
        /// How long it took.
        took: Duration,
    },
    /// A step will be started again.
    Again {
        /// The step.
        step: String,
        /// Why.
        why: String,
        /// After how long.
        wait: Duration,
    },
    /// It reboots for a step.
    Rebooting {
        /// The step.
        step: String,
    },
    /// It is back after a reboot.
    Back {
        /// After how long.
        took: Duration,
    },
    /// It is over with this host.
    Over {
        /// Whether it is ready.
        ready: bool,
        /// How it ended, in a few words.
        how: String,
        /// Since it was first reached for.
        took: Duration,
    },
}
