//! Alarms on metrics (CloudWatch API Reference, PutMetricAlarm, DescribeAlarms, DeleteAlarms). They are kept and told as
//! they were put; the sandbox does not watch what they watch, so each says for ever that it cannot tell.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult};
use super::super::world::Alarm;
use super::query::{arn, id_of, invalid, list, missing, not_found, page, text, texts};
use super::tags;

/// What is kept of a PutMetricAlarm.
const KEPT: [&str; 21] = [
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
];
const COMPARISONS: [&str; 4] = [
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
];
const MISSING_DATA: [&str; 4] = ["breaching", "notBreaching", "ignore", "missing"];

/// An alarm of the same name is overwritten entirely; its state and its tags stay.
pub(super) fn put(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let name = text(input, "AlarmName").ok_or_else(|| missing("AlarmName"))?;
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(invalid("AlarmName must have 1 to 255 characters."));
    }
    check(input)?;
    let id = id_of(name);
    let tags = match ctx.store.get::<Alarm>(&id) {
        Some(alarm) => alarm.tags.clone(),
        None => tags::read(input)?,
    };
    let settings: Map<String, Value> = KEPT
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), input.get(*key)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    ctx.store.put(Alarm {
        id,
        name: name.to_owned(),
        settings: Value::Object(settings),
        updated: ctx.now,
        tags,
    });
    Ok(json!({}))
}

fn check(input: &Value) -> ApiResult {
    let periods = input
        .get("EvaluationPeriods")
        .and_then(Value::as_u64)
        .filter(|periods| *periods > 0)
        .ok_or_else(|| missing("EvaluationPeriods"))?;
    let comparison =
        text(input, "ComparisonOperator").ok_or_else(|| missing("ComparisonOperator"))?;
    if !COMPARISONS.contains(&comparison) {
        return Err(invalid(format!("{comparison} is no comparison operator.")));
    }
    if input.get("Threshold").and_then(Value::as_f64).is_none() {
        return Err(missing("Threshold"));
    }
    let points = input.get("DatapointsToAlarm").and_then(Value::as_u64);
    if points.is_some_and(|points| points == 0 || points > periods) {
        return Err(invalid(
            "DatapointsToAlarm must not be greater than EvaluationPeriods.",
        ));
    }
    if text(input, "TreatMissingData").is_some_and(|word| !MISSING_DATA.contains(&word)) {
        return Err(invalid("TreatMissingData is none of its four words."));
    }
    for actions in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
        if list(input, actions).len() > 5 {
            return Err(invalid("An alarm has at most five actions for each state."));
        }
    }
    let metrics = list(input, "Metrics");
    let plain = text(input, "MetricName");
    let period = match (plain, metrics.is_empty()) {
        (Some(_), true) => {
            text(input, "Namespace").ok_or_else(|| missing("Namespace"))?;
            if text(input, "Statistic").is_none() && text(input, "ExtendedStatistic").is_none() {
                return Err(missing("Statistic"));
            }
            input.get("Period").and_then(Value::as_u64)
        }
        (None, false) => over_queries(metrics)?,
        _ => {
            return Err(ApiError::combination(
                "An alarm has either MetricName or Metrics.",
            ));
        }
    };
    in_time(period.ok_or_else(|| missing("Period"))?, periods)
}

/// PutMetricAlarm, Period: 10, 20, 30 or a multiple of 60; all periods together at most a day, or seven days for periods
/// of an hour or more.
fn in_time(period: u64, periods: u64) -> ApiResult {
    if !matches!(period, 10 | 20 | 30) && (period == 0 || !period.is_multiple_of(60)) {
        return Err(invalid("Period must be 10, 20, 30 or a multiple of 60."));
    }
    let most = if period >= 3600 { 7 * 86_400 } else { 86_400 };
    if period.saturating_mul(periods) > most {
        return Err(invalid(
            "Metrics cannot be checked across more than a day, or seven days for periods of an hour or more.",
        ));
    }
    Ok(())
}

/// MetricDataQuery: exactly one gives the data, ids are unlike and begin with a small letter, at most ten metrics.
fn over_queries(queries: &[Value]) -> ApiResult<Option<u64>> {
    let mut ids = BTreeSet::new();
    for query in queries {
        let id = text(query, "Id").ok_or_else(|| missing("Metrics.member.N.Id"))?;
        if !id.starts_with(|c: char| c.is_ascii_lowercase()) || !ids.insert(id) {
            return Err(invalid(format!("The id {id} is not valid.")));
        }
        if text(query, "Expression").is_some()
            == query.get("MetricStat").is_some_and(Value::is_object)
        {
            return Err(invalid("A query has either an expression or a metric."));
        }
    }
    let gives = |query: &&Value| query.get("ReturnData").and_then(Value::as_bool) != Some(false);
    if queries.iter().filter(gives).count() != 1 {
        return Err(invalid("Exactly one query must return data."));
    }
    let stats: Vec<&Value> = queries
        .iter()
        .filter_map(|query| query.get("MetricStat"))
        .collect();
    if stats.len() > 10 {
        return Err(invalid("An alarm is over at most ten metrics."));
    }
    Ok(stats
        .iter()
        .filter_map(|stat| stat.get("Period").and_then(Value::as_u64))
        .max())
}

