//! Bootstrap over a real sshd with the real runner, in a folder of the test's own: cut, held, left alone and begun again.
//! The steps are small scripts; what they install is of no interest here. Without an sshd the tests say that they are skipped.

#[path = "ssh/server.rs"]
#[expect(dead_code, reason = "the tests of the adapter use all of it")]
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roboinfra::apply::{HostJob, Stop, Tending, bootstrap};
use roboinfra::assets::{Step, parse_header, script};
use roboinfra::event::{HostEvent, HostNews};
use roboinfra::host::{
    AgentWish, Arch, Expected, HostEnd, HostFile, NoSecret, Verdict, Wanted, WantedStep,
};
use roboinfra::model::{Address, Secret};
use roboinfra::port::{Clock, TestClock, TokioClock};
use roboinfra::ssh::Ssh;

use server::{Fate, Server};

fn rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A step that leaves a line in `marks` each time it does something.
fn step(name: &str, marks: &Path, body: &str) -> Arc<Step> {
    let marks = marks.display();
    let text = format!(
        "#!/usr/bin/env bash\n# roboinfra:step {name}\n# roboinfra:about a step of a test\n\
         # roboinfra:reboot never\n# roboinfra:timeout 60s\n# roboinfra:proof its mark\n\
         # roboinfra:systems any\n# roboinfra:inputs FLAVOUR=plain\n# roboinfra:secrets TOKEN\n\
         check() {{ grep -qx \"{name} $FLAVOUR\" {marks}; }}\n\
         apply() {{\n{body}\necho \"{name} $FLAVOUR\" >> {marks}\n}}\n\
         versions() {{ say \"{name}=1\"; }}\n"
    );
    let header = parse_header(&text).expect("a header");
    let text = text.into();
    Arc::new(Step { header, text })
}

struct Rig {
    server: Server,
    clock: Arc<dyn Clock>,
    silence: Duration,
    steps: Vec<Arc<Step>>,
    secrets: Result<Vec<(String, Secret)>, NoSecret>,
    inputs: BTreeMap<String, String>,
    files: Vec<HostFile>,
}

impl Rig {
    fn new() -> Option<Self> {
        let server = Server::start()?;
        std::fs::write(server.folder().join("marks"), "").expect("writable");
        Some(Self {
            server,
            clock: Arc::new(TokioClock),
            silence: Duration::from_secs(20),
            steps: Vec::new(),
            secrets: Ok(vec![("TOKEN".to_owned(), Secret::new("hunter2-hunter2"))]),
            inputs: BTreeMap::new(),
            files: Vec::new(),
        })
    }

    fn step(mut self, name: &str, body: &str) -> Self {
        let marks = self.server.folder().join("marks");
        self.steps.push(step(name, &marks, body));
        self
    }

    fn marks(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.server.folder().join("marks")).expect("marks");
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn job(&self) -> HostJob {
        let target = self.server.target();
        HostJob {
            wanted: Wanted {
                address: target.address.clone(),
                steps: self
                    .steps
                    .iter()
                    .map(|step| WantedStep {
                        script: script(step, &self.inputs, &BTreeMap::new()),
                        secrets: self.secrets.clone(),
                        files: self.files.clone(),
                    })
                    .collect(),
                expected: Expected::default(),
                agent: AgentWish::NotAsked,
            },
            target,
        }
    }

    fn tending(&self) -> Tending {
        Tending {
            hosts: Arc::new(Ssh::new(self.server.folder().join("known_hosts"))),
            clock: Arc::clone(&self.clock),
            parallelism: 10,
            patience: Duration::from_secs(20),
            silence: self.silence,
            home: self.server.folder().join("home").display().to_string(),
        }
    }

    /// Bootstraps; `react` sees every event.
    fn run(&self, react: impl FnMut(&HostEvent)) -> Verdict {
        let mut verdicts = self.run_all(&[self.job()], react);
        verdicts.pop().expect("one verdict")
    }

    fn run_all(&self, jobs: &[HostJob], mut react: impl FnMut(&HostEvent)) -> Vec<Verdict> {
        rt().block_on(async {
            let mut tell = |event: HostEvent| react(&event);
            bootstrap(
                &self.tending(),
                jobs,
                &Stop::default(),
                &mut tell,
                &mut |_, _| {},
            )
            .await
        })
    }
}

const SLOW: &str = "for i in 1 2 3 4 5 6; do say \"line $i\"; sleep 0.3; done";

