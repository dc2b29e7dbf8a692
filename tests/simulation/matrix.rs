//! The fault matrix: each fault at each call. Each ends in success, or in words that name what exists and what to type
//! next; and when the fault is over, the next run finishes.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::command::{Command, Ended, Trouble};
use super::log::Log;
use super::runner::{entered, hush, last_words, on_all_processors};
use super::world::World;
use roboinfra::event::RunEnd;
use roboinfra::plan::Power;

/// Two spot machines with everything that a lab can have, in two zones, and one on demand.
const LAB: &str = r#"
version = 1
[lab]
name = "twin"
region = "us-east-1"
[network]
zones = ["us-east-1a", "us-east-1b"]
[access]
operators = ["my-ip"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
count = 2
types = ["g5.xlarge", "g6.xlarge"]
market = "spot-then-on-demand"
elastic_ip = true
volume.data = { size_gib = 50, mount = "/data" }
[node.train]
types = ["g5.2xlarge"]
placement_group = true
"#;

/// The commands of a life, in order.
const LIFE: [Command; 4] = [
    Command::Apply,
    Command::Power(Power::Off),
    Command::Power(Power::On),
    Command::Destroy,
];

/// What a case may end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Every command succeeds.
    Succeed,
    /// A command may fail, in words that hold one of these.
    Say(&'static [&'static str]),
}

/// One row of a table.
#[derive(Debug, Clone)]
struct Case {
    scenario: String,
    lab: &'static str,
    may: May,
}

impl Case {
    fn new(scenario: String, may: May) -> Self {
        Self {
            scenario,
            lab: LAB,
            may,
        }
    }
}

fn fault(words: &str) -> String {
    format!("[[fault]]\n{words}\n")
}

/// Whether a command did all that it was to do.
fn is_done(ended: &Result<Ended, Trouble>) -> bool {
    match ended {
        Ok(Ended::Ran(report, _) | Ended::Searched(report, ..)) => report.end == RunEnd::Done,
        Ok(Ended::Looked(_)) => true,
        Err(_) => false,
    }
}

/// What a command says that did not succeed.
fn words(world: &World<'_>, ended: &Result<Ended, Trouble>) -> String {
    match ended {
        Ok(Ended::Ran(_, told) | Ended::Searched(_, told, _)) => told.clone(),
        Ok(Ended::Looked(_)) => String::new(),
        Err(trouble) => trouble.told(&world.profile()).join("\n"),
    }
}

/// Lives a life under a scenario; what does not succeed is told, and done again when the weather is clear.
fn live(case: &Case) {
    let log = Log::new(false);
    let mut world = World::of(1, case.lab, &log);
    for command in &LIFE {
        world.weather(&case.scenario);
        let ended = world.once(command);
        world.weather("");
        if is_done(&ended) {
            continue;
        }
        let told = words(&world, &ended);
        match case.may {
            May::Succeed => panic!("{command:?} failed: {told}\n{ended:?}"),
            May::Say(any) => {
                assert!(
                    any.iter().any(|words| told.contains(words)),
                    "{command:?} says:\n{told}\nand should say one of {any:?}"
                );
                assert!(
                    told.contains("roboinfra") || told.contains("aws ") || told.contains("again"),
                    "{command:?} names nothing to type:\n{told}"
                );
            }
        }
        let mut again = world.once(command);
        // A machine that was on its way when the run ended arrives in the meantime.
        for _ in 0..3 {
            if !is_done(&again) {
                world.pass();
                again = world.once(command);
            }
        }
        assert!(
            is_done(&again),
            "{command:?} again: {}\n{again:?}",
            words(&world, &again)
        );
    }
    world.is_empty();
}

/// Of a table, what a plain test run has time for: the first, the last and some between. `ROBOINFRA_MATRIX=all` is for
/// all of it.
fn sample(cases: &[Case]) -> Vec<&Case> {
    let all = std::env::var("ROBOINFRA_MATRIX").is_ok_and(|which| which == "all");
    let last = cases.len() - 1;
    let chosen = |place: usize| all || place.is_multiple_of(24) || place == last;
    let places = cases.iter().enumerate();
    places
        .filter(|(place, _)| chosen(*place))
        .map(|(_, case)| case)
        .collect()
}

