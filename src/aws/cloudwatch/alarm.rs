//! Alarms on metrics.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, Statistic, Tag,
};

use crate::aws::answer::{Done, born, done, ids};
use crate::aws::classify::failed;
use crate::aws::sight::moment;
use crate::inventory::{Owner, Seen, SeenAlarm, Sighting};
use crate::model::{
    AlarmActions, AlarmParts, AlarmSpec, Bound, CloudId, Failure, FailureClass, MISSING_DATA, Ref,
    SILENT_EXPRESSION, Stamp, TAG_ADDRESS, TAG_LAB, TAG_LAB_ID, TAG_MANAGED, TAG_RUN, Tags,
    WatchNames, described_tags, is_let_go, settings,
};

/// The most that one page holds (CloudWatch API Reference, DescribeAlarms: 100).
const PAGE: i32 = 100;
const INSTANCE: &str = "InstanceId";
/// EC2's own metric, published every minute while a machine runs.
const EC2: &str = "AWS/EC2";
const STATUS_CHECK: &str = "StatusCheckFailed";
/// The names of the parts of an alarm over an expression.
const UP: &str = "up";
const BEATS: &str = "beats";

/// All alarms of the lab, found by what their names begin with.
pub(in crate::aws) async fn read(
    cloudwatch: &Client,
    names: &WatchNames,
) -> Result<Vec<Sighting>, Failure> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = cloudwatch
            .describe_alarms()
            .alarm_name_prefix(names.alarms())
            .max_records(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(failed("DescribeAlarms"))?;
        let alarms = page.metric_alarms.unwrap_or_default();
        found.extend(alarms.iter().filter_map(|alarm| sighting(alarm, names)));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// One of the lab's alarms. Its name tells whose it is, unless the lab has let go of it; of the run that made it nothing
/// does.
fn sighting(alarm: &MetricAlarm, names: &WatchNames) -> Option<Sighting> {
    let name = alarm.alarm_name()?;
    let address = names.address_of(name)?;
    let owner = if is_let_go(alarm.alarm_description().unwrap_or_default()) {
        Owner::Foreign
    } else {
        Owner::Lab {
            name: names.lab.to_string(),
            id: names.id.clone(),
            address: Some(address),
            run: Some(String::new()),
        }
    };
    Some(Sighting {
        id: CloudId::new(name),
        owner,
        tags: Tags::new(),
        created: alarm
            .alarm_configuration_updated_timestamp()
            .and_then(moment),
        seen: Seen::Alarm(seen(alarm)),
    })
}

fn seen(alarm: &MetricAlarm) -> SeenAlarm {
    let texts = |list: &[String]| list.to_vec();
    let query = |id: &str| {
        let found = alarm.metrics().iter().find(|query| query.id() == Some(id));
        found.and_then(MetricDataQuery::metric_stat)
    };
    let metric = query(BEATS).and_then(MetricStat::metric);
    let over_metric = metric.is_none();
    let dimensions = metric.map_or(alarm.dimensions(), Metric::dimensions);
    let of = |name: &str| dimension(dimensions, name);
    let up = query(UP).and_then(MetricStat::metric);
    // An alarm that asks EC2 about another machine than the one it listens to watches neither.
    let same = up.is_none_or(|up| dimension(up.dimensions(), INSTANCE) == of(INSTANCE));
    let asks_ec2 =
        up.is_some_and(|up| up.namespace() == Some(EC2) && up.metric_name() == Some(STATUS_CHECK));
    let statistic = if over_metric {
        alarm.statistic().map(Statistic::as_str)
    } else {
        query(BEATS).and_then(MetricStat::stat)
    };
    let period = if over_metric {
        alarm.period()
    } else {
        query(BEATS).and_then(MetricStat::period)
    };
    let mut queries = alarm.metrics().iter();
    let expression = queries.find_map(MetricDataQuery::expression);
    let number = |value: Option<i32>| value.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let periods = number(alarm.evaluation_periods());
    let all_of_them = alarm
        .datapoints_to_alarm()
        .is_none_or(|n| number(Some(n)) == periods);
    let description = alarm.alarm_description().unwrap_or_default();
    let parts = AlarmParts {
        namespace: metric
            .map_or(alarm.namespace(), Metric::namespace)
            .unwrap_or("-"),
        metric: metric
            .map_or(alarm.metric_name(), Metric::metric_name)
            .unwrap_or("-"),
        lab: of("Lab"),
        label: of("Node"),
        statistic: statistic.unwrap_or("-"),
        bound: bound(alarm),
        period_s: number(period),
        periods: if all_of_them { periods } else { 0 },
        missing: alarm.treat_missing_data().unwrap_or(MISSING_DATA),
        expression,
        asks_ec2,
        kept: !is_let_go(description),
        tags: described_tags(description),
    };
    SeenAlarm {
        arn: alarm.alarm_arn().unwrap_or_default().to_owned(),
        instance: of(INSTANCE).filter(|_| same).map(CloudId::new),
        settings: settings(&parts),
        actions: AlarmActions {
            enabled: alarm.actions_enabled().unwrap_or(true),
            ok: texts(alarm.ok_actions()),
            alarm: texts(alarm.alarm_actions()),
            no_data: texts(alarm.insufficient_data_actions()),
        },
    }
}

fn dimension<'a>(dimensions: &'a [Dimension], name: &str) -> Option<&'a str> {
    let found = dimensions.iter().find(|one| one.name() == Some(name))?;
    found.value()
}

