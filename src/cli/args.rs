//! The command line as it is typed.

use clap::{Parser, Subcommand};

use super::global::Global;
use super::{
    apply, bootstrap, completions, demo, destroy, doctor, exit, graph, hold, import, init, logs,
    man, metrics, plan, policy, power, sandbox, schema, ssh, state, status, validate,
};

/// GPU robotics labs on AWS from one TOML file
///
/// A lab profile (lab.toml) says what a lab is. `plan` shows what would change and what it costs, `apply` makes it
/// so, `status` shows what runs, `destroy` takes it away and proves that nothing is left.
#[derive(Debug, Parser)]
#[command(name = "roboinfra", version, max_term_width = 100, after_long_help = exit_codes())]
pub(super) struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub(super) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The exit codes, for `--help` and the manual page.
fn exit_codes() -> String {
    let lines =
        exit::ALL.map(|(code, meaning)| format!("  {code:>3}  {}\n", meaning.replace('`', "")));
    format!(
        "Exit codes:\n{}Where several hold, the first of 130, 4, 7, 6 is reported.",
        lines.concat()
    )
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a starter profile.
    Init(init::InitArgs),
    /// Check the profile and show every problem in it.
    Validate(validate::ValidateArgs),
    /// Show what would change and what it costs.
    Plan(plan::PlanArgs),
    /// Make the lab as the profile says.
    Apply(apply::ApplyArgs),
    /// Take the whole lab away and prove that nothing is left.
    Destroy(destroy::DestroyArgs),
    /// Show what runs, what it costs and what to do next.
    Status(status::StatusArgs),
    /// Start stopped machines and wait until they run.
    Start(power::PowerArgs),
    /// Stop running machines and wait until they stand.
    Stop(power::PowerArgs),
    /// Leave machines alone for a while, however idle they are.
    Hold(hold::HoldArgs),
    /// Make hosts ready: driver, Docker and what else their steps install.
    Bootstrap(bootstrap::BootstrapArgs),
    /// Measure hosts and say what is wrong and what to do.
    Doctor(doctor::DoctorArgs),
    /// Show what a bootstrap step wrote on its host.
    Logs(logs::LogsArgs),
    /// Show what the machines have published in the last hours, as plots.
    Metrics(metrics::MetricsArgs),
    /// Log in to a host, or run a command on it.
    Ssh(ssh::SshArgs),
    /// Reach the services of a host through SSH.
    Tunnel(ssh::TunnelArgs),
    /// Show what is built on what.
    Graph(graph::GraphArgs),
    /// Show or mend what the lockfile remembers.
    State(state::StateArgs),
    /// Print the smallest IAM policy for this lab.
    Policy(policy::PolicyArgs),
    /// Take something that exists into the lab.
    Import(import::ImportArgs),
    /// Play a whole lab through in the sandbox.
    Demo(demo::DemoArgs),
    /// The emulated AWS by itself.
    Sandbox(sandbox::SandboxArgs),
    /// Print the JSON Schema of the profile.
    Schema(schema::SchemaArgs),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Print the manual page.
    Man(man::ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