fn logged(text: &mut Vec<u8>, event: &HostEvent) {
    if let HostNews::Log { offset, bytes, .. } = &event.news {
        text.truncate(usize::try_from(*offset).expect("small"));
        text.extend_from_slice(bytes);
    }
}

#[test]
fn steps_run_once_in_their_order_and_again_when_they_change() {
    let Some(rig) = Rig::new() else { return };
    let mut rig = rig
        .step("first", "say hello")
        .step("second", "say \"token has ${#TOKEN} letters\"");
    let mut log = Vec::new();
    let verdict = rig.run(|event| logged(&mut log, event));
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!((verdict.ran, verdict.done.len()), (2, 2));
    assert_eq!(rig.marks(), ["first plain", "second plain"]);
    assert_eq!(verdict.versions.get("second"), "1");
    assert!(String::from_utf8_lossy(&log).contains("token has 15 letters"));
    // The second time nothing is started.
    let verdict = rig.run(|event| assert!(!matches!(event.news, HostNews::StepBegun { .. })));
    assert_eq!((verdict.end, verdict.ran), (HostEnd::Ready, 0));
    // Another input is another script.
    rig.inputs.insert("FLAVOUR".to_owned(), "sweet".to_owned());
    let verdict = rig.run(|_| ());
    assert_eq!((verdict.end, verdict.ran), (HostEnd::Ready, 2));
    assert_eq!(rig.marks()[2..], ["first sweet", "second sweet"]);
    let found = std::process::Command::new("grep")
        .args(["-r", "hunter2"])
        .arg(rig.server.folder())
        .output()
        .expect("grep runs");
    assert_eq!(
        String::from_utf8_lossy(&found.stdout),
        "",
        "the secret stays nowhere"
    );
}

#[test]
fn a_secret_that_cannot_be_read_stops_only_what_takes_it() {
    let Some(rig) = Rig::new() else { return };
    let mut rig = rig.step("first", "say hello");
    assert_eq!(rig.run(|_| ()).end, HostEnd::Ready);
    let why = NoSecret {
        what: "the secret TOKEN: there is no environment variable TOKEN".to_owned(),
        help: "set it".to_owned(),
    };
    rig.secrets = Err(why.clone());
    // What is done takes none.
    assert_eq!(rig.run(|_| ()).end, HostEnd::Ready);
    let rig = rig.step("second", "say never");
    let verdict = rig.run(|_| ());
    let step = "second".to_owned();
    assert_eq!(verdict.end, HostEnd::NoSecret { step, why });
    assert_eq!((verdict.ran, verdict.done.len()), (0, 1));
    assert_eq!(rig.marks(), ["first plain"]);
}

#[test]
fn what_is_done_stays_done_when_its_secret_cannot_be_read_for_once() {
    let Some(rig) = Rig::new() else { return };
    let mut rig = rig.step("first", "say hello");
    assert_eq!(rig.run(|_| ()).end, HostEnd::Ready);
    let secrets = rig.secrets.clone();
    let why = NoSecret {
        what: "the secret TOKEN: there is no environment variable TOKEN".to_owned(),
        help: "set it".to_owned(),
    };
    rig.secrets = Err(why);
    // Without its secret a step looks like another one.
    let inputs = rig.inputs.clone();
    rig.inputs
        .insert("FLAVOUR".to_owned(), "unknown".to_owned());
    assert!(matches!(rig.run(|_| ()).end, HostEnd::NoSecret { .. }));
    (rig.secrets, rig.inputs) = (secrets, inputs);
    let verdict = rig.run(|_| ());
    assert_eq!((verdict.end, verdict.ran), (HostEnd::Ready, 0));
}

#[test]
fn a_connection_that_is_cut_goes_on_where_the_log_stands() {
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step("slow", SLOW).step("after", "say done");
    let mut log = Vec::new();
    let mut cut = false;
    let verdict = rig.run(|event| {
        logged(&mut log, event);
        match &event.news {
            HostNews::Log { step, .. } if step == "slow" && !cut => {
                cut = true;
                rig.server.fate(Fate::Cut);
            }
            HostNews::Waiting { .. } => rig.server.fate(Fate::Pass),
            _ => {}
        }
    });
    assert!(cut);
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!(
        rig.marks(),
        ["slow plain", "after plain"],
        "each effect once"
    );
    assert_eq!(verdict.ran, 2);
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(
        log.starts_with("=== try 1"),
        "the last step's log is whole: {log}"
    );
}