/// The threshold in our words, or in CloudWatch's where it is none of ours.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only what is a whole number in range is cast"
)]
fn bound(alarm: &MetricAlarm) -> String {
    let threshold = alarm.threshold().unwrap_or(f64::NAN);
    let whole = (0.0..f64::from(u32::MAX)).contains(&threshold) && threshold.fract() == 0.0;
    match alarm.comparison_operator() {
        Some(ComparisonOperator::GreaterThanOrEqualToThreshold) if whole => {
            Bound::AtLeast(threshold as u32).to_string()
        }
        Some(ComparisonOperator::LessThanThreshold) if whole => {
            Bound::Below(threshold as u32).to_string()
        }
        other => {
            let operator = other.map_or("-", ComparisonOperator::as_str);
            format!("{operator} {threshold}")
        }
    }
}

/// Makes an alarm, or gives it all its settings anew: CloudWatch has one call for both. Tags count only for the first.
pub(in crate::aws) async fn put(
    cloudwatch: &Client,
    alarm: &AlarmSpec,
    actions: &AlarmActions,
    stamp: Option<&Stamp>,
) -> Done {
    let instance = crate::aws::answer::id(&alarm.node, "PutMetricAlarm")?;
    let (comparison, threshold) = match alarm.bound {
        Bound::AtLeast(threshold) => (ComparisonOperator::GreaterThanOrEqualToThreshold, threshold),
        Bound::Below(threshold) => (ComparisonOperator::LessThanThreshold, threshold),
    };
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let dimensions = [
        (INSTANCE, instance),
        ("Lab", &alarm.lab),
        ("Node", &alarm.label),
    ]
    .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let call = cloudwatch
        .put_metric_alarm()
        .alarm_name(&alarm.name)
        .alarm_description(alarm.description())
        .actions_enabled(actions.enabled)
        .set_ok_actions(some(&actions.ok))
        .set_alarm_actions(some(&actions.alarm))
        .set_insufficient_data_actions(some(&actions.no_data))
        .comparison_operator(comparison)
        .threshold(f64::from(threshold))
        .evaluation_periods(number(alarm.periods))
        .treat_missing_data(MISSING_DATA)
        .set_tags(stamp.map(|stamp| tags(&stamp.tags)));
    let call = if alarm.asks_ec2() {
        call.set_metrics(Some(over_expression(alarm, instance, dimensions.to_vec())))
    } else {
        call.namespace(&alarm.namespace)
            .metric_name(alarm.metric.name())
            .set_dimensions(Some(dimensions.to_vec()))
            .statistic(Statistic::from(alarm.statistic.as_str()))
            .period(number(alarm.period_s))
    };
    call.send().await.map_err(failed("PutMetricAlarm"))?;
    Ok(match stamp {
        Some(_) => born(&alarm.name, None),
        None => done(),
    })
}

/// The heartbeat, EC2's status check, and what the two come to.
fn over_expression(
    alarm: &AlarmSpec,
    instance: &str,
    dimensions: Vec<Dimension>,
) -> Vec<MetricDataQuery> {
    let period = i32::try_from(alarm.period_s).unwrap_or(i32::MAX);
    let stat = |namespace: &str, name: &str, dimensions: Vec<Dimension>, stat: &str| {
        let metric = Metric::builder()
            .namespace(namespace)
            .metric_name(name)
            .set_dimensions(Some(dimensions))
            .build();
        MetricStat::builder()
            .metric(metric)
            .period(period)
            .stat(stat)
            .build()
    };
    let machine = Dimension::builder().name(INSTANCE).value(instance).build();
    let up = stat(EC2, STATUS_CHECK, vec![machine], "SampleCount");
    let name = alarm.metric.name();
    let beats = stat(&alarm.namespace, name, dimensions, alarm.statistic.as_str());
    let query = |id: &str| MetricDataQuery::builder().id(id);
    vec![
        query("heard")
            .expression(SILENT_EXPRESSION)
            .label("heard")
            .return_data(true)
            .build(),
        query(UP).metric_stat(up).return_data(false).build(),
        query(BEATS).metric_stat(beats).return_data(false).build(),
    ]
}

