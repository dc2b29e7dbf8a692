//! The small notations inside texts: durations, ports, times of the week.

use std::time::Duration;

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

/// Whether a text has the form of an IANA time zone: `UTC`, `Europe/Berlin`, `America/Indiana/Knox`.
///
/// Only the form and the area are checked: the time-zone data of the machine is not read here.
pub(super) fn is_timezone(text: &str) -> bool {
    if text == "UTC" {
        return true;
    }
    let mut parts = text.split('/');
    let area = parts
        .next()
        .is_some_and(|area| TIMEZONE_AREAS.contains(&area));
    let place = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
    };
    let rest: Vec<&str> = parts.collect();
    area && (1..=2).contains(&rest.len()) && rest.into_iter().all(place)
}

/// The areas of the IANA time-zone database.
pub(super) const TIMEZONE_AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
    "Etc",
];

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
    fn time_zones_by_their_form() {
        for good in [
            "UTC",
            "Europe/Berlin",
            "America/Indiana/Knox",
            "Etc/GMT+3",
            "America/Port-au-Prince",
        ] {
            assert!(is_timezone(good), "{good}");
        }
        for bad in [
            "",
            "Berlin",
            "CET",
            "Europe/",
            "Europa/Berlin",
            "Europe/berlin",
            "Europe/Ber lin",
            "a/b/c/d",
        ] {
            assert!(!is_timezone(bad), "{bad}");
        }
    }
}
