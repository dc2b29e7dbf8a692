//! State in a bucket, used by the real program from several folders at once, each as if it were a machine of its own.
//! Their common account is one world of the sandbox.

#[path = "shared/account.rs"]
mod account;
#[path = "cli/bench.rs"]
#[expect(dead_code, reason = "the tests of one machine use the rest")]
mod bench;

#[path = "shared/bucket.rs"]
mod bucket;
#[path = "shared/calls.rs"]
mod calls;
#[path = "shared/damage.rs"]
mod damage;
#[path = "shared/hosts.rs"]
mod hosts;
#[path = "shared/moving.rs"]
mod moving;
#[path = "shared/two.rs"]
mod two;
