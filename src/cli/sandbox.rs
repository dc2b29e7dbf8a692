//! `sandbox`: the emulated AWS by itself, for any AWS client.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::app::App;
use super::error::CliError;
use super::exit;
use super::interrupts::Signals;
use super::session::scenario;
use crate::sandbox::{Options, Sandbox};

/// The emulated AWS by itself.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

/// What to do with it.
#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Serve it on 127.0.0.1, so that any AWS client can talk to it: set AWS_ENDPOINT_URL.
    Serve {
        /// The port; 0 for any that is free.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// A file to keep its world in; it is forgotten at the end unless given.
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
    },
}

pub(super) async fn sandbox(app: &mut App, args: &SandboxArgs) -> Result<u8, CliError> {
    let SandboxCommand::Serve { port, world } = &args.command;
    let mut options = Options::default();
    if let Some(path) = &app.global.scenario {
        options.scenario = scenario(path)?;
    }
    let sandbox = match world {
        None => Sandbox::new(options),
        Some(path) => Sandbox::open(path, options).map_err(|error| {
            CliError::new(format!(
                "could not open the world {}: {error}",
                path.display()
            ))
        })?,
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", *port))
        .await
        .map_err(|error| CliError::new(format!("could not listen on 127.0.0.1:{port}: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| CliError::new(error.to_string()))?;
    if app.global.json {
        app.json(&serde_json::json!({"type": "serving", "endpoint": format!("http://{address}")}));
    } else {
        app.data(&format!("http://{address}\n"));
    }
    app.say(&format!(
        "The sandbox answers at http://{address} until it is interrupted. For example:"
    ));
    app.say(&format!(
        "  AWS_ENDPOINT_URL=http://{address} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any \\"
    ));
    app.say("    aws ec2 describe-vpcs --region us-east-1");
    let _held = app.interrupts.hold();
    let mut signals = Signals::new()?;
    tokio::select! {
        ended = sandbox.serve(listener) => {
            let Err(error) = ended;
            return Err(CliError::new(format!("could not go on listening: {error}")));
        }
        () = signals.next() => {}
    }
    Ok(exit::DONE)
}
