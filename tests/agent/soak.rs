//! A long run at a hundred times the sampling rate, with GPUs, a network that comes and goes, somebody who reads the
//! metrics, and a metadata service that does not answer: neither memory nor descriptors may grow.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::publish::{CLOSED, Net, ONE_WAY, WELL};
use crate::rig::{Daemon, Rig};

/// Every five seconds on a clock that is so much too fast.
const SPEED: u32 = 100;
/// What memory may differ by, in KiB: the allocator keeps what it once had, and measurements come and go.
const ROOM: u64 = 1536;
/// So many sockets and files may be open more at one look than at another.
const SLACK: usize = 8;

/// What the daemon holds at one time.
#[derive(Debug, Clone, Copy)]
struct Held {
    kib: u64,
    files: usize,
    /// Clock ticks of CPU time.
    ticks: u64,
}

fn held(daemon: &Daemon) -> Held {
    let proc = format!("/proc/{}", daemon.pid());
    let status = std::fs::read_to_string(format!("{proc}/status")).expect("it lives");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.and_then(|kib| kib.split_whitespace().next());
    let stat = std::fs::read_to_string(format!("{proc}/stat")).expect("it lives");
    let (_, after) = stat.rsplit_once(')').expect("its name");
    let ticks = after.split_whitespace().skip(11).take(2);
    Held {
        kib: kib.expect("its memory").parse().expect("a number"),
        files: std::fs::read_dir(format!("{proc}/fd"))
            .expect("it lives")
            .count(),
        ticks: ticks
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum(),
    }
}

/// Somebody reads the metrics.
fn scrape(port: std::net::SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(port).ok()?;
    let ask = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(ask.as_bytes()).ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    page.contains("DCGM_FI_DEV_GPU_UTIL").then_some(())
}

/// Fails if it grows; says what was measured.
fn soak(length: Duration) -> String {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let net = Net::new();
    // CloudWatch takes nothing from the future: its end is now.
    let ahead = length.as_secs() * u64::from(SPEED) + 3600;
    let start = jiff::Timestamp::now().as_second() - i64::try_from(ahead).expect("days");
    let mut rig = Rig::with_gpus(4, &[]);
    rig.head.push_str("sample_s = 5\n");
    rig.sections = format!(
        "[publish]\nnamespace = \"Twin\"\ninterval_s = 60\nendpoint = \"{}\"\n\
         [prometheus]\nlisten = \"{port}\"\n\
         [idle]\ngpu_below_percent = 5\ncpu_below_percent = 10\nfor_s = 3600\nthen = \"notify\"\n[spot]\n\
         [rehearsal]\nspeed = {SPEED}\nstart_s = {start}\n",
        net.address()
    );
    let daemon = rig.start();
    rig.until("it answers", |_| scrape(port));
    let begin = Instant::now();
    let mut looks = Vec::new();
    for turn in 0_u32.. {
        if begin.elapsed() >= length {
            break;
        }
        // Of ten turns the network is well for seven; it is well when it is looked at.
        net.set(match turn % 10 {
            5 | 6 => CLOSED,
            7 => ONE_WAY,
            _ => WELL,
        });
        std::thread::sleep(Duration::from_millis(200));
        scrape(port).expect("it answers on");
        if turn % 10 == 4 {
            looks.push(held(&daemon));
        }
    }
    let took = begin.elapsed();
    net.set(WELL);
    rig.until("what waits is published", |rig| {
        (rig.status()?.queue.waiting < 10).then_some(())
    });
    daemon.end();
    // What it needs is there after a quarter of the time.
    let settled = &looks[looks.len() / 4..];
    let (early, late) = settled.split_at(settled.len() / 2);
    let most = |part: &[Held]| part.iter().map(|held| held.kib).max().expect("a look");
    let open = |part: &[Held]| part.iter().map(|held| held.files).max().expect("a look");
    let (first, last) = (looks[0], looks[looks.len() - 1]);
    let measured = format!(
        "{:.0} s, {} measurements published: {} KiB at first, {} in the middle, {} at last; {} descriptors, {}, {}; \
         CPU {:.2} % of a core",
        took.as_secs_f64(),
        net.heartbeats(),
        first.kib,
        most(early),
        most(late),
        first.files,
        open(early),
        open(late),
        // A hundredth of a second each.
        f64::from(u32::try_from(last.ticks - first.ticks).expect("few")) / took.as_secs_f64(),
    );
    // Twenty a second; what the network kept is published later, or counted as uncertain.
    assert!(net.heartbeats() > took.as_secs() * 5, "{measured}");
    assert!(most(late) <= most(early) + ROOM, "it grows: {looks:?}");
    assert!(open(late) <= open(early) + SLACK, "it leaks: {looks:?}");
    measured
}

#[test]
fn a_few_seconds_of_it() {
    println!("{}", soak(Duration::from_secs(16)));
}

/// `ROBOINFRA_SOAK_SECONDS=1800 cargo test --test agent -- --ignored --nocapture soak`
#[test]
#[ignore = "a minute, or as long as ROBOINFRA_SOAK_SECONDS says"]
fn it_does_not_grow() {
    let seconds = std::env::var("ROBOINFRA_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(60, |seconds| seconds.parse().expect("seconds"));
    println!("{}", soak(Duration::from_secs(seconds)));
}