/// Lives the cases, on all processors; says which fail.
fn table(name: &str, cases: &[Case]) {
    hush();
    let cases = sample(cases);
    let began = std::time::Instant::now();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    on_all_processors(|| {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let lived = entered(|| panic::catch_unwind(AssertUnwindSafe(|| live(case))));
            if lived.is_err() {
                let text = format!("{}{}", case.scenario, last_words());
                failed.lock().expect("no panic holds it").push(text);
            }
        }
    });
    let failed = failed.into_inner().expect("no panic holds it");
    println!(
        "{name}: {} cases, {} passed, {} s",
        cases.len(),
        cases.len() - failed.len(),
        began.elapsed().as_secs()
    );
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n---\n")
    );
}

/// Every action that a life takes, and how many calls it takes in all.
fn actions() -> (BTreeSet<String>, usize) {
    static KNOWN: std::sync::OnceLock<(BTreeSet<String>, usize)> = std::sync::OnceLock::new();
    KNOWN
        .get_or_init(|| {
            std::thread::spawn(|| {
                entered(|| {
                    let log = Log::new(false);
                    let mut world = World::of(1, LAB, &log);
                    for command in &LIFE {
                        let ended = world.once(command);
                        assert!(is_done(&ended), "{ended:?}");
                    }
                    let calls = world.actions();
                    (calls.iter().cloned().collect(), calls.len())
                })
            })
            .join()
            .expect("a calm life")
        })
        .clone()
}

/// One case for each action.
fn each(words: &str, may: May) -> Vec<Case> {
    let (actions, _) = actions();
    assert!(actions.len() > 45, "only {actions:?}");
    actions
        .iter()
        .map(|action| Case::new(fault(&format!("on = \"{action}\"\n{words}")), may))
        .collect()
}

const AGAIN: &[&str] = &["Run the same command again"];

#[test]
fn each_call_is_throttled_three_times() {
    table(
        "throttled three times",
        &each("kind = \"throttle\"\ntimes = 3", May::Succeed),
    );
}

#[test]
fn one_call_in_three_is_throttled() {
    let mut cases = each("kind = \"throttle\"\nevery = 3", May::Succeed);
    cases.push(Case::new(
        fault("kind = \"throttle\"\nevery = 3"),
        May::Succeed,
    ));
    cases.push(Case::new("rate_limits = true\n".to_owned(), May::Succeed));
    table("one in three throttled", &cases);
}

#[test]
fn a_call_is_throttled_without_end() {
    let may = May::Say(&["limits how fast this account may call"]);
    let mut cases = each("kind = \"throttle\"", may);
    cases.push(Case::new(fault("kind = \"throttle\""), may));
    table("throttled without end", &cases);
}

#[test]
fn each_call_meets_an_internal_error_once() {
    table(
        "5xx once",
        &each("kind = \"server-error\"\ntimes = 1", May::Succeed),
    );
}

#[test]
fn each_call_meets_internal_errors_without_end() {
    let may = May::Say(&["AWS had a fault of its own"]);
    table("5xx without end", &each("kind = \"server-error\"", may));
}

#[test]
fn each_call_is_refused_a_connection_once() {
    let may = May::Say(&["AWS cannot be reached"]);
    table("refused once", &each("kind = \"refused\"\ntimes = 1", may));
}

#[test]
fn each_call_is_refused_a_connection_without_end() {
    let may = May::Say(&["AWS cannot be reached"]);
    table("refused without end", &each("kind = \"refused\"", may));
}

#[test]
fn the_answer_of_each_call_is_lost_once() {
    table(
        "lost once",
        &each("kind = \"lost-response\"\ntimes = 1", May::Succeed),
    );
}

#[test]
fn the_answers_of_each_call_are_lost_twice() {
    table(
        "lost twice",
        &each("kind = \"lost-response\"\ntimes = 2", May::Succeed),
    );
}

/// Credentials that last so many calls of a command, and not one more.
#[test]
fn credentials_expire_at_every_call() {
    let (_, calls) = actions();
    let may = May::Say(&["session has expired"]);
    let cases: Vec<Case> = (0..calls)
        .map(|place| Case::new(fault(&format!("kind = \"expired\"\nskip = {place}")), may))
        .collect();
    table("credentials expire", &cases);
}

