//! Idleness and the lease: the daemon as a process, on a clock that is too fast.

use crate::rig::Rig;

const IDLE: &str = "[idle]\ngpu_below_percent = 5\nfor_s = 600\nwarn_s = 180\nthen = \"power-off\"\n\
                    [rehearsal]\nspeed = 200\n";

fn told(rig: &Rig) -> Option<String> {
    let asked = rig.read("asked");
    (!asked.is_empty()).then_some(asked)
}

#[test]
fn an_idle_machine_warns_and_is_shut_down() {
    let mut rig = Rig::with_gpus(1, &[]);
    rig.plan("gpus=1\nutil=2\n");
    rig.sections = IDLE.to_owned();
    let daemon = rig.start();
    let asked = rig.until("it is shut down", told);
    assert_eq!(asked, "--no-block poweroff\n");
    let terminal = rig.read("dev/pts/0");
    assert!(terminal.contains("will shut down in 3 min"), "{terminal}");
    let warned = rig
        .read("log")
        .find("event=idle-warning")
        .expect("it warns");
    let ended = rig.read("log").find("event=idle-end").expect("it says why");
    assert!(warned < ended);
    // It does not come about: it is asked for again, and that is said.
    rig.until("it is asked again", |rig| {
        (rig.read("asked").lines().count() > 1).then_some(())
    });
    rig.trouble("still-on");
    daemon.end();
}

#[test]
fn a_machine_in_use_is_not() {
    type Use = fn(&Rig);
    let uses: [(&str, Use); 6] = [
        ("gpu", |rig| rig.plan("gpus=1\nutil=30\n")),
        ("encoder", |rig| rig.plan("gpus=1\nutil=0\nencoders=1\n")),
        ("login", |rig| {
            rig.write("proc/77/cmdline", "sshd: ada@pts/0");
        }),
        ("hold", |rig| rig.write("hold", "until=forever\nby=ada\n")),
        ("hold", |rig| rig.write("hold", "what?\n")),
        ("step", |rig| {
            rig.write(
                "proc/78/cmdline",
                "bash\0/var/lib/roboinfra/bin/runner-01\0exec\0docker\0x",
            );
        }),
    ];
    let running: Vec<(Rig, &str)> = uses
        .into_iter()
        .map(|(signal, make)| {
            let mut rig = Rig::with_gpus(1, &[]);
            rig.plan("gpus=1\nutil=0\n");
            rig.sections = IDLE.to_owned();
            make(&rig);
            (rig, signal)
        })
        .collect();
    let daemons: Vec<_> = running.iter().map(|(rig, _)| rig.start()).collect();
    for ((rig, signal), daemon) in running.iter().zip(daemons) {
        // Twenty minutes of its own, after it has looked at the GPU.
        let begun = rig.until("it says", |rig| {
            let status = rig.status().filter(|status| !status.gpus.is_empty())?;
            status.idle.is_some().then_some(status.at)
        });
        rig.until("twenty minutes pass", |rig| {
            (rig.status()?.at >= begun + 1200).then_some(())
        });
        let idle = rig
            .status()
            .and_then(|status| status.idle)
            .expect("it says");
        let signals: Vec<&str> = idle.busy.iter().map(|one| one.signal.as_str()).collect();
        assert_eq!(signals, [*signal]);
        assert_eq!((idle.idle_s, idle.ends_in_s), (0, None));
        assert_eq!(told(rig), None, "{signal}");
        daemon.end();
    }
}

#[test]
fn use_takes_a_warning_back() {
    let mut rig = Rig::with_gpus(1, &[]);
    rig.plan("gpus=1\nutil=0\n");
    rig.sections = IDLE.replace("speed = 200", "speed = 100");
    let daemon = rig.start();
    rig.until("it warns", |rig| {
        rig.read("log").contains("event=idle-warning").then_some(())
    });
    rig.write("hold", "until=forever\nby=ada\n");
    rig.until("it takes it back", |rig| {
        rig.read("log").contains("event=idle-over").then_some(())
    });
    assert!(rig.read("dev/pts/0").contains("stays on"));
    let idle = rig
        .status()
        .and_then(|status| status.idle)
        .expect("it says");
    assert!(idle.busy[0].why.contains("by ada"), "{idle:?}");
    assert_eq!(told(&rig), None);
    daemon.end();
}

#[test]
fn without_gpus_the_cpus_count() {
    let mut rig = Rig::new();
    rig.sections = IDLE.to_owned();
    // Its counters stand still, so its use is not known: it is busy.
    let daemon = rig.start();
    let status = rig.until("it says", |rig| {
        rig.status()?.idle.filter(|idle| !idle.busy.is_empty())
    });
    assert_eq!(status.busy[0].signal, "cpu");
    assert!(status.busy[0].why.starts_with("cannot tell"), "{status:?}");
    rig.trouble("cannot-tell");
    daemon.end();
}

#[test]
fn a_lease_ends_a_machine_in_use_and_survives_restarts() {
    let mut rig = Rig::with_gpus(1, &[]);
    rig.plan("gpus=1\nutil=90\n");
    rig.sections = "[lease]\nttl_s = 1800\nwarn_s = 300\n[rehearsal]\nspeed = 100\n".to_owned();
    let mut left = 1800;
    for round in 0..4 {
        let daemon = rig.start();
        let now = rig.until("some of it passes", |rig| {
            let now = rig.status()?.lease?.left_s;
            (now + 150 < left).then_some(now)
        });
        assert!(now < left, "{round}: {now} of {left}");
        left = now;
        if round % 2 == 0 {
            daemon.end();
        } else {
            daemon.kill();
        }
        assert_eq!(told(&rig), None);
    }
    // What had not been written down when it was killed is forgiven, and no more than a minute of it.
    let daemon = rig.start();
    rig.until("it ends", told);
    let log = rig.read("log");
    assert!(
        log.contains("event=lease-warning") && log.contains("event=lease-end"),
        "{log}"
    );
    daemon.end();
}
