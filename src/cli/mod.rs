//! The command line: arguments, settings, composition of everything else, one file per command.
//!
//! Owns: what is typed, what is asked, exit codes, and which parts are put together. Does not own: any decision that
//! a part can make by itself.

mod agents;
mod app;
mod apply;
mod args;
mod books;
mod bootstrap;
mod completions;
mod confirm;
mod demo;
mod destroy;
mod doctor;
mod error;
mod exec;
pub mod exit;
mod global;
mod graph;
mod hold;
mod host_logs;
mod hosts;
mod hosts_after;
mod import;
mod init;
mod interrupts;
mod leased;
mod logs;
mod man;
mod metrics;
mod named;
mod plan;
mod policy;
mod power;
mod prepare;
mod profile_file;
mod rebuild;
mod recall;
mod reference;
mod report;
mod rollback;
mod run;
mod sandbox;
mod saved;
mod schema;
mod scope;
mod secrets;
mod session;
mod settings;
mod shared;
mod shared_base;
mod shared_told;
mod show;
mod ssh;
mod state;
mod state_bucket;
mod state_edit;
mod status;
mod stepless;
mod target;
mod tend;
mod validate;

pub use reference::reference;
pub use run::run;
