//! CloudWatch: alarms, dashboards, and what machines have published.

pub(super) mod alarm;
pub(super) mod dashboard;
pub(super) mod data;
