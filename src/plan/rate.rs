//! What something costs by the hour, and a line of the bill.

use serde::{Deserialize, Serialize};

use crate::model::{Address, Usd};

/// Cost per hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// While the machines run.
    pub running: Usd,
    /// While they are stopped.
    pub stopped: Usd,
}

impl Rate {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            running: self.running + other.running,
            stopped: self.stopped + other.stopped,
        }
    }

    pub(super) fn constant(rate: Usd) -> Self {
        Self {
            running: rate,
            stopped: rate,
        }
    }
}

/// The cost of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// The resource.
    pub address: Address,
    /// What is paid for: `g5.2xlarge on-demand`.
    pub what: String,
    /// What it costs now, if it exists.
    pub before: Option<Rate>,
    /// What it will cost, if it stays or is made.
    pub after: Option<Rate>,
}
