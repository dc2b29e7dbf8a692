//! A day of measurements against the sandbox's CloudWatch, with the network cut for parts of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use roboinfra::sandbox::{Options, Published, Sandbox};

use crate::rig::Rig;

/// What the network does now.
pub(crate) const WELL: u8 = 0;
/// Connections are refused.
pub(crate) const CLOSED: u8 = 1;
/// What is sent arrives; the answers do not.
pub(crate) const ONE_WAY: u8 = 2;

/// Why measurements are given up, as the ledger has it.
const GIVEN_UP: [&str; 6] = ["full", "uncertain", "rejected", "old", "ahead", "damaged"];

/// The sandbox behind a network that can be cut.
pub(crate) struct Net {
    sandbox: Arc<Sandbox>,
    state: Arc<AtomicU8>,
    address: String,
}

impl Net {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new(Options::default());
        let behind = serve(Arc::clone(&sandbox));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(AtomicU8::new(WELL));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || listen(listener, &behind, &shared));
        let address = format!("http://{address}");
        Self {
            sandbox,
            state,
            address,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }

    /// How many measurements arrived, by the daemon's heartbeat.
    pub(crate) fn heartbeats(&self) -> u64 {
        let published = self.sandbox.published();
        let beats = published
            .iter()
            .filter(|one| one.metric == "agent_heartbeat");
        beats.map(|one| whole(one.count)).sum()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a test are small and whole"
)]
fn whole(count: f64) -> u64 {
    assert!(count >= 0.0 && count.fract() == 0.0, "{count}");
    count as u64
}

fn serve(sandbox: Arc<Sandbox>) -> String {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port");
            tell.send(listener.local_addr().expect("an address").to_string())
                .expect("heard");
            sandbox.serve(listener).await
        })
    });
    told.recv().expect("it serves")
}

/// While the network is closed nobody listens: connections are refused.
fn listen(listener: TcpListener, behind: &str, state: &Arc<AtomicU8>) {
    let address = listener.local_addr().expect("an address");
    let mut open = Some(listener);
    loop {
        if state.load(Ordering::SeqCst) == CLOSED {
            open = None;
        } else if open.is_none() {
            open = TcpListener::bind(address).ok();
        }
        let client = open.as_ref().and_then(|listener| {
            listener.set_nonblocking(true).expect("it can be asked");
            listener.accept().ok()
        });
        let Some((client, _)) = client else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        client.set_nonblocking(false).expect("it can be waited for");
        let (behind, state) = (behind.to_owned(), Arc::clone(state));
        std::thread::spawn(move || pass(client, &behind, &state));
    }
}

