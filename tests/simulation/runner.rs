//! Plays seeds: some in every test run, one when asked, as many as fit into the time that is given.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::log::Log;
use super::story::Story;
use super::world::World;

/// How long a plain test run looks for a failing seed.
const USUALLY: Duration = Duration::from_secs(6);
/// The most failing seeds that are told of.
const MOST_TOLD: usize = 8;

/// How a play went.
struct Played {
    commands: u64,
    crashes: u64,
    failure: Option<String>,
    log: String,
}

thread_local! {
    static SAID: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// Panics are caught and kept, with their place; the tests' own output stays clean.
pub(crate) fn hush() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("seeds"))
            {
                SAID.with(|said| *said.borrow_mut() = info.to_string());
            } else {
                usual(info);
            }
        }));
    });
}

/// What the last panic on this thread said.
pub(crate) fn last_words() -> String {
    SAID.with(|said| said.borrow().clone())
}

/// Does something within a runtime, whose timer is never used: the clock is the simulation's own.
pub(crate) fn entered<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    work()
}

fn play(seed: u64, without: &BTreeSet<usize>, kept: bool) -> Played {
    let story = Story::new(seed);
    let log = Log::new(kept);
    let played = entered(|| {
        panic::catch_unwind(AssertUnwindSafe(|| {
            let world = World::live(&story, without, &log);
            (world.commands, world.crashes)
        }))
    });
    let failure = played.is_err().then(last_words);
    let (commands, crashes) = played.unwrap_or_default();
    Played {
        commands,
        crashes,
        failure,
        log: log.text(),
    }
}

/// The place where a play failed.
fn place(failure: &str) -> &str {
    failure.lines().next().unwrap_or_default()
}

/// The steps that a failing seed can do without, and still fails at the same place.
fn shrink(seed: u64, failure: &str) -> BTreeSet<usize> {
    let mut without = BTreeSet::new();
    for number in (0..Story::new(seed).steps.len()).rev() {
        without.insert(number);
        let again = play(seed, &without, false).failure;
        if again.is_none_or(|again| place(&again) != place(failure)) {
            without.remove(&number);
        }
    }
    without
}

fn numbers(text: &str) -> BTreeSet<usize> {
    text.split(',')
        .filter_map(|part| part.trim().parse().ok())
        .collect()
}

/// What to say of a failing seed.
fn told(seed: u64, failure: &str) -> String {
    // A failing seed is told of at once: shrinking it takes a while.
    println!("seed {seed}: {failure}");
    let without = shrink(seed, failure);
    let list: Vec<String> = without.iter().map(ToString::to_string).collect();
    let steps: Vec<String> = Story::new(seed)
        .steps
        .iter()
        .enumerate()
        .filter(|(number, _)| !without.contains(number))
        .map(|(number, step)| format!("  {number}: {step:?}"))
        .collect();
    format!(
        "seed {seed}: {failure}\nit takes these steps:\n{}\nreplay it with\n  ROBOINFRA_SIM_SEED={seed} \
         ROBOINFRA_SIM_WITHOUT={} cargo test --test simulation -- --nocapture one_seed\n",
        steps.join("\n"),
        list.join(",")
    )
}

/// Runs `work` on named threads, as many as there are processors.
pub(crate) fn on_all_processors(work: impl Fn() + Sync) {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for number in 0..count {
            std::thread::Builder::new()
                .name(format!("seeds {number}"))
                .stack_size(16 << 20)
                .spawn_scoped(scope, &work)
                .expect("a thread");
        }
    });
}

/// As many seeds as fit into the time: `ROBOINFRA_SIM_SECONDS`, from `ROBOINFRA_SIM_FROM`.
#[test]
fn no_seed_breaks_a_promise() {
    hush();
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let time = number("ROBOINFRA_SIM_SECONDS").map_or(USUALLY, Duration::from_secs);
    let began = Instant::now();
    let next = AtomicU64::new(number("ROBOINFRA_SIM_FROM").unwrap_or(1));
    let (seeds, commands, crashes) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    on_all_processors(|| {
        while began.elapsed() < time && failed.lock().expect("no panic holds it").len() < MOST_TOLD
        {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let played = play(seed, &BTreeSet::new(), false);
            seeds.fetch_add(1, Ordering::Relaxed);
            commands.fetch_add(played.commands, Ordering::Relaxed);
            crashes.fetch_add(played.crashes, Ordering::Relaxed);
            if let Some(failure) = played.failure {
                let told = told(seed, &failure);
                failed.lock().expect("no panic holds it").push(told);
            }
        }
    });
    let took = began.elapsed();
    let (seeds, commands) = (seeds.into_inner(), commands.into_inner());
    let report = format!(
        "{seeds} seeds, {commands} commands, {} crashes in {} s: {} seeds a minute",
        crashes.into_inner(),
        took.as_secs(),
        u128::from(seeds) * 60_000 / took.as_millis().max(1)
    );
    println!("{report}");
    let failed = failed.into_inner().expect("no panic holds it");
    assert!(failed.is_empty(), "{report}\n{}", failed.join("\n"));
}

/// The same seed is the same run, line for line: events, plans, and every call with its time and answer.
#[test]
fn a_seed_is_the_same_run_every_time() {
    hush();
    let seeds = [3, 11, 42];
    on_all_processors(|| {
        for seed in seeds {
            let (first, second) = (
                play(seed, &BTreeSet::new(), true),
                play(seed, &BTreeSet::new(), true),
            );
            assert!(first.log.len() > 1000, "seed {seed} does something");
            let differs = first
                .log
                .lines()
                .zip(second.log.lines())
                .find(|(a, b)| a != b);
            assert_eq!(differs, None, "seed {seed}");
            assert_eq!(first.log.len(), second.log.len(), "seed {seed}");
        }
    });
}

/// One seed, with all that happens in it: `ROBOINFRA_SIM_SEED`, without the steps of `ROBOINFRA_SIM_WITHOUT`.
#[test]
fn one_seed() {
    let Some(seed) = std::env::var("ROBOINFRA_SIM_SEED").ok() else {
        return;
    };
    let seed = seed.parse().expect("ROBOINFRA_SIM_SEED is a number");
    let without = std::env::var("ROBOINFRA_SIM_WITHOUT").unwrap_or_default();
    hush();
    let without = numbers(&without);
    let played = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("seeds 0".to_owned())
            .stack_size(16 << 20)
            .spawn_scoped(scope, || play(seed, &without, true))
            .expect("a thread")
            .join()
            .expect("panics are caught")
    });
    println!("{}", played.log);
    if let Some(failure) = played.failure {
        panic!("seed {seed}: {failure}");
    }
}
