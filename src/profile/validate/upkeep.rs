//! `[metrics]`, `[idle]`, `[schedule]`, `[budget]` and `[state]`.

use std::time::Duration;

use crate::model::Usd;
use crate::profile::codes::{
    BAD_BUCKET, BAD_DURATION, BAD_NAMESPACE, BAD_TIME, BAD_TIMEZONE, MISSING_KEY,
};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::text;
use crate::profile::types::{Budget, GpuAction, Idle, Metrics, Schedule, StateStore, Weekly};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

#[derive(Default)]
pub(super) struct Upkeep {
    pub(super) metrics: Option<Metrics>,
    pub(super) idle: Option<Idle>,
    pub(super) schedule: Option<Schedule>,
    pub(super) budget: Option<Budget>,
    pub(super) state: Option<StateStore>,
}

pub(super) fn upkeep(root: &Fields<'_>, problems: &mut Problems) -> Upkeep {
    Upkeep {
        metrics: root
            .section("metrics")
            .map(|fields| metrics(&fields, problems)),
        idle: root
            .section("idle")
            .and_then(|fields| idle(&fields, problems)),
        schedule: root
            .section("schedule")
            .map(|fields| schedule(&fields, problems)),
        budget: root.section("budget").and_then(|fields| budget(&fields)),
        state: root
            .section("state")
            .and_then(|fields| state(&fields, problems)),
    }
}

fn metrics(fields: &Fields<'_>, problems: &mut Problems) -> Metrics {
    let namespace = fields.text("namespace");
    let good = |text: &str| {
        (1..=255).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-/#:".contains(&b))
            && !text.starts_with(':')
            && !text.to_ascii_uppercase().starts_with("AWS/")
    };
    if let Some(at) = namespace.as_ref().filter(|at| !good(at.value)) {
        problems
            .add(
                BAD_NAMESPACE,
                &at.span,
                format!("{} cannot be a CloudWatch namespace", quote(at.value)),
            )
            .says("not a namespace")
            .advise("letters, digits and . _ - / #, not beginning with AWS/");
    }
    Metrics {
        namespace: namespace.map_or("roboinfra", |at| at.value).to_owned(),
        interval_s: fields.whole("interval_s").map_or(60, |at| at.value),
        alarms: fields.flag_or("alarms", true),
        dashboard: fields.flag_or("dashboard", true),
        gpu_hot_celsius: fields.whole("gpu_hot_celsius").map_or(85, |at| at.value),
        gpu_memory_percent: fields.whole("gpu_memory_percent").map_or(95, |at| at.value),
    }
}

fn idle(fields: &Fields<'_>, problems: &mut Problems) -> Option<Idle> {
    let at = fields.text("for")?;
    let duration = duration(&at, MINUTE..=7 * DAY, "1m to 7d", problems)?;
    let then = match fields.text("then").map(|at| at.value) {
        Some("terminate") => GpuAction::Terminate,
        Some("notify") => GpuAction::Notify,
        _ => GpuAction::Stop,
    };
    let gpu_below_percent = fields.whole("gpu_below_percent").map_or(5, |at| at.value);
    Some(Idle {
        gpu_below_percent,
        duration,
        then,
    })
}

fn duration(
    at: &At<&str>,
    range: std::ops::RangeInclusive<u64>,
    shown: &str,
    problems: &mut Problems,
) -> Option<Duration> {
    let found = text::duration(at.value);
    let (message, label) = match found {
        Some(duration) if range.contains(&duration.as_secs()) => return found,
        Some(duration) if duration.as_secs() < *range.start() => {
            (format!("{} is too short", quote(at.value)), "too short")
        }
        Some(_) => (format!("{} is too long", quote(at.value)), "too long"),
        None => (
            format!("{} is not a duration", quote(at.value)),
            "not a duration",
        ),
    };
    problems
        .add(BAD_DURATION, &at.span, message)
        .says(label)
        .advise(format!(
            "from {shown}, written like `45m`, `12h` or `1h30m`"
        ));
    None
}