#[test]
fn the_clock_is_wrong() {
    let may = May::Say(&["clock"]);
    let mut cases = Vec::new();
    for (code, message, status) in [
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261120T080000Z is now earlier than 20261120T090000Z",
            403,
        ),
        (
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261120T080000Z is still later than 20261120T070000Z",
            403,
        ),
        ("RequestExpired", "Request has expired.", 400),
        (
            "RequestInTheFuture",
            "The request's date is in the future.",
            400,
        ),
        (
            "AuthFailure",
            "AWS was not able to validate the provided access credentials; Signature expired",
            401,
        ),
    ] {
        for skip in [0, 20, 60] {
            let words = format!(
                "kind = \"error\"\ncode = \"{code}\"\nmessage = \"{message}\"\nstatus = {status}\nskip = {skip}"
            );
            cases.push(Case::new(fault(&words), may));
        }
    }
    table("clock skew", &cases);
}

#[test]
fn there_is_capacity_in_one_zone_and_one_type_only() {
    const FLEET: &str = r#"
version = 1
[lab]
name = "twin"
region = "us-east-1"
[network]
zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
count = 2
types = ["g5.xlarge", "g6.xlarge", "g4dn.xlarge"]
market = "spot-then-on-demand"
volume.data = { size_gib = 50, mount = "/data" }
"#;
    let mut cases = Vec::new();
    for market in ["spot", "on-demand"] {
        for zone in ["a", "b", "c"] {
            for kind in ["g5.xlarge", "g6.xlarge", "g4dn.xlarge"] {
                let mut scenario = String::new();
                for other in ["a", "b", "c"].iter().filter(|other| **other != zone) {
                    scenario += &fault(&format!(
                        "kind = \"capacity\"\non = \"RunInstances\"\nzone = \"us-east-1{other}\""
                    ));
                }
                for other in ["g5.xlarge", "g6.xlarge", "g4dn.xlarge"] {
                    if other != kind {
                        scenario += &fault(&format!(
                            "kind = \"capacity\"\non = \"RunInstances\"\ntype = \"{other}\""
                        ));
                    }
                }
                if market == "on-demand" {
                    scenario +=
                        &fault("kind = \"capacity\"\non = \"RunInstances\"\nmarket = \"spot\"");
                }
                cases.push(Case {
                    lab: FLEET,
                    ..Case::new(scenario, May::Succeed)
                });
            }
        }
    }
    // And nowhere at all.
    cases.push(Case {
        lab: FLEET,
        ..Case::new(
            fault("kind = \"capacity\""),
            May::Say(&["no free machine of these types"]),
        )
    });
    table("capacity in one place", &cases);
}

#[test]
fn quotas_are_used_up() {
    let say = |words| May::Say(words);
    let cases = [
        Case::new(
            "[quotas]\nL-DB2E81BA = 0\n".to_owned(),
            say(&["service-quotas"]),
        ),
        Case::new(
            "[quotas]\nL-3819A6DF = 0\nL-DB2E81BA = 4\n".to_owned(),
            say(&["service-quotas"]),
        ),
        Case::new(
            "[quotas]\nL-0263D0A3 = 1\n".to_owned(),
            say(&["service-quotas"]),
        ),
        Case::new(
            "[quotas]\nL-F678F1CE = 0\n".to_owned(),
            say(&["service-quotas"]),
        ),
        Case::new(
            fault(
                "kind = \"error\"\non = \"RunInstances\"\ncode = \"VcpuLimitExceeded\"\nmessage = \"You have requested more vCPU capacity than your current vCPU limit of 8 allows\"",
            ),
            say(&["service-quotas"]),
        ),
        Case::new(
            fault(
                "kind = \"error\"\non = \"StartInstances\"\ncode = \"VcpuLimitExceeded\"\nmessage = \"You have requested more vCPU capacity than your current vCPU limit of 8 allows\"",
            ),
            say(&["service-quotas"]),
        ),
        Case::new(
            fault(
                "kind = \"error\"\non = \"RunInstances\"\ncode = \"MaxSpotInstanceCountExceeded\"\nmessage = \"Max spot instance count exceeded\"",
            ),
            say(&["service-quotas"]),
        ),
        Case::new(
            fault(
                "kind = \"error\"\non = \"AllocateAddress\"\ncode = \"AddressLimitExceeded\"\nmessage = \"The maximum number of addresses has been reached.\"",
            ),
            say(&["service-quotas"]),
        ),
    ];
    table("quotas", &cases);
}

