//! One suite of scenarios against two clouds: the sandbox, where everything must pass, and moto's server, where the
//! deviations listed in `conformance/allowed.rs` are allowed, each with the AWS document that says otherwise.
//!
//! The sandbox always runs. moto runs where `ROBOINFRA_MOTO=1` is set and `python3` finds moto 5.2 (see
//! `tests/moto/requirements.txt`); where it does not run, the tests that need it are ignored and counted as such.

#[path = "conformance/allowed.rs"]
mod allowed;
#[path = "conformance/bench.rs"]
mod bench;
#[path = "conformance/scenarios.rs"]
mod scenarios;

use bench::{Bench, Cloud};

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod sandbox {
            $(#[test]
            fn $name() {
                super::scenarios::$name(&super::Bench::new(super::Cloud::Sandbox, stringify!($name)));
            })*
        }

        mod moto {
            $(#[test]
            #[ignore = "needs moto: ROBOINFRA_MOTO=1 cargo test --test conformance -- --include-ignored"]
            fn $name() {
                super::scenarios::$name(&super::Bench::new(super::Cloud::Moto, stringify!($name)));
            })*
        }
    };
}

suite![
    a_lab_comes_and_goes,
    a_changed_profile_changes_the_lab,
    a_lost_machine_is_made_again,
    a_lost_lockfile_is_made_again,
    alarms_come_change_and_go,
    machines_stop_and_start,
    an_existing_network_is_left_alone,
    a_kept_volume_outlives_the_lab,
    spot_machines_come_and_go,
    a_saved_plan_is_applied_or_refused,
    a_part_is_aimed_at,
    a_state_is_shared,
];
