//! Reads the machine's own numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::proc::{self, CpuTime, Traffic};
use super::reading::{Disk, Host};
use crate::agent::condition::{Condition, Found};

/// Looks at the machine, and remembers the look before.
#[derive(Debug)]
pub(crate) struct HostReader {
    root: PathBuf,
    cpu: Option<CpuTime>,
    traffic: Option<(Duration, BTreeMap<String, Traffic>)>,
}

impl HostReader {
    /// `root` is where `proc` is found.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            cpu: None,
            traffic: None,
        }
    }

    /// One look; `now` is any clock that only goes forward.
    pub(crate) fn read(&mut self, now: Duration) -> (Host, Vec<Found>) {
        let mut found = Vec::new();
        let mut host = Host::default();
        if let Some(cpu) = self.parsed("proc/stat", &mut found, proc::cpu) {
            host.cpus = Some(cpu.cpus);
            host.cpu = self
                .cpu
                .replace(cpu)
                .and_then(|before| proc::cpu_percent(before, cpu));
        }
        if let Some((total, available)) = self.parsed("proc/meminfo", &mut found, proc::memory) {
            host.memory_total = Some(total);
            host.memory_available = Some(available);
            host.memory = Some(100.0 - 100.0 * proc::float(available) / proc::float(total));
        }
        let traffic = self.parsed("proc/net/dev", &mut found, |text| Some(proc::traffic(text)));
        if let Some(traffic) = traffic {
            if let Some((then, before)) = &self.traffic {
                let seconds = now.saturating_sub(*then).as_secs_f64();
                let rate = proc::rate(before, &traffic, seconds);
                (host.received, host.sent) = rate.unzip();
            }
            self.traffic = Some((now, traffic));
        }
        host.load = self.parsed("proc/loadavg", &mut found, proc::load);
        host.uptime = self.parsed("proc/uptime", &mut found, proc::uptime);
        let mounts = self.parsed("proc/mounts", &mut found, |text| {
            Some(proc::disk_mounts(text))
        });
        host.disks = mounts
            .unwrap_or_default()
            .iter()
            .filter_map(|mount| disk(mount))
            .collect();
        host.disk = host.disks.iter().map(used_percent).reduce(f64::max);
        (host, found)
    }

    fn parsed<T>(
        &self,
        name: &str,
        found: &mut Vec<Found>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let read = std::fs::read_to_string(self.root.join(name));
        let why = match read {
            Ok(text) => match parse(&text) {
                Some(value) => return Some(value),
                None => "it is not understood".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        let detail = format!("/{name}: {why}");
        found.push(Found::new(Condition::HostUnreadable, detail));
        None
    }
}

/// A file system's room; one that cannot be asked, such as one that only root's container sees, is left out.
fn disk(mount: &str) -> Option<Disk> {
    let stat = rustix::fs::statvfs(mount).ok()?;
    let bytes = |blocks: u64| blocks.checked_mul(stat.f_frsize);
    let total = bytes(stat.f_blocks).filter(|total| *total > 0)?;
    Some(Disk {
        mount: mount.to_owned(),
        total,
        free: bytes(stat.f_bavail)?.min(total),
    })
}

fn used_percent(disk: &Disk) -> f64 {
    100.0 - 100.0 * proc::float(disk.free) / proc::float(disk.total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    #[test]
    fn two_looks_make_a_rate() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "proc/stat", "cpu  0 0 0 100 0 0 0 0\ncpu0 0\n");
        write(
            root,
            "proc/meminfo",
            "MemTotal: 100 kB\nMemAvailable: 25 kB\n",
        );
        write(root, "proc/net/dev", "eth0: 0 0 0 0 0 0 0 0 0 0\n");
        write(root, "proc/loadavg", "1.5 1 1 1/1 1\n");
        write(root, "proc/uptime", "60.0 1\n");
        write(
            root,
            "proc/mounts",
            "/dev/sda1 / ext4 rw 0 0\n/dev/gone /no/such/place ext4 rw 0 0\n",
        );
        let mut reader = HostReader::new(root);
        let (first, found) = reader.read(Duration::from_secs(10));
        assert_eq!(found, []);
        assert_eq!(
            (first.cpu, first.received),
            (None, None),
            "nothing to compare with"
        );
        assert_eq!((first.memory, first.load), (Some(75.0), Some(1.5)));
        assert_eq!(first.disks.len(), 1, "the one that can be asked");
        write(root, "proc/stat", "cpu  50 0 0 150 0 0 0 0\ncpu0 0\n");
        write(root, "proc/net/dev", "eth0: 1000 0 0 0 0 0 0 0 500 0\n");
        let (second, _) = reader.read(Duration::from_secs(20));
        assert_eq!(
            (second.cpu, second.received, second.sent),
            (Some(50.0), Some(100.0), Some(50.0))
        );
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_rest_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "proc/loadavg", "1.5 1 1 1/1 1\n");
        write(folder.path(), "proc/stat", "nonsense\n");
        let (host, found) = HostReader::new(folder.path()).read(Duration::ZERO);
        assert_eq!(host.load, Some(1.5));
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(
            found
                .iter()
                .all(|one| one.condition == Condition::HostUnreadable)
        );
    }

    #[test]
    fn this_machine_can_be_read() {
        if !Path::new("/proc/stat").exists() {
            return;
        }
        let (host, found) = HostReader::new(Path::new("/")).read(Duration::ZERO);
        assert_eq!(found, []);
        assert!(host.cpus.is_some_and(|cpus| cpus > 0));
        assert!(
            host.memory
                .is_some_and(|share| (0.0..=100.0).contains(&share))
        );
    }
}
