//! The small notations inside texts: durations, ports, times of the week.

use std::time::Duration;

use jiff::tz::TimeZoneDatabase;

use super::types::{Weekday, Weekly};
use crate::model::PortRange;

/// `45m`, `1h30m`, `7d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        let count: u64 = digits.parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// `22` or `7400-7500`.
pub(super) fn ports(text: &str) -> Option<PortRange> {
    let port = |text: &str| -> Option<u16> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        plain
            .then(|| text.parse().ok())
            .flatten()
            .filter(|port| *port > 0)
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let range = PortRange {
        from: port(from)?,
        to: port(to)?,
    };
    (range.from <= range.to).then_some(range)
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Mon),
    ("Tue", Weekday::Tue),
    ("Wed", Weekday::Wed),
    ("Thu", Weekday::Thu),
    ("Fri", Weekday::Fri),
    ("Sat", Weekday::Sat),
    ("Sun", Weekday::Sun),
];

/// `Mon-Fri 08:00`, `daily 20:00`, `Mon,Wed,Fri 07:30`.
pub(super) fn weekly(text: &str) -> Option<Weekly> {
    let (days, time) = text.split_once(' ')?;
    let (hour, minute) = time.split_once(':')?;
    let two_digits = |text: &str, below: u8| -> Option<u8> {
        let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        plain
            .then(|| text.parse().ok())
            .flatten()
            .filter(|n| *n < below)
    };
    let (hour, minute) = (two_digits(hour, 24)?, two_digits(minute, 60)?);
    Some(Weekly {
        days: weekdays(days)?,
        hour,
        minute,
    })
}

fn weekdays(text: &str) -> Option<Vec<Weekday>> {
    let all = DAYS.map(|(_, day)| day);
    if text == "daily" {
        return Some(all.to_vec());
    }
    let position = |name: &str| {
        DAYS.iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let mut chosen = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (position(first)?, position(last)?);
        // A range may go over the end of the week: Fri-Mon.
        let length = (last + 7 - first) % 7;
        for step in 0..=length {
            chosen[(first + step) % 7] = true;
        }
    }
    Some(
        all.into_iter()
            .zip(chosen)
            .filter(|(_, chosen)| *chosen)
            .map(|(day, _)| day)
            .collect(),
    )
}

/// The names of the IANA time zones, `UTC` and those of an area: `Europe/Berlin`, `America/Indiana/Knox`.
///
/// The list is compiled in, so that a profile means the same everywhere. Its older names without an area, such as
/// `CET`, are left out.
pub(super) fn timezones() -> impl Iterator<Item = String> {
    TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.to_string())
        .filter(|name| name == "UTC" || name.contains('/'))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The time zone that `word` most likely was meant to be: one of that place, or one that is written almost so.
pub(super) fn timezone_like(word: &str) -> Option<String> {
    let known: Vec<String> = timezones().collect();
    let place = word.rsplit('/').next().unwrap_or(word).replace(' ', "_");
    let plain = word.to_lowercase();
    let of_place = |zone: &&String| {
        let end = zone.rsplit('/').next();
        end.is_some_and(|end| end.eq_ignore_ascii_case(&place))
    };
    // Names of places are short and many: two letters off is another place.
    let almost = |zone: &&String| strsim::osa_distance(&plain, &zone.to_lowercase()) <= 1;
    let same = |zone: &&String| zone.eq_ignore_ascii_case(word);
    let found = known.iter().find(same);
    let found = found.or_else(|| known.iter().find(of_place));
    found.or_else(|| known.iter().find(almost)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("45m", 2700),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("90s", 90),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "45",
            "m",
            "45 m",
            "-5m",
            "1.5h",
            "45min",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn port_ranges() {
        assert_eq!(ports("22"), Some(PortRange { from: 22, to: 22 }));
        assert_eq!(
            ports("7400-7500"),
            Some(PortRange {
                from: 7400,
                to: 7500
            })
        );
        for bad in ["", "0", "65536", "9-8", "+22", "22-", "-22", "1-2-3", "ssh"] {
            assert_eq!(ports(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_of_the_week() {
        let days = |text: &str| weekly(text).map(|at| (at.days.len(), at.hour, at.minute));
        assert_eq!(days("Mon-Fri 08:00"), Some((5, 8, 0)));
        assert_eq!(days("daily 20:30"), Some((7, 20, 30)));
        assert_eq!(days("mon,wed,Fri 07:05"), Some((3, 7, 5)));
        assert_eq!(days("Fri-Mon 00:00"), Some((4, 0, 0)));
        for bad in [
            "",
            "Mon",
            "08:00",
            "Mon 8:00",
            "Mon 24:00",
            "Mon 12:60",
            "Fun 08:00",
            "Mon-  08:00",
            "Mon 08:00 ",
        ] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }

    #[test]
    fn time_zones() {
        for good in [
            "UTC",
            "Europe/Berlin",
            "America/Indiana/Knox",
            "Etc/GMT+3",
            "America/Port-au-Prince",
        ] {
            assert!(timezones().any(|zone| zone == good), "{good}");
        }
        for (bad, meant) in [
            ("", None),
            ("Berlin", Some("Europe/Berlin")),
            ("CET", None),
            ("Europa/Berlin", Some("Europe/Berlin")),
            ("Europe/berlin", Some("Europe/Berlin")),
            ("America/New York", Some("America/New_York")),
            ("Europe/Munich", None),
            ("Asia/Tokio", Some("Asia/Tokyo")),
            ("utc", Some("UTC")),
            ("a/b/c/d", None),
        ] {
            assert!(!timezones().any(|zone| zone == bad), "{bad}");
            assert_eq!(timezone_like(bad).as_deref(), meant, "{bad}");
        }
    }
}
