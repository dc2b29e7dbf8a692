//! CloudWatch's alarms and dashboards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::{Indexed, Tags};

/// An alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// `alarm/NAME`.
    pub(crate) id: String,
    pub(crate) name: String,
    /// What it was put with, by the API's names.
    pub(crate) settings: Value,
    pub(crate) updated: Timestamp,
    pub(crate) tags: Tags,
}

impl Indexed for Alarm {}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dashboard {
    /// `dashboard/NAME`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) body: String,
    pub(crate) updated: Timestamp,
}

impl Indexed for Dashboard {}
