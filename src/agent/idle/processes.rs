//! Looks at the machine's processes: their titles, and the CPU time of some.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::signal::Measured;
use super::titles::{self, Process};
use crate::agent::sample::proc::float;

/// More of a command line is not read.
const LIMIT: u64 = 1024;

/// The kernel counts CPU time in hundredths of a second on every machine that this runs on.
const TICKS: f64 = 100.0;

/// A notebook's kernel that does nothing wakes up now and then: below this share of a CPU it rests, in percent.
const RESTS_BELOW: f64 = 2.0;

/// Every process with a command line; kernel threads have none. One that ends meanwhile is left out.
pub(crate) fn list(root: &Path) -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    let mut bytes = Vec::new();
    for entry in fs::read_dir(root.join("proc"))? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        bytes.clear();
        let read = fs::File::open(entry.path().join("cmdline"))
            .and_then(|file| file.take(LIMIT).read_to_end(&mut bytes));
        if read.is_err() || bytes.is_empty() {
            continue;
        }
        let title = String::from_utf8_lossy(&bytes).replace('\0', " ");
        processes.push(Process {
            pid,
            title: title.trim_end().to_owned(),
        });
    }
    Ok(processes)
}

/// Who is logged in: by SSH, by Session Manager, at the machine's own terminals.
pub(crate) fn logins(root: &Path, processes: &[Process]) -> Measured {
    let mut words = Vec::new();
    for process in processes {
        if let Some(who) = titles::ssh(&process.title) {
            words.push(format!("{who} is logged in"));
        } else if titles::session_manager(&process.title) {
            words.push("a Session Manager session is open".to_owned());
        } else if let Some(program) = titles::remote_desktop(&process.title) {
            words.push(format!("a remote desktop is open ({program})"));
        }
    }
    words.extend(terminals(root));
    Measured::from_words(&words)
}

/// Logins at terminals of the machine itself, as systemd-logind keeps them. A desktop that logs itself in is not one: its
/// use shows at the GPU. Where there is no logind there are no such logins.
fn terminals(root: &Path) -> Vec<String> {
    let Ok(sessions) = fs::read_dir(root.join("run/systemd/sessions")) else {
        return Vec::new();
    };
    let texts = sessions
        .filter_map(Result::ok)
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.filter_map(|text| terminal(&text)).collect()
}

fn terminal(session: &str) -> Option<String> {
    let value = |key: &str| {
        let line = session.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.strip_prefix('='))
            .unwrap_or_default()
    };
    let here = value("CLASS") == "user"
        && value("TYPE") == "tty"
        && value("REMOTE") != "1"
        && matches!(value("STATE"), "active" | "online");
    here.then(|| format!("{} is logged in at {}", value("USER"), value("TTY")))
}

/// Notebook kernels that have worked since the look before.
#[derive(Debug, Default)]
pub(crate) struct Kernels {
    before: BTreeMap<u32, (Duration, u64)>,
}

impl Kernels {
    /// One look; `now` only goes forward.
    pub(crate) fn look(&mut self, root: &Path, processes: &[Process], now: Duration) -> Measured {
        let mut after = BTreeMap::new();
        let mut words = Vec::new();
        for process in processes.iter().filter(|one| titles::kernel(&one.title)) {
            let pid = process.pid;
            let stat: PathBuf = root.join(format!("proc/{pid}/stat"));
            // It may have ended meanwhile.
            let Some(ticks) = fs::read_to_string(stat).ok().and_then(|text| cpu(&text)) else {
                continue;
            };
            after.insert(pid, (now, ticks));
            match self.before.get(&pid) {
                None => words.push(format!("a notebook's kernel has begun (process {pid})")),
                Some((then, before)) => {
                    let seconds = now.saturating_sub(*then).as_secs_f64();
                    let used = float(ticks.saturating_sub(*before)) / TICKS;
                    if 100.0 * used >= RESTS_BELOW * seconds {
                        words.push(format!("a notebook's kernel works (process {pid})"));
                    }
                }
            }
        }
        self.before = after;
        Measured::from_words(&words)
    }
}

/// `/proc/PID/stat`: time in user and system mode, of the process and of those that it waited for. The name before may
/// hold anything.
fn cpu(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?;
    ticks
        .iter()
        .try_fold(0_u64, |sum, field| sum.checked_add(field.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(root: &Path, pid: u32, title: &str, ticks: u64) {
        let folder = root.join(format!("proc/{pid}"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("cmdline"), title.replace(' ', "\0")).expect("a file");
        let stat =
            format!("{pid} (py (x) y) S 1 1 1 0 -1 4194560 1 0 0 0 {ticks} 0 0 0 20 0 1 0 5\n");
        fs::write(folder.join("stat"), stat).expect("a file");
    }

    #[test]
    fn processes_and_logins() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        process(root, 1, "/sbin/init", 1);
        process(root, 7, "", 1);
        process(root, 20, "sshd: ada@pts/0", 1);
        fs::create_dir_all(root.join("proc/sys")).expect("a folder");
        let processes = list(root).expect("they can be listed");
        assert_eq!(processes.len(), 2, "{processes:?}");
        assert_eq!(
            logins(root, &processes),
            Measured::Busy("ada@pts/0 is logged in".to_owned())
        );
        assert_eq!(logins(root, &processes[..0]), Measured::Quiet);
        assert!(list(Path::new("/no/such/root")).is_err());
    }

    #[test]
    fn sessions_at_the_machine_itself() {
        let session = |class, kind, remote, state| {
            format!(
                "# private\nUID=0\nUSER=ada\nSTATE={state}\nREMOTE={remote}\nTYPE={kind}\nCLASS={class}\nTTY=tty1\n"
            )
        };
        assert!(terminal(&session("user", "tty", 0, "active")).is_some());
        for other in [
            session("greeter", "tty", 0, "active"),
            session("user", "x11", 0, "active"),
            session("user", "tty", 1, "active"),
            session("user", "tty", 0, "closing"),
            String::new(),
        ] {
            assert_eq!(terminal(&other), None, "{other}");
        }
    }

    #[test]
    fn a_kernel_that_rests_is_no_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut kernels = Kernels::default();
        let mut look = |ticks, seconds| {
            process(root, 30, "python -m ipykernel_launcher -f x", ticks);
            let processes = list(root).expect("listed");
            kernels.look(root, &processes, Duration::from_secs(seconds))
        };
        assert!(matches!(look(500, 100), Measured::Busy(_)), "it has begun");
        assert_eq!(look(510, 115), Measured::Quiet, "a tenth of a second in 15");
        assert!(matches!(look(560, 130), Measured::Busy(_)), "half a second");
        assert_eq!(look(560, 145), Measured::Quiet);
    }
}
