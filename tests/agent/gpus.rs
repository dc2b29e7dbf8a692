//! GPUs through a library that misbehaves, and through `nvidia-smi`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::Rig;

fn conditions(look: &Value) -> Vec<String> {
    let all = look["conditions"].as_object().expect("a map");
    // What the tests' own machine does not show is no matter here.
    all.keys()
        .filter(|name| *name != "no-kernel-log")
        .cloned()
        .collect()
}

#[test]
fn eight_gpus() {
    let look = Rig::with_gpus(8, &[]).once();
    assert_eq!(look["source"], "nvml");
    assert_eq!(look["driver"], "580.95.05");
    assert_eq!(look["gpus"].as_array().map(Vec::len), Some(8));
    let gpu = &look["gpus"][7];
    for (key, value) in [
        ("index", json!(7)),
        ("uuid", json!("GPU-00000007")),
        ("bus", json!("00000000:00:25.0")),
        ("utilization", json!(37.0)),
        ("memory_used_mib", json!(4096.0)),
        ("memory_total_mib", json!(16384.0)),
        ("temperature", json!(54.0)),
        ("power_w", json!(31.42)),
        ("power_limit_w", json!(70.0)),
        ("sm_clock", json!(1590.0)),
        ("memory_clock", json!(5000.0)),
        ("ecc_uncorrected", json!(0)),
        ("processes", json!(0)),
    ] {
        assert_eq!(gpu[key], value, "{key}");
    }
    assert_eq!(conditions(&look), [""; 0]);
    assert_eq!(look["signals"]["gpu"], "busy: 37 % of a GPU is used");
    assert_eq!(look["signals"]["encoder"], "quiet");
}

#[test]
fn every_way_to_misbehave_is_a_condition_and_never_an_end() {
    // Flags of the library, its plan, the conditions, how many GPUs answer, and what is said of their use.
    let cases: [(&[&str], &str, &[&str], usize, &str); 9] = [
        (&[], "util=0", &[], 2, "quiet"),
        (
            &[],
            "util=0\nlost=1",
            &["gpu-lost", "gpu-missing"],
            1,
            "cannot tell: 1 of 2 GPUs answer",
        ),
        (
            &[],
            "util=0\ndead=0",
            &["gpu-lost", "gpu-missing"],
            1,
            "cannot tell: 1 of 2 GPUs answer",
        ),
        (&[], "util=0\nmig=1", &["mig"], 2, "quiet"),
        (
            &[],
            "util=0\nmig=1\nprocesses=2",
            &["mig"],
            2,
            "busy: 100 % of a GPU is used",
        ),
        (
            &[],
            "broken=0",
            &["gpu-unreadable"],
            2,
            "cannot tell: GPU 0 does not tell its use",
        ),
        (&["-DWITHOUT_SHUTDOWN"], "util=0", &[], 2, "quiet"),
        (
            &["-DWITHOUT_ENCODER"],
            "util=0",
            &["missing-function"],
            2,
            "quiet",
        ),
        (
            &["-DWITHOUT_UTILIZATION"],
            "",
            &["missing-function"],
            2,
            "quiet",
        ),
    ];
    for (flags, plan, expected, answer, signal) in cases {
        let rig = Rig::with_gpus(2, flags);
        rig.plan(&format!("gpus=2\n{plan}\n"));
        let look = rig.once();
        assert_eq!(conditions(&look), expected, "{flags:?} {plan}: {look:#}");
        assert_eq!(
            look["gpus"].as_array().map(Vec::len),
            Some(answer),
            "{plan}"
        );
        assert_eq!(look["signals"]["gpu"], signal, "{flags:?} {plan}");
    }
}

#[test]
fn without_the_library_nvidia_smi_is_asked() {
    let line = "0, GPU-a, Tesla T4, 0:0:0.0, 580.1, 7, 1, 1, 1, 2, 40, 30, 70, 1, 1, 0, 0, [N/A]";
    // Flags of the library (none: there is none), its plan, and the condition.
    let cases: [(Option<&[&str]>, &str, &str); 4] = [
        (None, "", "no-library"),
        (Some(&["-DWITHOUT_INIT"]), "", "missing-function"),
        (Some(&[]), "init=9", "no-driver"),
        (Some(&[]), "init=18", "driver-mismatch"),
    ];
    for (flags, plan, condition) in cases {
        let mut rig = flags.map_or_else(Rig::new, |flags| Rig::with_gpus(1, flags));
        rig.head = "expected_gpus = 1\n".to_owned();
        rig.plan(plan);
        rig.program("nvidia-smi", &format!("echo '{line}'"));
        let look = rig.once();
        assert_eq!(look["source"], "nvidia-smi", "{plan}: {look:#}");
        assert_eq!(look["gpus"][0]["utilization"], json!(7.0));
        assert_eq!(conditions(&look), [condition], "{plan}");
    }
}

#[test]
fn with_neither_it_is_said_and_the_machine_is_busy() {
    let mut rig = Rig::new();
    rig.head = "expected_gpus = 1\n".to_owned();
    rig.program("nvidia-smi", "echo 'No devices were found'; exit 6");
    let look = rig.once();
    assert_eq!(
        conditions(&look),
        ["gpu-missing", "no-driver", "no-library"]
    );
    assert_eq!(look["signals"]["gpu"], "cannot tell: 0 of 1 GPUs answer");
}

#[test]
fn a_driver_that_hangs_does_not_hold_the_daemon_up() {
    let mut rig = Rig::with_gpus(1, &[]);
    rig.sections = "[rehearsal]\nspeed = 20\n".to_owned();
    let mut daemon = rig.start();
    rig.well();
    rig.plan("gpus=1\nhang=1\n");
    let words = rig.trouble("driver-hangs");
    assert!(words.contains("no answer for"), "{words}");
    let threads =
        || std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).map_or(0, Iterator::count);
    let before = threads();
    std::thread::sleep(Duration::from_secs(1));
    assert!(threads() <= before, "a hang costs one thread");
    rig.plan("gpus=1\n");
    rig.well();
    assert!(daemon.is_alive());
    daemon.end();
}

#[test]
fn a_gpu_that_comes_back_is_asked_again() {
    let mut rig = Rig::with_gpus(2, &[]);
    rig.sections = "[rehearsal]\nspeed = 50\n".to_owned();
    let daemon = rig.start();
    rig.well();
    rig.plan("gpus=2\nlost=1\n");
    rig.trouble("gpu-lost");
    assert_eq!(rig.trouble("gpu-missing"), "1 of 2 GPUs answer");
    rig.plan("gpus=2\n");
    rig.well();
    rig.write(
        "dev/kmsg",
        "3,1,1,-;NVRM: Xid (PCI:0000:00:1e): 13, Graphics Exception",
    );
    let words = rig.trouble("xid");
    assert!(words.contains("Xid 13"), "{words}");
    daemon.end();
    let log = rig.read("log");
    assert!(
        log.contains("event=condition-begun condition=\"gpu-lost\""),
        "{log}"
    );
    assert!(log.contains("event=xid xid=\"13\""), "{log}");
}