fn schedule(fields: &Fields<'_>, problems: &mut Problems) -> Schedule {
    let start = fields.text("start");
    let stop = fields.text("stop");
    let ttl = fields.text("ttl");
    if start.is_none() && stop.is_none() && ttl.is_none() {
        problems
            .add(
                MISSING_KEY,
                &fields.span,
                "[schedule] needs `start`, `stop` or `ttl`",
            )
            .says("says nothing")
            .advise("for example: stop = \"daily 20:00\"");
    }
    Schedule {
        timezone: timezone(fields, problems),
        start: start.and_then(|at| time(&at, problems)),
        stop: stop.and_then(|at| time(&at, problems)),
        ttl: ttl.and_then(|at| duration(&at, 5 * MINUTE..=90 * DAY, "5m to 90d", problems)),
    }
}

fn timezone(fields: &Fields<'_>, problems: &mut Problems) -> String {
    let Some(at) = fields.text("timezone") else {
        return "UTC".to_owned();
    };
    if !text::timezones().any(|zone| zone == at.value) {
        let near = text::timezone_like(at.value).map(|zone| format!("did you mean `{zone}`?"));
        problems
            .add(
                BAD_TIMEZONE,
                &at.span,
                format!("{} is not a time zone", quote(at.value)),
            )
            .says("not an IANA time zone")
            .advise(near.unwrap_or_else(|| "written like `Europe/Berlin`, or `UTC`".to_owned()));
    }
    at.value.to_owned()
}

fn time(at: &At<&str>, problems: &mut Problems) -> Option<Weekly> {
    let found = text::weekly(at.value);
    if found.is_none() {
        problems
            .add(
                BAD_TIME,
                &at.span,
                format!("{} is not a time of the week", quote(at.value)),
            )
            .says("not days and a time")
            .advise("written like `Mon-Fri 08:00`, `daily 20:00` or `Mon,Wed 07:30`");
    }
    found
}

fn budget(fields: &Fields<'_>) -> Option<Budget> {
    let at = fields.number("max_hourly_usd")?;
    Some(Budget {
        max_hourly: Usd::from_dollars(at.value),
    })
}

/// Only characters that need no quoting in a key (User Guide of S3, "Safe characters").
fn prefix(fields: &Fields<'_>, problems: &mut Problems) -> Option<String> {
    let at = fields.text("prefix")?;
    let safe = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()/".contains(c);
    let parts = || at.value.trim_end_matches('/').split('/');
    let good = at.value.len() <= 200
        && at.value.chars().all(safe)
        && parts().all(|part| !matches!(part, "" | "." | ".."));
    if !good {
        problems
            .add(
                BAD_BUCKET,
                &at.span,
                format!("{} cannot stand before a key", quote(at.value)),
            )
            .says("not a prefix")
            .advise("words of letters, digits, hyphens, dots and underscores, with slashes between them");
    }
    Some(at.value.to_owned())
}

fn state(fields: &Fields<'_>, problems: &mut Problems) -> Option<StateStore> {
    let at = fields.text("bucket")?;
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = (3..=63).contains(&at.value.len())
        && at.value.starts_with(edge)
        && at.value.ends_with(edge)
        && at.value.chars().all(|c| edge(c) || c == '-' || c == '.')
        && !at.value.contains("..")
        && at.value.parse::<core::net::Ipv4Addr>().is_err();
    if !good {
        problems
            .add(
                BAD_BUCKET,
                &at.span,
                format!("{} cannot be an S3 bucket", quote(at.value)),
            )
            .says("not a bucket")
            .advise("its name alone: 3 to 63 small letters, digits, hyphens and dots");
    }
    Some(StateStore {
        bucket: at.value.to_owned(),
        prefix: prefix(fields, problems).unwrap_or_default(),
    })
}
