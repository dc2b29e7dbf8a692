//! Many hosts at once, each an sshd of its own with a state folder of its own, and steps that do nothing: what is left is
//! what roboinfra adds. All hosts share this machine's cores, which real ones do not: what their shells compute is the
//! larger part, so that measured is with the wire's delay of a cloud region and steps that wait for a second, and shown
//! for steps that take no time at all.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use roboinfra::apply::{HostJob, Stop, Tending, bootstrap};
use roboinfra::assets::{Step, parse_header, script};
use roboinfra::host::{AgentWish, Expected, HostEnd, Wanted, WantedStep};
use roboinfra::model::Address;
use roboinfra::port::TokioClock;
use roboinfra::ssh::Ssh;

use crate::server::Server;

/// Steps of a bootstrap, and hosts.
const STEPS: usize = 10;
const HOSTS: usize = 20;
/// From here to a region and back.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// Rounds of each measurement; the best counts, because what disturbs only ever adds.
const ROUNDS: usize = 3;

/// Steps whose work is one file, after a wait of so many seconds.
fn steps(prefix: &str, wait: u32) -> Vec<Arc<Step>> {
    let text = |place: usize| {
        format!(
            "#!/usr/bin/env bash\n# roboinfra:step {prefix}-{place}\n# roboinfra:about a step of a benchmark\n\
             # roboinfra:reboot never\n# roboinfra:timeout 60s\n# roboinfra:proof its file\n\
             # roboinfra:systems any\ncheck() {{ [[ -e $ROBOINFRA_HOME/{prefix}-{place} ]]; }}\n\
             apply() {{ [[ {wait} == 0 ]] || sleep {wait}; : >\"$ROBOINFRA_HOME/{prefix}-{place}\"; }}\n"
        )
    };
    (0..STEPS)
        .map(|place| {
            let text = text(place);
            let header = parse_header(&text).expect("a header");
            let text = text.into();
            Arc::new(Step { header, text })
        })
        .collect()
}

/// A host, and how far away it is.
struct Host {
    server: Server,
    port: u16,
    name: String,
}

impl Host {
    fn new(place: usize, round_trip: Duration) -> Option<Self> {
        let server = Server::start()?;
        let port = server.target().port;
        let port = if round_trip.is_zero() {
            port
        } else {
            distant(port, round_trip / 2)
        };
        let name = format!("edge.host{place}");
        Some(Self { server, port, name })
    }

    fn job(&self, steps: &[Arc<Step>]) -> HostJob {
        let mut target = self.server.target();
        target.address = Address::new(&self.name);
        target.alias.clone_from(&self.name);
        target.port = self.port;
        let steps = steps.iter().map(|step| WantedStep {
            script: script(step, &BTreeMap::new(), &BTreeMap::new()),
            secrets: Ok(Vec::new()),
            files: Vec::new(),
        });
        HostJob {
            wanted: Wanted {
                address: target.address.clone(),
                steps: steps.collect(),
                expected: Expected::default(),
                agent: AgentWish::default(),
            },
            target,
        }
    }

    /// The same script as a user would run it: `ssh HOST bash` with the script on stdin.
    fn plain(&self, step: &Step) -> Duration {
        let key = self.server.folder().join("user");
        let began = Instant::now();
        let child = Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"])
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .arg("-i")
            .arg(key)
            .args(["-p", &self.port.to_string()])
            .arg(format!("{}@127.0.0.1", self.server.target().user))
            .args(["ROBOINFRA_HOME=$HOST_HOME bash"])
            .stdin(Stdio::piped())
            .spawn();
        let mut child = child.expect("ssh comes with sshd");
        let text = format!("{}\ncheck || apply && check\n", step.text);
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(text.as_bytes()).expect("it reads");
        drop(input);
        assert!(child.wait().expect("it ends").success());
        began.elapsed()
    }
}

/// A wire to that port on which everything takes so long: the port of its near end.
fn distant(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let near = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let host = TcpStream::connect(("127.0.0.1", port)).expect("the host listens");
            for socket in [&client, &host] {
                socket.set_nodelay(true).expect("a socket");
            }
            let (back, forth) = (
                client.try_clone().expect("cloned"),
                host.try_clone().expect("cloned"),
            );
            wire(client, host, delay);
            wire(forth, back, delay);
        }
    });
    near
}

/// What is on its way: when it arrives, and what; an empty portion is the end.
#[derive(Default)]
struct OnTheWay {
    portions: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    more: Condvar,
}