fn pass(client: TcpStream, behind: &str, state: &Arc<AtomicU8>) {
    let server = TcpStream::connect(behind).expect("the sandbox");
    let (mut from, mut to) = (
        client.try_clone().expect("a copy"),
        server.try_clone().expect("a copy"),
    );
    let there = Arc::clone(state);
    std::thread::spawn(move || {
        copy(&mut from, &mut to, |_| {
            there.load(Ordering::SeqCst) != CLOSED
        });
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    copy(&mut from, &mut to, |_| state.load(Ordering::SeqCst) == WELL);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn copy(from: &mut impl Read, to: &mut impl Write, goes: impl Fn(usize) -> bool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length) = from.read(&mut bytes) {
        if length == 0 || !goes(length) || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
}

fn rig(net: &Net, speed: u32) -> Rig {
    let mut rig = Rig::with_gpus(2, &[]);
    let start = jiff::Timestamp::now().as_second() - 10 * 86_400;
    rig.head.push_str("sample_s = 60\n");
    rig.sections = format!(
        "[publish]\nnamespace = \"Twin\"\ninterval_s = 300\nqueue_kib = 256\nendpoint = \"{}\"\n\
         [rehearsal]\nspeed = {speed}\nstart_s = {start}\n",
        net.address
    );
    rig
}

/// How many wait, and how many it counts as published.
fn counts(rig: &Rig) -> Option<(u64, u64)> {
    let queue = rig.status()?.queue;
    Some((queue.waiting, queue.published))
}

/// How many wait on disk after it has ended: a machine that is slow may not have sent all of them.
fn waiting(rig: &Rig) -> u64 {
    let queue = std::fs::read_dir(rig.path("state/queue")).expect("its queue");
    let names = queue.map(|entry| entry.expect("a file").file_name());
    names
        .filter_map(|name| {
            let name = name.into_string().ok()?;
            let (_, samples) = name.strip_suffix(".ready")?.split_once('-')?;
            samples.parse::<u64>().ok()
        })
        .sum()
}

/// Each series has one set for each interval, but where the daemon was restarted in the middle of one.
fn twice(published: &[Published]) -> usize {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for one in published {
        let key = format!("{} {} {:?}", one.at, one.metric, one.dimensions);
        *seen.entry(key).or_default() += 1;
    }
    seen.values().filter(|times| **times > 1).count()
}

#[test]
fn a_day_with_the_network_cut_for_parts_of_it() {
    let net = Net::new();
    let rig = rig(&net, 7200);
    let daemon = rig.start();
    // Twelve seconds are a day.
    for (state, seconds) in [
        (WELL, 2.0),
        (CLOSED, 3.0),
        (WELL, 1.5),
        (ONE_WAY, 0.8),
        (WELL, 2.0),
        (CLOSED, 1.0),
    ] {
        net.set(state);
        std::thread::sleep(Duration::from_secs_f64(seconds));
        if state == ONE_WAY {
            rig.until("an answer does not come", |rig| {
                (rig.status()?.queue.dropped > 0).then_some(())
            });
        }
    }
    net.set(WELL);
    rig.until("what waits is published", |rig| {
        let (waiting, published) = counts(rig)?;
        (waiting < 10 && published > 800).then_some(())
    });
    daemon.end();
    let ledger: BTreeMap<String, u64> =
        serde_json::from_str(&rig.read("state/ledger.json")).expect("it was counted");
    let taken = ledger["queued"];
    let given_up: u64 = GIVEN_UP.map(|why| ledger[why]).iter().sum();
    let arrived = net.heartbeats();
    assert!(taken > 800, "{ledger:?}");
    assert_eq!(
        ledger["published"] + given_up + waiting(&rig),
        taken,
        "every one is accounted for: {ledger:?}"
    );
    assert!(
        ledger["published"] <= arrived,
        "what it counts as published arrived"
    );
    assert!(
        arrived <= ledger["published"] + ledger["uncertain"],
        "nothing arrived that it does not know of: {arrived} {ledger:?}"
    );
    assert_eq!(twice(&net.sandbox.published()), 0, "nothing arrived twice");
    assert!(
        ledger["uncertain"] > 0,
        "the answers that never came were counted: {ledger:?}"
    );
    assert!(
        given_up * 3 < taken,
        "most of it arrived in the end: {ledger:?}"
    );
}

#[test]
fn what_is_published_has_the_dimensions_that_alarms_need() {
    let net = Net::new();
    let rig = rig(&net, 600);
    let daemon = rig.start();
    rig.until("something is published", |rig| {
        (counts(rig)?.1 > 0).then_some(())
    });
    daemon.end();
    let published = net.sandbox.published();
    let of = |metric: &str| {
        let found = published.iter().find(|one| one.metric == metric);
        found
            .unwrap_or_else(|| panic!("{metric} is published"))
            .clone()
    };
    let utilization = of("gpu_utilization");
    assert_eq!(utilization.namespace, "Twin");
    assert_eq!(utilization.unit, "Percent");
    assert!((utilization.maximum - 37.0).abs() < 1e-9);
    let dimensions: Vec<(&str, &str)> = utilization
        .dimensions
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    // The machine of the test is no instance.
    assert_eq!(dimensions, [("Lab", "twin"), ("Node", "sim.0")]);
    let each = published
        .iter()
        .filter(|one| one.dimensions.contains_key("Gpu"));
    assert_eq!(
        each.filter(|one| one.metric == "gpu_power" && one.at.eq(&utilization.at))
            .count(),
        2
    );
    assert!(whole(of("gpu_missing").sum) == 0);
}

#[test]
fn daemons_that_are_killed_lose_nothing_uncounted() {
    let net = Net::new();
    let rig = rig(&net, 3600);
    for round in 0..6 {
        net.set(if round % 3 == 1 { CLOSED } else { WELL });
        let daemon = rig.start();
        rig.until("it has begun", |rig| rig.status().map(drop));
        std::thread::sleep(Duration::from_millis(400));
        if round % 2 == 0 {
            daemon.kill();
        } else {
            daemon.end();
        }
    }
    net.set(WELL);
    let daemon = rig.start();
    rig.until("what waits is published", |rig| {
        let (waiting, published) = counts(rig)?;
        (waiting < 10 && published > 100).then_some(())
    });
    daemon.end();
    let ledger: BTreeMap<String, u64> =
        serde_json::from_str(&rig.read("state/ledger.json")).expect("it was counted");
    let given_up: u64 = GIVEN_UP.map(|why| ledger[why]).iter().sum();
    let waiting = waiting(&rig);
    let arrived = net.heartbeats();
    // A kill may fall between the answer and its being counted: then it is counted as given up, too.
    assert!(
        ledger["published"] + given_up + waiting >= ledger["queued"],
        "{waiting} {ledger:?}"
    );
    assert!(
        arrived <= ledger["queued"],
        "nothing arrived twice: {arrived} {ledger:?}"
    );
    assert!(
        arrived + given_up + waiting >= ledger["queued"],
        "nothing is lost uncounted: {arrived} {ledger:?}"
    );
}

/// What a machine whose clock was wrong left behind waits among what is well, and so does what CloudWatch refuses though the
/// daemon thinks that it is young enough.
#[test]
fn what_cannot_be_published_does_not_take_the_rest_with_it() {
    let net = Net::new();
    let rig = rig(&net, 600);
    let begun = jiff::Timestamp::now().as_second() - 10 * 86_400;
    let queue = rig.path("state/queue");
    std::fs::create_dir_all(&queue).expect("a queue");
    let (year, refused) = (begun + 400 * 86_400, begun - 86_400 * 9 / 2);
    let left = [
        (begun - 7200, 3),
        (year, 5),
        (begun - 6900, 7),
        (refused, 11),
        (begun - 6600, 13),
        (begun - 6300, 17),
        (begun - 6000, 19),
    ];
    for (number, (start, samples)) in left.iter().enumerate() {
        let text = format!(
            r#"{{"start_s":{start},"samples":{samples},"sets":[{{"metric":"agent_heartbeat","statistics":{{"count":{samples},"sum":{samples}.0,"minimum":1.0,"maximum":1.0}}}}]}}"#
        );
        let name = format!("{number:012}-{samples}.ready");
        std::fs::write(queue.join(name), &text).expect("it is queued");
        // The daemon was killed when it had queued the last, before it began another.
        let open = format!(r#"{{"number":{number},"interval":{text}}}"#);
        rig.write("state/open.json", &open);
    }
    let daemon = rig.start();
    rig.until("it is all done with", |rig| {
        let queue = rig.status()?.queue;
        (queue.waiting < 10 && queue.published > 60 && queue.dropped >= 16).then_some(())
    });
    daemon.end();
    let ledger: BTreeMap<String, u64> =
        serde_json::from_str(&rig.read("state/ledger.json")).expect("it was counted");
    let given_up = GIVEN_UP.map(|why| ledger[why]);
    assert_eq!(given_up, [0, 0, 11, 0, 5, 0], "{ledger:?}");
    let published = net.sandbox.published();
    assert_eq!(twice(&published), 0, "nothing arrived twice");
    for (start, samples) in left {
        let times = published
            .iter()
            .filter(|one| whole(one.at) == u64::try_from(start).expect("after 1970"))
            .filter(|one| one.metric == "agent_heartbeat" && whole(one.count) == samples)
            .count();
        let expected = usize::from(start != year && start != refused);
        assert_eq!(times, expected, "{samples} samples");
    }
}
