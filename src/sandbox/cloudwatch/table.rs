//! The CloudWatch actions that the sandbox speaks.

use serde_json::Value;

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult};
use super::{alarms, dashboards, data, put, tags};

type Handler = fn(&mut Ctx<'_>, &Value) -> ApiResult<Value>;

const ACTIONS: &[(&str, Handler)] = &[
    ("DeleteAlarms", alarms::delete),
    ("DeleteDashboards", dashboards::delete),
    ("DescribeAlarms", alarms::describe),
    ("GetDashboard", dashboards::get),
    ("GetMetricData", data::get),
    ("ListDashboards", dashboards::list),
    ("ListTagsForResource", tags::list),
    ("PutDashboard", dashboards::put),
    ("PutMetricAlarm", alarms::put),
    ("PutMetricData", put::put),
    ("TagResource", tags::tag),
    ("UntagResource", tags::untag),
];

/// Performs an action.
pub(in super::super) fn perform(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let handler = ACTIONS
        .binary_search_by_key(&ctx.action, |(name, _)| name)
        .map(|at| ACTIONS[at].1)
        .map_err(|_| {
            let action = ctx.action;
            let message = format!("the sandbox does not speak the CloudWatch action {action}");
            ApiError::unsupported(message)
        })?;
    handler(ctx, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched_and_is_in_the_manual() {
        let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        crate::sandbox::services::check_actions(&names);
    }
}