fn tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Gives alarms tags. They are named by their ARNs, each in a call of its own.
pub(in crate::aws) async fn tag(cloudwatch: &Client, alarms: &[Ref], wanted: &Tags) -> Done {
    for arn in ids(alarms, "TagResource")? {
        let call = cloudwatch.tag_resource().resource_arn(arn);
        let call = call.set_tags(Some(tags(wanted)));
        call.send().await.map_err(failed("TagResource"))?;
    }
    Ok(done())
}

/// Takes tags off alarms.
pub(in crate::aws) async fn untag(
    cloudwatch: &Client,
    alarms: &[Ref],
    keys: &BTreeSet<String>,
) -> Done {
    for arn in ids(alarms, "UntagResource")? {
        let call = cloudwatch.untag_resource().resource_arn(arn);
        let call = call.set_tag_keys(Some(keys.iter().cloned().collect()));
        call.send().await.map_err(failed("UntagResource"))?;
    }
    Ok(done())
}

/// Lets go of an alarm: it stays as it is, and says that it is the lab's no more. Its name still begins as the lab's do.
pub(in crate::aws) async fn let_go(cloudwatch: &Client, name: &str) -> Done {
    let call = cloudwatch.describe_alarms().alarm_names(name);
    let page = call.send().await.map_err(failed("DescribeAlarms"))?;
    let Some(alarm) = page.metric_alarms.unwrap_or_default().into_iter().next() else {
        return Ok(done());
    };
    let keys = [TAG_LAB, TAG_LAB_ID, TAG_ADDRESS, TAG_MANAGED, TAG_RUN].map(str::to_owned);
    if let Some(arn) = alarm.alarm_arn() {
        untag(
            cloudwatch,
            &[Ref::Existing(CloudId::new(arn))],
            &keys.into(),
        )
        .await?;
    }
    let description = crate::model::let_go(alarm.alarm_description().unwrap_or_default());
    cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .alarm_description(description)
        .set_actions_enabled(alarm.actions_enabled)
        .set_ok_actions(alarm.ok_actions)
        .set_alarm_actions(alarm.alarm_actions)
        .set_insufficient_data_actions(alarm.insufficient_data_actions)
        .set_metric_name(alarm.metric_name)
        .set_namespace(alarm.namespace)
        .set_statistic(alarm.statistic)
        .set_extended_statistic(alarm.extended_statistic)
        .set_dimensions(alarm.dimensions)
        .set_period(alarm.period)
        .set_unit(alarm.unit)
        .set_evaluation_periods(alarm.evaluation_periods)
        .set_datapoints_to_alarm(alarm.datapoints_to_alarm)
        .set_threshold(alarm.threshold)
        .set_comparison_operator(alarm.comparison_operator)
        .set_treat_missing_data(alarm.treat_missing_data)
        .set_evaluate_low_sample_count_percentile(alarm.evaluate_low_sample_count_percentile)
        .set_metrics(alarm.metrics)
        .set_threshold_metric_id(alarm.threshold_metric_id)
        .send()
        .await
        .map_err(failed("PutMetricAlarm"))?;
    Ok(done())
}

/// Deletes alarms. One that does not exist keeps CloudWatch from deleting any, so then each goes by itself.
pub(in crate::aws) async fn delete(cloudwatch: &Client, alarms: &[Ref]) -> Done {
    let names = ids(alarms, "DeleteAlarms")?;
    let several = names.len() > 1;
    match delete_named(cloudwatch, names.clone()).await {
        Err(failure) if failure.class == FailureClass::NotFound && several => {
            for name in names.into_iter().collect::<BTreeSet<_>>() {
                gone(delete_named(cloudwatch, vec![name]).await)?;
            }
            Ok(done())
        }
        answer => gone(answer),
    }
}

fn gone(answer: Result<(), Failure>) -> Done {
    crate::aws::answer::gone(answer)
}

async fn delete_named(cloudwatch: &Client, names: Vec<String>) -> Result<(), Failure> {
    let call = cloudwatch.delete_alarms().set_alarm_names(Some(names));
    let answer = call.send().await.map_err(failed("DeleteAlarms"));
    answer.map(drop)
}
