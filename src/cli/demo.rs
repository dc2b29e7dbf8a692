//! `demo`: a whole lab, played through in the sandbox: plan, apply, plan, status, destroy.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::session::OpenError;
use super::{apply, destroy, exit, plan, status};
use crate::profile;
use crate::ui::{Line, Role};

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
    app.is_play = true;
    let result = acts(app).await;
    app.is_play = false;
    app.global.file = before;
    result
}

async fn acts(app: &mut App) -> Result<u8, OpenError> {
    app.say("The sandbox is an emulated AWS inside this program: nothing is real, nothing costs anything.");
    let plan_args = plan::PlanArgs::default();
    let mut codes = Vec::new();
    for act in [Act::Plan, Act::Apply, Act::Plan, Act::Status, Act::Destroy] {
        typed(app, act.words());
        let code = match act {
            Act::Plan => plan::plan(app, &plan_args).await?,
            Act::Apply => apply::apply(app, &apply::ApplyArgs::yes()).await?,
            Act::Status => status::status(app, &status::StatusArgs::default()).await?,
            Act::Destroy => destroy::destroy(app, &destroy::DestroyArgs::yes()).await?,
        };
        codes.push(code);
        if code == exit::INTERRUPTED {
            return Ok(code);
        }
    }
    app.say("\nThat was a whole lab. Yours begins with: roboinfra init my-lab");
    Ok(exit::most_telling(codes))
}

/// What is played.
#[derive(Debug, Clone, Copy)]
enum Act {
    Plan,
    Apply,
    Status,
    Destroy,
}

impl Act {
    /// As it would be typed.
    fn words(self) -> &'static str {
        match self {
            Self::Plan => "roboinfra plan --sandbox",
            Self::Apply => "roboinfra apply --sandbox --yes",
            Self::Status => "roboinfra status --sandbox",
            Self::Destroy => "roboinfra destroy --sandbox --yes",
        }
    }
}

/// Shows a command as if the user had typed it.
fn typed(app: &mut App, words: &str) {
    let line = Line::at(0).add(Role::Faint, "$ ").add(Role::Strong, words);
    let shown = line.render(&app.look_aside());
    app.conclude(&format!("\n{shown}\n\n"));
}
