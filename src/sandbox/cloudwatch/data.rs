//! What was published, read back (CloudWatch API Reference, GetMetricData). A machine that runs and has published nothing
//! here has its numbers played: no agent runs in the sandbox.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::context::Ctx;
use super::super::published::Published;
use super::super::wire::{ApiError, ApiResult};
use super::super::world::{Instance, Phase};
use super::play;
use super::query::{invalid, list, missing, text};

/// GetMetricData: 500 queries, 100 800 points in one answer.
const MOST_QUERIES: usize = 500;
const MOST_POINTS: u64 = 100_800;

/// One question of a call.
struct Asked<'a> {
    id: &'a str,
    namespace: &'a str,
    metric: &'a str,
    dimensions: BTreeMap<String, String>,
    stat: &'a str,
    period: i64,
}

pub(super) fn get(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let queries = list(input, "MetricDataQueries");
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err(invalid("MetricDataQueries must hold 1 to 500 queries."));
    }
    let moment = |name: &str| {
        let at = input.get(name).and_then(Value::as_f64);
        at.map(whole).ok_or_else(|| missing(name))
    };
    let (from, to) = (moment("StartTime")?, moment("EndTime")?);
    if from >= to {
        return Err(invalid("StartTime must be less than EndTime."));
    }
    let descending = text(input, "ScanBy") != Some("TimestampAscending");
    let most = input.get("MaxDatapoints").and_then(Value::as_u64);
    let most = usize::try_from(most.unwrap_or(MOST_POINTS).min(MOST_POINTS)).unwrap_or(usize::MAX);
    let skipped = match text(input, "NextToken") {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| {
            ApiError::new("InvalidNextToken", "The specified nextToken is invalid.")
        })?,
    };
    let (mut results, mut before) = (Vec::new(), 0);
    for query in queries {
        let asked = asked(query)?;
        let mut points = answer(ctx, &asked, from, to);
        if descending {
            points.reverse();
        }
        let skip = skipped.saturating_sub(before).min(points.len());
        let room = (skipped + most).saturating_sub(before).min(points.len());
        before += points.len();
        let part = points.get(skip..room).unwrap_or_default();
        let times: Vec<i64> = part.iter().map(|(at, _)| *at).collect();
        let values: Vec<f64> = part.iter().map(|(_, value)| *value).collect();
        let status = if room < points.len() {
            "PartialData"
        } else {
            "Complete"
        };
        results.push(json!({
            "Id": asked.id, "Label": asked.metric, "Timestamps": times, "Values": values,
            "StatusCode": status,
        }));
    }
    let mut told = json!({"MetricDataResults": results, "Messages": []});
    if before > skipped + most {
        told["NextToken"] = Value::from((skipped + most).to_string());
    }
    Ok(told)
}

fn asked(query: &Value) -> ApiResult<Asked<'_>> {
    let id = text(query, "Id").ok_or_else(|| missing("Id"))?;
    let stat = query.get("MetricStat").filter(|stat| stat.is_object());
    let stat = stat.ok_or_else(|| ApiError::unsupported("the sandbox computes no expressions"))?;
    let metric = stat.get("Metric").unwrap_or(&Value::Null);
    let period = stat.get("Period").and_then(Value::as_i64);
    let period = period
        .filter(|period| *period > 0)
        .ok_or_else(|| missing("Period"))?;
    let dimensions = list(metric, "Dimensions")
        .iter()
        .filter_map(|one| {
            Some((
                text(one, "Name")?.to_owned(),
                text(one, "Value")?.to_owned(),
            ))
        })
        .collect();
    Ok(Asked {
        id,
        namespace: text(metric, "Namespace").ok_or_else(|| missing("Namespace"))?,
        metric: text(metric, "MetricName").ok_or_else(|| missing("MetricName"))?,
        dimensions,
        stat: text(stat, "Stat").ok_or_else(|| missing("Stat"))?,
        period,
    })
}

/// The points in the order of time; a metric of other dimensions is another metric.
fn answer(ctx: &Ctx<'_>, asked: &Asked<'_>, from: i64, to: i64) -> Vec<(i64, f64)> {
    let of_region = ctx.metrics.iter().filter(|one| one.region == ctx.region);
    let instance = asked.dimensions.get("InstanceId");
    let published: Vec<&Published> = of_region
        .filter(|one| one.dimensions.get("InstanceId") == instance)
        .collect();
    if !published.is_empty() {
        let ours = published.into_iter().filter(|one| {
            one.namespace == asked.namespace
                && one.metric == asked.metric
                && one.dimensions == asked.dimensions
        });
        return gathered(ours, asked, from, to);
    }
    let machine = instance.and_then(|id| ctx.store.get::<Instance>(id));
    let Some(machine) = machine.filter(|machine| machine.phase == Phase::Running) else {
        return Vec::new();
    };
    let gpu = asked.dimensions.get("Gpu").and_then(|gpu| gpu.parse().ok());
    let now = ctx.now.as_second();
    play::points(
        &machine.id,
        asked.metric,
        gpu,
        asked.period,
        (from, to.min(now)),
    )
}

/// Statistic sets put together, period by period.
fn gathered<'p>(
    published: impl Iterator<Item = &'p Published>,
    asked: &Asked<'_>,
    from: i64,
    to: i64,
) -> Vec<(i64, f64)> {
    let mut periods: BTreeMap<i64, Published> = BTreeMap::new();
    for one in published {
        let at = whole(one.at);
        if !(from..to).contains(&at) {
            continue;
        }
        periods
            .entry(at - at.rem_euclid(asked.period))
            .and_modify(|sum| {
                sum.count += one.count;
                sum.sum += one.sum;
                sum.minimum = sum.minimum.min(one.minimum);
                sum.maximum = sum.maximum.max(one.maximum);
            })
            .or_insert_with(|| one.clone());
    }
    let value = |one: &Published| match asked.stat {
        "Sum" => one.sum,
        "Minimum" => one.minimum,
        "Maximum" => one.maximum,
        "SampleCount" => one.count,
        _ => one.sum / one.count,
    };
    periods.iter().map(|(at, one)| (*at, value(one))).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit, and parts of a second do not matter"
)]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}
