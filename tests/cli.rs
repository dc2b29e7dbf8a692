//! The program as it is typed: exit codes, streams, files, signals. Runs the real binary in folders of its own, in an
//! environment with nothing in it.

#[path = "cli/bench.rs"]
mod bench;

#[path = "cli/account.rs"]
mod account;
#[path = "cli/busy.rs"]
mod busy;
#[path = "cli/edits.rs"]
mod edits;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/hosts.rs"]
mod hosts;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/options.rs"]
mod options;
#[path = "cli/outcomes.rs"]
mod outcomes;
#[path = "cli/own_steps.rs"]
mod own_steps;
#[path = "cli/power.rs"]
mod power;
#[path = "cli/profile.rs"]
mod profile;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/served.rs"]
mod served;
#[path = "cli/stacks.rs"]
mod stacks;
#[path = "cli/streams.rs"]
mod streams;
