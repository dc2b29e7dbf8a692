//! Axes: where they end, and how their numbers are written.

use jiff::Timestamp;

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `most`; 1 at least.
pub(super) fn nice(most: f64) -> f64 {
    let most = most.max(1.0);
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let fits = |step: &&f64| **step * power >= most - 1e-9;
    steps.iter().find(fits).copied().unwrap_or(10.0) * power
}

/// A value with its unit: `82 %`, `1.2 MB/s`, `0.4`.
pub(super) fn amount(value: f64, unit: &str) -> String {
    let (value, prefix) = if unit == "B/s" {
        prefixed(value)
    } else {
        (value, "")
    };
    let whole = value.abs() >= 9.95 || (value - value.round()).abs() < 0.05;
    let number = if whole {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    };
    if unit.is_empty() {
        number
    } else {
        format!("{number} {prefix}{unit}")
    }
}

fn prefixed(value: f64) -> (f64, &'static str) {
    let steps = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let step = steps.iter().find(|(size, _)| value.abs() >= *size);
    step.map_or((value, ""), |(size, prefix)| (value / size, prefix))
}

/// A moment as the time of day; with the day where what is shown is longer than one.
pub(super) fn moment(at: i64, span_s: i64) -> String {
    let format = if span_s > 86_400 {
        "%a %d %H:%M"
    } else {
        "%H:%M"
    };
    written(at, format)
}

/// A moment as it stands in a heading.
pub(super) fn date_and_time(at: i64) -> String {
    written(at, "%Y-%m-%d %H:%M")
}

fn written(at: i64, format: &str) -> String {
    Timestamp::from_second(at).map_or_else(|_| "?".to_owned(), |at| at.strftime(format).to_string())
}

/// The length of a period.
pub(super) fn length(seconds: u32) -> String {
    let counted = |count: u32, one: &str| match count {
        1 => format!("a {one}"),
        count => format!("{count} {one}s"),
    };
    match seconds {
        3600 => "an hour".to_owned(),
        s if s % 3600 == 0 => counted(s / 3600, "hour"),
        s if s % 60 == 0 => counted(s / 60, "minute"),
        s => counted(s, "second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers_and_cut_nothing_off() {
        for (most, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (63.0, 100.0),
            (100.0, 100.0),
            (207.0, 250.0),
            (2_600_000.0, 5_000_000.0),
        ] {
            assert!((nice(most) - top).abs() < 1e-6, "{most}: {}", nice(most));
        }
    }

    #[test]
    fn amounts_are_short() {
        for (value, unit, text) in [
            (81.7, "%", "82 %"),
            (0.42, "", "0.4"),
            (0.0, "%", "0 %"),
            (1_240_000.0, "B/s", "1.2 MB/s"),
            (999.0, "B/s", "999 B/s"),
            (71.3, "°C", "71 °C"),
        ] {
            assert_eq!(amount(value, unit), text);
        }
    }
}
