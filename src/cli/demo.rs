//! `demo`: a whole lab, played through in the sandbox: plan, apply, plan, status, destroy.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::session::OpenError;
use super::{apply, destroy, exit, plan, status};
use crate::profile;

/// Play a whole lab through in the sandbox: no account, no cost.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Which starter: see `roboinfra init --list`.
    #[arg(default_value = "digital-twin")]
    starter: String,
}

pub(super) async fn demo(app: &mut App, args: &DemoArgs) -> Result<u8, OpenError> {
    let starters = profile::starters();
    let Some(starter) = starters.iter().find(|starter| starter.name == args.starter) else {
        return Err(
            CliError::new(format!("there is no starter {:?}", args.starter))
                .hint("roboinfra init --list")
                .into(),
        );
    };
    let folder = std::env::temp_dir().join(format!("roboinfra-demo-{}", super::prepare::draw_id()));
    let result = play(app, &folder, starter.text).await;
    // What is left in the folder for temporary files is the system's to clear.
    let _unremoved = std::fs::remove_dir_all(&folder);
    result
}

async fn play(app: &mut App, folder: &std::path::Path, text: &str) -> Result<u8, OpenError> {
    let failed = |error: std::io::Error| {
        CliError::new(format!("could not write to {}: {error}", folder.display()))
    };
    std::fs::create_dir(folder).map_err(failed)?;
    let file = folder.join("lab.toml");
    std::fs::write(&file, text).map_err(failed)?;
    let before = std::mem::replace(&mut app.global.file, file);
    app.global.sandbox = true;
    let result = acts(app).await;
    app.global.file = before;
    result
}

async fn acts(app: &mut App) -> Result<u8, OpenError> {
    app.say("This is the sandbox: an emulated AWS inside this program. Nothing is real and nothing costs anything.");
    heading(app, "plan: what would change and what it costs");
    let plan_args = plan::PlanArgs::default();
    let mut codes = vec![plan::plan(app, &plan_args).await?];
    heading(app, "apply: make it so");
    codes.push(apply::apply(app, &apply::ApplyArgs::yes()).await?);
    heading(app, "plan: nothing more to do");
    codes.push(plan::plan(app, &plan_args).await?);
    heading(app, "status: what runs and what it costs");
    codes.push(status::status(app, &status::StatusArgs {}).await?);
    heading(app, "destroy: take it away and prove that nothing is left");
    codes.push(destroy::destroy(app, &destroy::DestroyArgs::yes()).await?);
    Ok(exit::most_telling(codes))
}

fn heading(app: &mut App, text: &str) {
    app.say(&format!("\n── roboinfra {text}\n"));
}