#[test]
fn a_new_instance_profile_reaches_ec2_late() {
    let cases: Vec<Case> = [10, 30, 60, 120]
        .iter()
        .map(|s| {
            Case::new(
                format!("[times]\ninstance_profile = \"{s}s\"\n"),
                May::Succeed,
            )
        })
        .collect();
    table("instance profile late", &cases);
}

#[test]
fn each_machine_ends_before_it_runs() {
    let mut cases = Vec::new();
    for nth in 1..=3 {
        for code in [
            "Client.InternalError",
            "Client.VolumeLimitExceeded",
            "Server.InsufficientInstanceCapacity",
        ] {
            cases.push(Case::new(
                fault(&format!("kind = \"launch-failure\"\nnth = {nth}\ncode = \"{code}\"\nmessage = \"{code}: it cannot be launched\"")),
                May::Say(&["instead of running"]),
            ));
        }
    }
    table("ends before it runs", &cases);
}

/// What was just made is not found, by any call, for so long; and by each call alone.
#[test]
fn what_was_just_made_is_not_found_for_a_while() {
    let may = May::Say(AGAIN);
    // What goes is asked for by those who have seen it.
    let goes = ["\"De", "\"Dis", "\"Rel", "\"Can", "\"Rem"];
    let mut cases = each("kind = \"invisible\"\nfor = \"20s\"", may);
    cases.retain(|case| {
        let goes = goes.iter().any(|verb| case.scenario.contains(verb));
        !goes || case.scenario.contains("\"Describe")
    });
    for seconds in [1, 5, 20, 60] {
        cases.push(Case::new(
            fault(&format!("kind = \"invisible\"\nfor = \"{seconds}s\"")),
            May::Succeed,
        ));
    }
    table("not found for a while", &cases);
}

/// The answer of each creating call is lost, and what it made is not to be seen for twenty seconds.
#[test]
fn an_answer_is_lost_and_what_was_made_is_not_seen() {
    let (actions, _) = actions();
    let creating = actions.iter().filter(|action| {
        ["Create", "Run", "Allocate", "Import", "Associate"]
            .iter()
            .any(|verb| action.starts_with(verb))
    });
    let cases: Vec<Case> = creating
        .map(|action| {
            let lost = fault(&format!(
                "kind = \"lost-response\"\non = \"{action}\"\ntimes = 1"
            ));
            Case::new(
                lost + &fault("kind = \"invisible\"\nfor = \"20s\""),
                May::Say(AGAIN),
            )
        })
        .collect();
    assert!(cases.len() > 12, "{cases:?}");
    table("lost and not seen", &cases);
}

#[test]
fn pages_come_empty_with_a_token() {
    let mut cases = Vec::new();
    for often in ["times = 1", "times = 4", "every = 2"] {
        cases.extend(each(
            &format!("kind = \"empty-page\"\n{often}"),
            May::Succeed,
        ));
        cases.push(Case::new(
            fault(&format!("kind = \"empty-page\"\n{often}")),
            May::Succeed,
        ));
    }
    table("empty pages", &cases);
}

#[test]
fn everything_takes_ten_minutes() {
    let mut cases = Vec::new();
    for key in [
        "running",
        "stopped",
        "terminated",
        "volume",
        "instance_profile",
    ] {
        for minutes in [1, 5, 9, 10, 12] {
            let may = if key == "instance_profile" && minutes > 4 {
                May::Say(AGAIN)
            } else if minutes > 10 {
                May::Say(&["did not happen in time"])
            } else {
                May::Succeed
            };
            cases.push(Case::new(format!("[times]\n{key} = \"{minutes}m\"\n"), may));
        }
    }
    let all =
        "[times]\nrunning = \"10m\"\nstopped = \"10m\"\nterminated = \"10m\"\nvolume = \"10m\"\n";
    cases.push(Case::new(all.to_owned(), May::Succeed));
    table("ten minutes", &cases);
}