/// A step that takes a file of some pieces with it, for machines like this one, and another for others.
fn with_file() -> Option<(Rig, String, usize)> {
    let mut rig = Rig::new()?;
    let here = Arch::ALL
        .into_iter()
        .find(|arch| arch.uname() == std::env::consts::ARCH)?;
    let bytes: Vec<u8> = (0..1_500_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let size = bytes.len();
    let file = HostFile::new(here, bytes);
    let digest = file.digest.clone();
    let others = Arch::ALL.into_iter().filter(|arch| *arch != here);
    rig.files = others
        .map(|arch| HostFile::new(arch, vec![0; 9]))
        .chain([file])
        .collect();
    let body = format!("[[ $(sha256sum <$ROBOINFRA_HOME/files/{digest}) == {digest}* ]]");
    Some((rig.step("installs", &body), digest, size))
}

#[test]
fn a_program_is_sent_whole_and_only_where_it_is_not() {
    let Some((mut rig, digest, size)) = with_file() else {
        return;
    };
    let mut sent = Vec::new();
    let mut note = |event: &HostEvent| {
        if let HostNews::Sending { sent: at, of, .. } = &event.news {
            sent.push((*at, *of));
        }
    };
    let verdict = rig.run(&mut note);
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    // Another input is another script, with the same program.
    rig.inputs.insert("FLAVOUR".to_owned(), "sweet".to_owned());
    let verdict = rig.run(&mut note);
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!(rig.marks(), ["installs plain", "installs sweet"]);
    assert_eq!(sent.len(), size.div_ceil(256 * 1024), "{sent:?}");
    assert!(sent.is_sorted() && sent[0] == (0, size as u64), "{sent:?}");
    let kept: Vec<_> = std::fs::read_dir(rig.server.folder().join("home/files"))
        .expect("its files")
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    assert_eq!(kept, [digest.as_str()], "only the one for this processor");
}

#[test]
fn a_program_whose_way_is_cut_goes_on_where_it_was() {
    let Some((rig, _, size)) = with_file() else {
        return;
    };
    let mut sent = Vec::new();
    let mut cut = false;
    let verdict = rig.run(|event| match &event.news {
        HostNews::Sending { sent: at, .. } => {
            sent.push(*at);
            if *at > 500_000 && !cut {
                cut = true;
                rig.server.fate(Fate::Cut);
            }
        }
        HostNews::Waiting { .. } => rig.server.fate(Fate::Pass),
        _ => {}
    });
    assert!(cut);
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!(rig.marks(), ["installs plain"]);
    // What was there before the cut was not sent again.
    assert!(sent.is_sorted(), "{sent:?}");
    assert!(sent.len() <= size.div_ceil(256 * 1024) + 1, "{sent:?}");
}

#[test]
fn a_cut_in_a_step_that_takes_longer_than_patience_is_waited_out() {
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step(
        "long",
        "for i in 1 2 3 4 5 6 7 8 9 10; do say \"line $i\"; sleep 1; done",
    );
    let mut tending = rig.tending();
    tending.patience = Duration::from_secs(7);
    let mut log = Vec::new();
    let mut cut = false;
    let verdicts = rt().block_on(async {
        let mut tell = |event: HostEvent| {
            logged(&mut log, &event);
            match &event.news {
                HostNews::Log { .. } if !cut && log.ends_with(b"line 9\n") => {
                    cut = true;
                    rig.server.fate(Fate::Cut);
                }
                HostNews::Waiting { .. } => rig.server.fate(Fate::Pass),
                _ => {}
            }
        };
        let jobs = [rig.job()];
        bootstrap(&tending, &jobs, &Stop::default(), &mut tell, &mut |_, _| {}).await
    });
    assert!(cut);
    assert_eq!(verdicts[0].end, HostEnd::Ready, "{verdicts:?}");
    assert_eq!(rig.marks(), ["long plain"]);
}

#[test]
fn a_host_that_falls_silent_is_noticed_and_found_again() {
    let Some(mut rig) = Rig::new() else { return };
    rig.silence = Duration::from_secs(6);
    let rig = rig.step("slow", SLOW);
    let mut held = None;
    let mut noticed = None;
    let verdict = rig.run(|event| match &event.news {
        HostNews::Log { .. } if held.is_none() => {
            held = Some(Instant::now());
            rig.server.fate(Fate::Hold);
        }
        HostNews::Waiting { why, .. } => {
            noticed.get_or_insert_with(|| (held.expect("held before").elapsed(), why.clone()));
            rig.server.fate(Fate::Pass);
        }
        _ => {}
    });
    let (took, why) = noticed.expect("the silence is noticed");
    assert!(took < Duration::from_secs(10), "{took:?}: {why}");
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!(rig.marks(), ["slow plain"]);
}

#[test]
fn a_client_that_is_gone_is_not_missed_and_the_next_one_follows() {
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step("slow", SLOW);
    // The client goes in the middle: everything it knew is lost.
    rt().block_on(async {
        let (tending, jobs, stop) = (rig.tending(), [rig.job()], Stop::default());
        let seen = std::cell::Cell::new(false);
        let mut tell = |event: HostEvent| {
            if matches!(event.news, HostNews::Log { .. }) {
                seen.set(true);
            }
        };
        let mut over = |_: usize, _: &Verdict| {};
        let work = bootstrap(&tending, &jobs, &stop, &mut tell, &mut over);
        tokio::pin!(work);
        while !seen.get() {
            tokio::select! {
                _ = &mut work => panic!("it should still run"),
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
    });
    let mut resumed = false;
    let mut log = Vec::new();
    let verdict = rig.run(|event| {
        logged(&mut log, event);
        resumed |= matches!(event.news, HostNews::StepBegun { resumed: true, .. });
    });
    assert!(resumed, "the step was still running");
    assert_eq!((verdict.end, verdict.ran), (HostEnd::Ready, 0));
    assert_eq!(rig.marks(), ["slow plain"]);
    assert!(
        String::from_utf8_lossy(&log).contains("line 1"),
        "the log is read from its beginning"
    );
}

#[test]
fn what_may_pass_is_tried_again_and_what_will_not_is_told() {
    let Some(mut rig) = Rig::new() else { return };
    // Its waits are long; this clock does not wait.
    rig.clock = Arc::new(TestClock::new(TokioClock.now()));
    let tries = rig.server.folder().join("tries").display().to_string();
    let later = format!(
        "echo x >> {tries}; [ $(wc -l < {tries}) -ge 3 ] || try_later \"apt's lock is held\""
    );
    let rig = rig.step("later", &later);
    let mut again = Vec::new();
    let verdict = rig.run(|event| {
        if let HostNews::Again { why, .. } = &event.news {
            again.push(why.clone());
        }
    });
    assert_eq!(verdict.end, HostEnd::Ready, "{verdict:?}");
    assert_eq!(again, ["apt's lock is held", "apt's lock is held"]);
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step(
        "bad",
        "say before; give_up no-space \"the disk is full\" \"make it larger\"",
    );
    let verdict = rig.run(|_| ());
    let HostEnd::Failed {
        step, code, tail, ..
    } = verdict.end
    else {
        panic!("{verdict:?}");
    };
    assert_eq!((step.as_str(), code), ("bad", Some(1)));
    assert!(
        tail.iter()
            .any(|line| line == "roboinfra: error no-space: the disk is full"),
        "{tail:?}"
    );
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step("unproven", "sed() { :; }; exit 0");
    let verdict = rig.run(|_| ());
    let HostEnd::Failed { tail, .. } = verdict.end else {
        panic!("{verdict:?}");
    };
    assert!(
        tail.iter().any(|line| line.contains("not-proven")),
        "{tail:?}"
    );
}

#[test]
fn one_host_that_never_answers_holds_no_other() {
    let Some(rig) = Rig::new() else { return };
    let rig = rig.step("first", "say hello");
    let mut dead = rig.job();
    dead.target.address = Address::new("edge.dead");
    dead.target.port = 1;
    let mut order = Vec::new();
    let mut tending = rig.tending();
    tending.patience = Duration::from_secs(15);
    let jobs = [dead, rig.job()];
    let verdicts = rt().block_on(async {
        let mut tell = |event: HostEvent| {
            if let HostNews::Over { .. } = event.news {
                order.push(event.address.to_string());
            }
        };
        bootstrap(&tending, &jobs, &Stop::default(), &mut tell, &mut |_, _| {}).await
    });
    assert_eq!(order, ["edge.test", "edge.dead"]);
    assert!(matches!(verdicts[0].end, HostEnd::Unreachable(_)));
    assert_eq!(verdicts[1].end, HostEnd::Ready);
}
