//! `[metrics]`, `[idle]`, `[schedule]`, `[budget]`, `[state]` and `[[moved]]`.

use super::formats::{ADDRESS, BUCKET, DURATION, NAMESPACE, PREFIX, TIME, TIMEZONE};
use crate::profile::shape::{Section, Shape, key};

pub(super) static METRICS: Section = Section {
    path: "metrics",
    doc: "GPU metrics, published to CloudWatch by an agent on each host.",
    keys: &[
        key(
            "namespace",
            Shape::Text(NAMESPACE),
            "\"DigitalTwin\"",
            "The CloudWatch namespace.",
        )
        .default("\"roboinfra\""),
        key(
            "interval_s",
            Shape::Whole(10, 3600),
            "60",
            "How often, in seconds, 10 to 3600.",
        )
        .default("60")
        .aka(&["interval"]),
        key(
            "alarms",
            Shape::Flag,
            "false",
            "Whether each machine gets alarms in CloudWatch: GPU missing, GPU hot, GPU memory nearly full, agent silent, idle.",
        )
        .default("true")
        .aka(&["alarm"]),
        key(
            "dashboard",
            Shape::Flag,
            "false",
            "Whether the lab gets a dashboard in CloudWatch.",
        )
        .default("true"),
        key(
            "gpu_hot_celsius",
            Shape::Whole(40, 110),
            "80",
            "The alarm on a hot GPU rings after ten minutes at this many degrees Celsius, 40 to 110.",
        )
        .default("85"),
        key(
            "gpu_memory_percent",
            Shape::Whole(10, 100),
            "90",
            "The alarm on GPU memory rings after 15 minutes at this much of it, 10 to 100.",
        )
        .default("95"),
    ],
};

pub(super) static IDLE: Section = Section {
    path: "idle",
    doc: "What happens to a machine whose GPUs do nothing. The host itself sees to it, with your laptop off.",
    keys: &[
        key(
            "gpu_below_percent",
            Shape::Whole(1, 100),
            "5",
            "GPU use below this is idle, 1 to 100.",
        )
        .default("5"),
        key(
            "for",
            Shape::Text(DURATION),
            "\"45m\"",
            "For how long, 1m to 7d.",
        )
        .required()
        .aka(&["after", "duration"]),
        key(
            "then",
            Shape::Words(&["stop", "terminate", "notify"]),
            "\"stop\"",
            "What happens then.",
        )
        .default("\"stop\"")
        .aka(&["action"]),
    ],
};

pub(super) static SCHEDULE: Section = Section {
    path: "schedule",
    doc: "When the lab runs.",
    keys: &[
        key(
            "timezone",
            Shape::Text(TIMEZONE),
            "\"Europe/Berlin\"",
            "The IANA time zone of `start` and `stop`.",
        )
        .default("\"UTC\"")
        .aka(&["tz"]),
        key(
            "start",
            Shape::Text(TIME),
            "\"Mon-Fri 08:00\"",
            "When it starts: days, then a time. Days are `daily`, `Mon`, `Mon-Fri` or `Mon,Wed,Fri`.",
        ),
        key(
            "stop",
            Shape::Text(TIME),
            "\"daily 20:00\"",
            "When it stops.",
        ),
        key(
            "ttl",
            Shape::Text(DURATION),
            "\"12h\"",
            "A hard lease, 5m to 90d: when it is over the lab stops, whatever happens.",
        )
        .aka(&["lease", "max_age"]),
    ],
};

pub(super) static BUDGET: Section = Section {
    path: "budget",
    doc: "What the lab may cost.",
    keys: &[key(
        "max_hourly_usd",
        Shape::Number(0.01, 100_000.0),
        "5.0",
        "The most that the lab may cost per hour, in USD, by the estimate of the plan.",
    )
    .required()
    .aka(&["max_hourly", "hourly"])],
};

pub(super) static STATE: Section = Section {
    path: "state",
    doc: "Where the state is kept for CI and colleagues. Without it, it is the lockfile beside the profile.",
    keys: &[
        key(
            "bucket",
            Shape::Text(BUCKET),
            "\"my-state\"",
            "The S3 bucket. `roboinfra init --state-bucket NAME` makes one.",
        )
        .required(),
        key(
            "prefix",
            Shape::Text(PREFIX),
            "\"team-a/\"",
            "What stands before `roboinfra/NAME/` in the keys of the lab's objects, where labs of one name share a bucket.",
        ),
    ],
};

pub(super) static MOVED: Section = Section {
    path: "moved",
    doc: "A node that has another name now keeps its machines. Leave it in for as long as a lab with the old \
          name may exist.",
    keys: &[
        key(
            "from",
            Shape::Text(ADDRESS),
            "\"node.simulator\"",
            "The old address.",
        )
        .required(),
        key(
            "to",
            Shape::Text(ADDRESS),
            "\"node.sim\"",
            "The new address.",
        )
        .required(),
    ],
};
