//! What machines publish. It is kept as long as the sandbox lives.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::context::Ctx;
use super::super::published::Published;
use super::super::wire::{ApiError, ApiResult};
use super::query::{missing, text};

/// The most that one call may hold (CloudWatch API Reference, PutMetricData: 1000 metrics).
const MOST_METRICS: usize = 1000;
/// CloudWatch API Reference, MetricDatum: dimensions.
const MOST_DIMENSIONS: usize = 30;
/// CloudWatch API Reference, MetricDatum: values.
const MOST_VALUES: usize = 150;
/// CloudWatch API Reference, MetricDatum: a timestamp may be two weeks old, and two hours ahead.
const OLDEST_S: f64 = 14.0 * 86_400.0;
const NEWEST_S: f64 = 2.0 * 3600.0;

/// A call is taken whole or not at all.
pub(super) fn put(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let namespace = text(input, "Namespace").ok_or_else(|| missing("Namespace"))?;
    if namespace.starts_with("AWS/") || namespace.len() > 255 {
        return Err(ApiError::invalid(
            "The value AWS/ for parameter Namespace is invalid.",
        ));
    }
    let data = input.get("MetricData").and_then(Value::as_array);
    let data = data
        .filter(|data| !data.is_empty())
        .ok_or_else(|| missing("MetricData"))?;
    if data.len() > MOST_METRICS {
        return Err(ApiError::invalid(
            "The collection MetricData must not have a size greater than 1000.",
        ));
    }
    let now = ctx.now.as_second();
    let published: Vec<Published> = data
        .iter()
        .map(|datum| read(datum, namespace, ctx.region, now))
        .collect::<ApiResult<_>>()?;
    ctx.metrics.extend(published);
    Ok(Value::Object(serde_json::Map::new()))
}

fn read(datum: &Value, namespace: &str, region: &str, now: i64) -> ApiResult<Published> {
    let metric =
        text(datum, "MetricName").ok_or_else(|| missing("MetricData.member.N.MetricName"))?;
    let (count, sum, minimum, maximum) = numbers(datum)?;
    let now = number_of(now);
    let at = datum
        .get("Timestamp")
        .and_then(Value::as_f64)
        .unwrap_or(now);
    if at < now - OLDEST_S || at > now + NEWEST_S {
        return Err(ApiError::invalid(format!(
            "The parameter MetricData.member.N.Timestamp must specify a time within the past two weeks, not {at}."
        )));
    }
    Ok(Published {
        region: region.to_owned(),
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        dimensions: dimensions(datum)?,
        at,
        unit: text(datum, "Unit").unwrap_or("None").to_owned(),
        count,
        sum,
        minimum,
        maximum,
    })
}

fn dimensions(datum: &Value) -> ApiResult<BTreeMap<String, String>> {
    let list = datum.get("Dimensions").and_then(Value::as_array);
    let list = list.map_or(&[][..], Vec::as_slice);
    if list.len() > MOST_DIMENSIONS {
        return Err(ApiError::invalid("A metric has at most 30 dimensions."));
    }
    let mut dimensions = BTreeMap::new();
    for one in list {
        let (Some(name), Some(value)) = (text(one, "Name"), text(one, "Value")) else {
            return Err(ApiError::invalid("A dimension has a name and a value."));
        };
        if dimensions
            .insert(name.to_owned(), value.to_owned())
            .is_some()
        {
            return Err(ApiError::combination(format!(
                "The dimension {name} is there twice."
            )));
        }
    }
    Ok(dimensions)
}

/// Count, sum, minimum and maximum, in whichever of the three forms they come.
fn numbers(datum: &Value) -> ApiResult<(f64, f64, f64, f64)> {
    let forms = ["Value", "StatisticValues", "Values"].map(|name| datum.get(name));
    match forms {
        [Some(value), None, None] => {
            let value = value
                .as_f64()
                .ok_or_else(|| missing("MetricData.member.N.Value"))?;
            Ok((1.0, value, value, value))
        }
        [None, Some(set), None] => {
            let of = |name: &str| {
                set.get(name)
                    .and_then(Value::as_f64)
                    .ok_or_else(|| missing(name))
            };
            let (count, sum) = (of("SampleCount")?, of("Sum")?);
            let (minimum, maximum) = (of("Minimum")?, of("Maximum")?);
            if count <= 0.0 || minimum > maximum {
                return Err(ApiError::invalid("The statistic set contradicts itself."));
            }
            Ok((count, sum, minimum, maximum))
        }
        [None, None, Some(values)] => several(values, datum.get("Counts")),
        _ => Err(ApiError::combination(
            "A datum has either Value, or StatisticValues, or Values.",
        )),
    }
}

fn several(values: &Value, counts: Option<&Value>) -> ApiResult<(f64, f64, f64, f64)> {
    let list = |value: &Value| -> Option<Vec<f64>> {
        value.as_array()?.iter().map(Value::as_f64).collect()
    };
    let invalid = || {
        ApiError::invalid("Values and Counts are lists of up to 150 numbers of the same length.")
    };
    let values = list(values).ok_or_else(invalid)?;
    let counts = match counts {
        Some(counts) => list(counts).ok_or_else(invalid)?,
        None => vec![1.0; values.len()],
    };
    if values.is_empty() || values.len() > MOST_VALUES || counts.len() != values.len() {
        return Err(invalid());
    }
    let sum = values
        .iter()
        .zip(&counts)
        .map(|(value, count)| value * count)
        .sum();
    let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
    let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok((counts.iter().sum(), sum, minimum, maximum))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 need 31 bits"
)]
fn number_of(seconds: i64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(datum: &Value) -> ApiResult<Published> {
        read(datum, "Twin", "us-east-1", 2_000_000_000)
    }

    #[test]
    fn three_forms_of_numbers() {
        let set = json!({"SampleCount": 3, "Sum": 6, "Minimum": 1, "Maximum": 3});
        for datum in [
            json!({"MetricName": "m", "StatisticValues": set}),
            json!({"MetricName": "m", "Values": [1, 2, 3]}),
            json!({"MetricName": "m", "Values": [1, 2, 3], "Counts": [1, 1, 1]}),
        ] {
            let one = of(&datum).expect("it is taken");
            let of = format!("{} {} {} {}", one.count, one.sum, one.minimum, one.maximum);
            assert_eq!(of, "3 6 1 3");
        }
    }

    #[test]
    fn what_cloudwatch_refuses() {
        let dimension = |name: &str| json!({"Name": name, "Value": "v"});
        let many: Vec<Value> = (0..31)
            .map(|number| dimension(&number.to_string()))
            .collect();
        for datum in [
            json!({"Value": 1}),
            json!({"MetricName": "m"}),
            json!({"MetricName": "m", "Value": 1, "Values": [1]}),
            json!({"MetricName": "m", "Value": 1, "Timestamp": 1_900_000_000}),
            json!({"MetricName": "m", "Value": 1, "Timestamp": 2_000_010_000}),
            json!({"MetricName": "m", "Value": 1, "Dimensions": many}),
            json!({"MetricName": "m", "Value": 1, "Dimensions": [dimension("a"), dimension("a")]}),
            json!({"MetricName": "m", "Value": 1, "Dimensions": [{"Name": "a", "Value": ""}]}),
            json!({"MetricName": "m", "Values": vec![1; 151]}),
            json!({"MetricName": "m", "StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}}),
        ] {
            assert!(of(&datum).is_err(), "{datum}");
        }
    }
}
