//! CloudWatch: what machines publish, alarms and dashboards.

mod alarms;
mod dashboards;
mod data;
mod play;
mod put;
mod query;
mod table;
mod tags;

pub(super) use table::perform;
