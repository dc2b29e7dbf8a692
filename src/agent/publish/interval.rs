//! A closed interval: what is published of it, as statistic sets.

use serde::{Deserialize, Serialize};

use super::series::Series;
use crate::model::AgentMetric;

/// Many numbers as four.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    /// How many.
    pub(crate) count: u64,
    /// All together.
    pub(crate) sum: f64,
    /// The smallest.
    pub(crate) minimum: f64,
    /// The greatest.
    pub(crate) maximum: f64,
}

impl Statistics {
    /// Of one number.
    pub(crate) fn of(value: f64) -> Self {
        Self {
            count: 1,
            sum: value,
            minimum: value,
            maximum: value,
        }
    }

    /// Of one number more.
    pub(crate) fn take(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
    }
}

/// One statistic set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Set {
    /// Of what.
    pub(crate) metric: AgentMetric,
    /// Of which GPU; of the machine without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gpu: Option<u32>,
    /// The numbers.
    pub(crate) statistics: Statistics,
}

impl Set {
    /// What it is of.
    pub(crate) fn series(&self) -> Series {
        (self.metric, self.gpu)
    }
}

/// A closed interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interval {
    /// When it began, in seconds since 1970.
    pub(crate) start_s: i64,
    /// How many measurements it holds.
    pub(crate) samples: u64,
    /// What is published.
    pub(crate) sets: Vec<Set>,
}
