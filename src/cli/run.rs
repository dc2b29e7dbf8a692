//! From the words of the command line to an exit code.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::app::App;
use super::args::{Cli, Command};
use super::error::CliError;
use super::session::OpenError;
use super::settings::Settings;
use super::{
    apply, bootstrap, completions, demo, destroy, doctor, exit, graph, hold, import, init, logs,
    man, metrics, plan, policy, power, sandbox, schema, ssh, state, status, validate,
};
use crate::plan::Power;

/// Runs one command line and returns its exit code.
pub fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to be told when even this cannot be written.
            let _unheard = error.print();
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return if asked { exit::DONE } else { exit::FAILED };
        }
    };
    // An option before the command and one after it are never seen together by the parser.
    let lonely = cli.global.scenario.is_some()
        && !cli.global.sandbox
        && !matches!(cli.command, Command::Demo(_) | Command::Sandbox(_));
    let mut app = App::new(cli.global, Settings::read());
    if lonely {
        app.failed(
            &CliError::new("--scenario is for the sandbox alone")
                .hint("add --sandbox, or leave it out"),
        );
        return exit::FAILED;
    }
    let code = match dispatch(&mut app, cli.command) {
        Ok(code) => code,
        Err(OpenError::Profile(bad)) => {
            app.problems(&bad.path, &bad.text, &bad.problems);
            exit::PROFILE
        }
        Err(OpenError::Other(error)) => {
            app.failed(&error);
            error.code
        }
    };
    match app.unwritten() {
        Some(error) if matches!(code, exit::DONE | exit::CHANGES) => {
            app.failed(&error);
            error.code
        }
        _ => code,
    }
}

fn dispatch(app: &mut App, command: Command) -> Result<u8, OpenError> {
    let cloudy = match command {
        Command::Init(args) if args.state_bucket.is_none() => return Ok(init::init(app, &args)?),
        Command::Validate(args) => return Ok(validate::validate(app, &args)?),
        Command::Policy(args) => return policy::policy(app, &args),
        Command::Schema(args) => return Ok(schema::schema(app, &args)),
        Command::Completions(args) => {
            return Ok(completions::completions(app, Cli::command(), &args));
        }
        Command::Man(args) => return Ok(man::man(app, Cli::command(), &args)?),
        cloudy => cloudy,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| CliError::new(format!("could not start: {error}")))?;
    let interrupts = app.interrupts.clone();
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            result = obey(app, &cloudy) => result,
            asked = interrupts.unanswered() => {
                asked?;
                // Who listens has heard enough: nothing went wrong.
                if matches!(&cloudy, Command::Logs(args) if args.follow) {
                    return Ok(exit::INTERRUPTED);
                }
                Err(CliError::new("interrupted")
                    .code(exit::INTERRUPTED)
                    .hint("nothing was being changed at that moment; `roboinfra status{lab}` shows what exists")
                    .into())
            }
        }
    });
    // Whatever ended the command, nobody has to wait for its lease to run out.
    runtime.block_on(app.leases_given_back());
    if matches!(&result, Err(OpenError::Other(error)) if error.code == exit::INTERRUPTED)
        && app.settings.stderr_is_terminal
    {
        // The terminal has shown `^C`, perhaps behind a question.
        app.tell("\n");
    }
    // What still runs aside, such as looking up a name, is not waited for.
    runtime.shutdown_background();
    result
}

async fn obey(app: &mut App, command: &Command) -> Result<u8, OpenError> {
    match command {
        Command::Plan(args) => plan::plan(app, args).await,
        Command::Apply(args) => apply::apply(app, args).await,
        Command::Destroy(args) => destroy::destroy(app, args).await,
        Command::Status(args) => status::status(app, args).await,
        Command::Start(args) => power::power(app, args, Power::On).await,
        Command::Stop(args) => power::power(app, args, Power::Off).await,
        Command::Hold(args) => hold::hold(app, args).await,
        Command::Bootstrap(args) => bootstrap::bootstrap(app, args).await,
        Command::Doctor(args) => doctor::doctor(app, args).await,
        Command::Logs(args) => logs::logs(app, args).await,
        Command::Metrics(args) => metrics::metrics(app, args).await,
        Command::Ssh(args) => ssh::ssh(app, args).await,
        Command::Tunnel(args) => ssh::tunnel(app, args).await,
        Command::Graph(args) => graph::graph(app, args).await,
        Command::State(args) => state::state(app, args).await,
        Command::Import(args) => import::import(app, args).await,
        Command::Demo(args) => demo::demo(app, args).await,
        Command::Sandbox(args) => Ok(sandbox::sandbox(app, args).await?),
        Command::Init(args) => match &args.state_bucket {
            Some(name) => init::with_bucket(app, args, name).await,
            None => Ok(exit::DONE),
        },
        Command::Validate(_)
        | Command::Policy(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(exit::DONE),
    }
}
