//! What machines have published, read back.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};

use crate::aws::classify::failed;
use crate::model::{Failure, MetricPoints, MetricQuery};

/// The most questions of one call (CloudWatch API Reference, GetMetricData: 500).
const MOST_QUERIES: usize = 500;

/// The means of each period between two moments, for each question.
pub(in crate::aws) async fn read(
    cloudwatch: &Client,
    queries: &[MetricQuery],
    (from, to): (i64, i64),
    period_s: u32,
) -> Result<Vec<MetricPoints>, Failure> {
    let mut answers = Vec::with_capacity(queries.len());
    for part in queries.chunks(MOST_QUERIES) {
        let asked: Vec<MetricDataQuery> = part
            .iter()
            .enumerate()
            .map(|(place, query)| question(place, query, period_s))
            .collect();
        let mut found: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
        let mut token = None;
        loop {
            let page = cloudwatch
                .get_metric_data()
                .set_metric_data_queries(Some(asked.clone()))
                .start_time(DateTime::from_secs(from))
                .end_time(DateTime::from_secs(to))
                .scan_by(ScanBy::TimestampAscending)
                .set_next_token(token)
                .send()
                .await
                .map_err(failed("GetMetricData"))?;
            for result in page.metric_data_results() {
                let points = found.entry(result.id().unwrap_or_default().to_owned());
                let times = result.timestamps().iter().map(DateTime::secs);
                points
                    .or_default()
                    .extend(times.zip(result.values().iter().copied()));
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        answers.extend((0..part.len()).map(|place| {
            let points = found.remove(&id(place)).unwrap_or_default();
            points.into_iter().collect()
        }));
    }
    Ok(answers)
}

/// An id must begin with a small letter.
fn id(place: usize) -> String {
    format!("q{place}")
}

fn question(place: usize, query: &MetricQuery, period_s: u32) -> MetricDataQuery {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let gpu = query.gpu.map(|gpu| dimension("Gpu", &gpu.to_string()));
    let dimensions = [
        dimension("InstanceId", query.instance.as_str()),
        dimension("Lab", &query.lab),
        dimension("Node", &query.label),
    ];
    let metric = Metric::builder()
        .namespace(&query.namespace)
        .metric_name(query.metric.name())
        .set_dimensions(Some(dimensions.into_iter().chain(gpu).collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(i32::try_from(period_s).unwrap_or(i32::MAX))
        .stat("Average")
        .build();
    MetricDataQuery::builder()
        .id(id(place))
        .metric_stat(stat)
        .return_data(true)
        .build()
}