/// One direction: each portion arrives `delay` after it was sent, however many are on their way.
#[expect(clippy::disallowed_methods, reason = "a wire's delay is real time")]
fn wire(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let way = Arc::new(OnTheWay::default());
    let sent = Arc::clone(&way);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            let portion = (Instant::now() + delay, buffer[..count].to_vec());
            sent.portions.lock().expect("whole").push_back(portion);
            sent.more.notify_one();
            if count == 0 {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        loop {
            let portions = way.portions.lock().expect("whole");
            let mut portions = way
                .more
                .wait_while(portions, |portions| portions.is_empty())
                .expect("whole");
            let (at, portion) = portions.pop_front().expect("there is one");
            drop(portions);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if portion.is_empty() || to.write_all(&portion).is_err() {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    });
}

/// Makes these hosts ready, all at once; every step runs once on each.
async fn run(hosts: &[Host], steps: &[Arc<Step>]) -> Duration {
    let folder = hosts[0].server.folder();
    let tending = Tending {
        hosts: Arc::new(Ssh::new(folder.join("known_hosts"))),
        clock: Arc::new(TokioClock),
        parallelism: hosts.len(),
        patience: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        // Each sshd sets it: the hosts share one file system.
        home: "$HOST_HOME".to_owned(),
    };
    let jobs: Vec<HostJob> = hosts.iter().map(|host| host.job(steps)).collect();
    let began = Instant::now();
    let verdicts = bootstrap(
        &tending,
        &jobs,
        &Stop::default(),
        &mut |_| (),
        &mut |_, _| (),
    )
    .await;
    let took = began.elapsed();
    for verdict in verdicts {
        assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
        assert_eq!(verdict.ran, steps.len());
    }
    took
}

/// The best of some rounds, each with steps of its own; the first contact is made before.
async fn best(hosts: &[Host], name: &str, wait: u32) -> Duration {
    run(hosts, &[]).await;
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let steps = steps(&format!("{name}-{round}"), wait);
        best = best.min(run(hosts, &steps).await);
    }
    best
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is one");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        / 1024
}

/// The CPU time that this process has had: the client's, and its wires'.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("there is one");
    let (_, after) = stat.rsplit_once(')').expect("its name");
    let ticks = after.split_whitespace().skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<u64>().expect("a number"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn twenty_hosts_take_hardly_longer_than_one() {
    let hosts = (0..HOSTS).map(|place| Host::new(place, ROUND_TRIP));
    let Some(hosts) = hosts.collect::<Option<Vec<Host>>>() else {
        return;
    };
    let mut ratios = Vec::new();
    for wait in [0, 1] {
        let alone = best(&hosts[..1], &format!("alone-{wait}"), wait).await;
        let before = cpu();
        let all = best(&hosts, &format!("all-{wait}"), wait).await;
        let own =
            cpu().saturating_sub(before) / u32::try_from(ROUNDS * HOSTS * STEPS).expect("few");
        let ratio = all.as_secs_f64() / alone.as_secs_f64();
        println!(
            "{STEPS} steps of {wait} s on one host {alone:.2?}, on {HOSTS} hosts {all:.2?}: {ratio:.2} times; \
             {own:.2?} of the client's CPU for each step; {} MiB at the most",
            peak_mib()
        );
        assert!(peak_mib() < 100);
        ratios.push(ratio);
    }
    // Both are shown before either fails.
    assert!(ratios.iter().all(|ratio| *ratio <= 1.5), "{ratios:?}");
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn a_step_costs_little_more_than_ssh() {
    let Some(host) = Host::new(0, Duration::ZERO) else {
        return;
    };
    let hosts = [host];
    let count = u32::try_from(STEPS).expect("few");
    run(&hosts, &[]).await;
    let mut best = [Duration::MAX; 3];
    // Side by side, so that all of them meet what else the machine does.
    for round in 0..ROUNDS {
        let none = run(&hosts, &[]).await;
        let ten = run(&hosts, &steps(&format!("ten-{round}"), 0)).await;
        let steps = steps(&format!("plain-{round}"), 0);
        let plain: Duration = steps.iter().map(|step| hosts[0].plain(step)).sum();
        for (best, now) in best.iter_mut().zip([none, ten, plain]) {
            *best = now.min(*best);
        }
    }
    let [none, ten, plain] = best;
    let (each, plain) = (ten.saturating_sub(none) / count, plain / count);
    println!(
        "a bootstrap without steps {none:.2?}; each step {each:.2?}; `ssh host bash` {plain:.2?}"
    );
    assert!(
        each < plain + Duration::from_millis(150),
        "{each:?} {plain:?}"
    );
}
