//! The kernel's counters as text, and what two looks at them say. Numbers only grow, unless the machine began anew.

use std::collections::BTreeMap;

/// Time of all CPUs together, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// Nothing to do, or waiting for a disk.
    pub(crate) idle: u64,
    /// All of it.
    pub(crate) all: u64,
    /// CPUs.
    pub(crate) cpus: u32,
}

/// `/proc/stat`.
pub(crate) fn cpu(text: &str) -> Option<CpuTime> {
    let first = text.lines().next()?.strip_prefix("cpu ")?;
    // user nice system idle iowait irq softirq steal; guest times are part of user and nice.
    let ticks: Vec<u64> = first
        .split_whitespace()
        .take(8)
        .map_while(|tick| tick.parse().ok())
        .collect();
    let cpus = text
        .lines()
        .filter(|line| {
            line.strip_prefix("cpu")
                .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
        })
        .count();
    Some(CpuTime {
        idle: ticks.get(3)?.checked_add(*ticks.get(4).unwrap_or(&0))?,
        all: ticks
            .iter()
            .try_fold(0_u64, |sum, tick| sum.checked_add(*tick))?,
        cpus: u32::try_from(cpus).ok()?,
    })
}

/// How busy the CPUs were between two looks, in percent.
pub(crate) fn cpu_percent(before: CpuTime, now: CpuTime) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    let idle = now.idle.checked_sub(before.idle)?.min(all);
    Some(100.0 * float(all - idle) / float(all))
}

/// `/proc/meminfo`: all memory and what is available, in bytes.
pub(crate) fn memory(text: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        kib.checked_mul(1024)
    };
    let total = bytes("MemTotal:").filter(|total| *total > 0)?;
    Some((total, bytes("MemAvailable:")?.min(total)))
}

/// Received and sent bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Received.
    pub(crate) received: u64,
    /// Sent.
    pub(crate) sent: u64,
}

/// Interfaces whose traffic is another interface's as well.
const VIRTUAL: &[&str] = &["lo", "docker", "br-", "veth", "virbr", "cni", "tun", "tap"];

/// `/proc/net/dev`: traffic by interface.
pub(crate) fn traffic(text: &str) -> BTreeMap<String, Traffic> {
    text.lines()
        .filter_map(|line| {
            let (name, numbers) = line.split_once(':')?;
            let name = name.trim();
            if VIRTUAL.iter().any(|start| name.starts_with(start)) {
                return None;
            }
            let mut numbers = numbers.split_whitespace();
            let received = numbers.next()?.parse().ok()?;
            let sent = numbers.nth(7)?.parse().ok()?;
            Some((name.to_owned(), Traffic { received, sent }))
        })
        .collect()
}

/// Bytes per second between two looks; an interface that is new or began anew counts from its next look on.
pub(crate) fn rate(
    before: &BTreeMap<String, Traffic>,
    now: &BTreeMap<String, Traffic>,
    seconds: f64,
) -> Option<(f64, f64)> {
    if seconds <= 0.0 {
        return None;
    }
    let (mut received, mut sent) = (0_u64, 0_u64);
    for (name, now) in now {
        let Some(before) = before.get(name) else {
            continue;
        };
        received = received.saturating_add(now.received.saturating_sub(before.received));
        sent = sent.saturating_add(now.sent.saturating_sub(before.sent));
    }
    Some((float(received) / seconds, float(sent) / seconds))
}

/// `/proc/loadavg`: the last minute.
pub(crate) fn load(text: &str) -> Option<f64> {
    number(text.split_whitespace().next()?)
}

/// `/proc/uptime`: seconds since the boot.
pub(crate) fn uptime(text: &str) -> Option<f64> {
    number(text.split_whitespace().next()?)
}

fn number(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// File systems that keep their data on a disk of this machine.
const ON_DISK: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs"];

/// `/proc/mounts`: where disks are mounted, each device once and at its first place.
pub(crate) fn disk_mounts(text: &str) -> Vec<String> {
    let mut devices: Vec<&str> = Vec::new();
    let mut mounts = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, mount, kind, ..] = words[..] else {
            continue;
        };
        if ON_DISK.contains(&kind) && !devices.contains(&device) {
            devices.push(device);
            mounts.push(unescape(mount));
        }
    }
    mounts
}

/// The kernel writes a space as `\040`.
fn unescape(mount: &str) -> String {
    let mut text = String::new();
    let mut rest = mount;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(code) = code.filter(u8::is_ascii) {
            text.push(char::from(code));
            rest = &after[3..];
        } else {
            text.push('\\');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share or a rate needs no more than 52 bits"
)]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_use_is_what_was_not_idle() {
        let before = cpu("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5\n");
        let before = before.expect("the first line");
        assert_eq!((before.idle, before.all, before.cpus), (800, 1000, 2));
        let now = cpu("cpu  150 0 125 900 25 0 0 0 0 0\n").expect("the first line");
        assert_eq!(cpu_percent(before, now), Some(37.5));
        assert_eq!(cpu_percent(now, before), None, "it began anew");
        assert_eq!(cpu_percent(now, now), None, "no time has passed");
        for text in ["", "cpu", "cpu  1 2", "cpus 1 2 3 4 5"] {
            assert_eq!(cpu(text), None, "{text}");
        }
    }

    #[test]
    fn memory_that_is_available() {
        let text = "MemTotal:       16000 kB\nMemFree: 10 kB\nMemAvailable:    4000 kB\n";
        assert_eq!(memory(text), Some((16_384_000, 4_096_000)));
        assert_eq!(memory("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), None);
        assert_eq!(memory("MemTotal: many kB\n"), None);
    }

    #[test]
    fn traffic_without_what_is_counted_twice() {
        let before = traffic(
            "Inter-| Receive\n face |bytes\n    lo: 9 9 0 0 0 0 0 0 9 9\n  ens5: 100 1 0 0 0 0 0 0 50 1\n\
             docker0: 7 1 0 0 0 0 0 0 7 1\n",
        );
        assert_eq!(before.keys().collect::<Vec<_>>(), ["ens5"]);
        let now = traffic("ens5: 300 1 0 0 0 0 0 0 150 1\nens6: 999 1 0 0 0 0 0 0 999 1\n");
        assert_eq!(rate(&before, &now, 4.0), Some((50.0, 25.0)));
        assert_eq!(rate(&now, &before, 4.0), Some((0.0, 0.0)), "it began anew");
        assert_eq!(rate(&before, &now, 0.0), None);
    }

    #[test]
    fn load_and_uptime() {
        assert_eq!(load("0.52 0.58 0.59 1/467 12345\n"), Some(0.52));
        assert_eq!(uptime("1234.56 9999.0\n"), Some(1234.56));
        assert_eq!(
            (load(""), load("NaN 1"), uptime("-1 2")),
            (None, None, None)
        );
    }

    #[test]
    fn each_disk_once() {
        let text = "proc /proc proc rw 0 0\n/dev/nvme0n1p1 / ext4 rw 0 0\n/dev/nvme1n1 /data\\040set xfs rw 0 0\n\
                    /dev/nvme0n1p1 /snap/bind ext4 ro 0 0\ntmpfs /run tmpfs rw 0 0\nshort\n";
        assert_eq!(disk_mounts(text), ["/", "/data set"]);
        assert_eq!(unescape("/a\\zz\\1"), "/a\\zz\\1");
    }
}