pub(super) fn describe(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let (prefix, names) = (text(input, "AlarmNamePrefix"), texts(input, "AlarmNames"));
    if prefix.is_some() && !names.is_empty() {
        return Err(ApiError::combination(
            "AlarmNames and AlarmNamePrefix exclude each other.",
        ));
    }
    let most = match input.get("MaxRecords").and_then(Value::as_u64) {
        None => 50,
        Some(most @ 1..=100) => usize::try_from(most).unwrap_or(100),
        Some(_) => return Err(invalid("MaxRecords must be 1 to 100.")),
    };
    let wanted = |alarm: &&Alarm| {
        prefix.is_none_or(|prefix| alarm.name.starts_with(prefix))
            && (names.is_empty() || names.contains(&alarm.name.as_str()))
            && ctx.sees(&alarm.id)
    };
    let found: Vec<Value> = ctx
        .store
        .all::<Alarm>()
        .filter(wanted)
        .map(|alarm| told(ctx.region, alarm))
        .collect();
    let (found, next) = page(input, found, most)?;
    let mut answer = json!({"MetricAlarms": found, "CompositeAlarms": []});
    if let Some(next) = next {
        answer["NextToken"] = Value::from(next);
    }
    Ok(answer)
}

fn told(region: &str, alarm: &Alarm) -> Value {
    let mut told = alarm.settings.clone();
    let seconds = alarm.updated.as_second();
    told["AlarmArn"] = Value::from(arn(region, &alarm.name));
    told["AlarmConfigurationUpdatedTimestamp"] = Value::from(seconds);
    told["StateUpdatedTimestamp"] = Value::from(seconds);
    told["StateValue"] = Value::from("INSUFFICIENT_DATA");
    told["StateReason"] = Value::from("Unchecked: the sandbox watches nothing");
    if told.get("ActionsEnabled").is_none() {
        told["ActionsEnabled"] = Value::from(true);
    }
    told
}

/// One name that names nothing, and none is deleted.
pub(super) fn delete(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let names = texts(input, "AlarmNames");
    if names.is_empty() || names.len() > 100 {
        return Err(invalid("AlarmNames must hold 1 to 100 names."));
    }
    for name in &names {
        if ctx.store.get::<Alarm>(&id_of(name)).is_none() {
            return Err(not_found(format!("The alarm {name} does not exist.")));
        }
    }
    for name in names {
        ctx.store.remove(&id_of(name));
    }
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloudwatch_refuses() {
        let good = json!({
            "EvaluationPeriods": 3, "ComparisonOperator": "LessThanThreshold", "Threshold": 1,
            "MetricName": "m", "Namespace": "n", "Statistic": "Average", "Period": 300,
        });
        assert!(check(&good).is_ok());
        for (key, value) in [
            ("EvaluationPeriods", json!(0)),
            ("EvaluationPeriods", json!(300)),
            ("ComparisonOperator", json!("Below")),
            ("Threshold", json!(null)),
            ("Period", json!(90)),
            ("DatapointsToAlarm", json!(4)),
            ("TreatMissingData", json!("never")),
            ("AlarmActions", json!(["a", "b", "c", "d", "e", "f"])),
            ("Statistic", json!("")),
            ("Metrics", json!([{"Id": "a", "Expression": "1"}])),
        ] {
            let mut bad = good.clone();
            bad[key] = value.clone();
            assert!(check(&bad).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn queries_of_an_alarm() {
        let stat = json!({"Period": 60, "Stat": "Sum"});
        let query =
            |id: &str, data: bool| json!({"Id": id, "MetricStat": stat, "ReturnData": data});
        assert_eq!(
            over_queries(&[query("a", true), query("b", false)]),
            Ok(Some(60))
        );
        for bad in [
            vec![query("a", true), query("b", true)],
            vec![query("a", true), query("a", false)],
            vec![query("A", true)],
            vec![json!({"Id": "a"})],
        ] {
            assert!(over_queries(&bad).is_err(), "{bad:?}");
        }
    }
}
