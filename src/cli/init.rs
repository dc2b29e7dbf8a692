//! `init`: a starter profile.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::session::{OpenError, Session};
use super::show::same_lab;
use crate::model::{Failure, FailureClass, LabName};
use crate::profile;

/// Write a starter profile.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The lab's name; the starter's own unless given.
    name: Option<String>,
    /// Which starter: see --list.
    #[arg(long, short, value_name = "STARTER", default_value = "digital-twin")]
    profile: String,
    /// List the starters.
    #[arg(long)]
    list: bool,
    /// Make an S3 bucket for shared state, or bring your own into order: versioned, encrypted, closed to the public.
    /// An existing profile is left as it is.
    #[arg(long, value_name = "NAME")]
    pub(super) state_bucket: Option<String>,
    /// Write over an existing file.
    #[arg(long)]
    force: bool,
}

pub(super) fn init(app: &mut App, args: &InitArgs) -> Result<u8, CliError> {
    let starters = profile::starters();
    if args.list {
        for starter in starters {
            if app.global.json {
                app.json(
                    &serde_json::json!({"type": "starter", "name": starter.name, "about": starter.about}),
                );
                continue;
            }
            app.data(&format!("{:<20} {}\n", starter.name, starter.about));
        }
        return Ok(super::exit::DONE);
    }
    let Some(starter) = starters.iter().find(|starter| starter.name == args.profile) else {
        let names: Vec<_> = starters.iter().map(|starter| starter.name).collect();
        return Err(
            CliError::new(format!("there is no starter {:?}", args.profile))
                .hint(format!("choose one of {}", names.join(", "))),
        );
    };
    let text = match &args.name {
        None => starter.text.to_owned(),
        Some(name) => {
            let name = LabName::try_from(name.as_str())
                .map_err(|error| CliError::new(error.to_string()))?;
            renamed(starter.text, starter.name, &name)
        }
    };
    let text = match &args.state_bucket {
        Some(bucket) => format!(
            "{text}\n[state]\nbucket = \"{}\"\n",
            bucket.escape_default()
        ),
        None => text,
    };
    let path = app.global.file.clone();
    let written = if args.force {
        std::fs::write(&path, &text)
    } else {
        std::fs::File::create_new(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
    };
    written.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            CliError::new(format!("{} exists already", path.display()))
                .hint("write over it with --force, or choose another file with --file")
        } else {
            CliError::new(format!("could not write {}: {error}", path.display()))
        }
    })?;
    app.say(&format!(
        "Wrote {} from the starter {}.",
        path.display(),
        starter.name
    ));
    let other = args.name.as_deref().filter(|name| *name != starter.name);
    if let Some(name) = other.filter(|name| starters.iter().any(|other| other.name == *name)) {
        app.say(&format!(
            "{name} is a starter, too: roboinfra init --force --profile {name}"
        ));
    }
    let lab = same_lab(app);
    let sandbox = if app.global.sandbox { "" } else { " --sandbox" };
    app.say(&format!(
        "Next: roboinfra plan{lab}{sandbox}, which needs no account; then roboinfra plan{lab}"
    ));
    Ok(super::exit::DONE)
}

/// Makes a bucket for shared state, and a profile that uses it if there is none.
pub(super) async fn with_bucket(
    app: &mut App,
    args: &InitArgs,
    name: &str,
) -> Result<u8, OpenError> {
    if args.list || args.force || !app.global.file.exists() {
        init(app, args)?;
    }
    if args.list {
        return Ok(super::exit::DONE);
    }
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let identity = session.cloud.identity().await;
    let account = identity.map_err(|failure| session.told(&failure))?.account;
    let bucket = crate::aws::Bucket::connect(&session.connection, name).await;
    let bucket = bucket.map_err(|failure| session.told(&failure))?;
    let busy = app.busy("making the bucket");
    let made = bucket.make(&account).await;
    drop(busy);
    let made = made.map_err(|failure| refused(&session, name, &failure))?;
    app.say(&format!(
        "{} the bucket {name} in {}: versioned, encrypted with {}, closed to the public{}.",
        if made.is_new { "Made" } else { "Checked" },
        made.region,
        made.encryption,
        if made.policy_left { "" } else { ", TLS only" },
    ));
    if made.policy_left {
        app.say("It has a policy of its own, which was left as it is.");
    }
    if session.bucket_name() != name {
        app.say(&format!(
            "To use it, write this into {}:\n\n[state]\nbucket = \"{name}\"\n",
            app.global.file.display()
        ));
    }
    app.say(&format!("Next: roboinfra plan{}", same_lab(app)));
    Ok(super::exit::DONE)
}

fn refused(session: &Session, name: &str, failure: &Failure) -> CliError {
    let taken = match failure.code.as_deref() {
        Some("BucketAlreadyExists") => true,
        _ => failure.class == FailureClass::Permission && failure.operation == "HeadBucket",
    };
    if taken {
        return CliError::new(format!("the bucket {name} is somebody else's, or you may not use it"))
            .code(super::exit::CREDENTIALS)
            .because(failure.to_string())
            .hint("names of buckets are shared by everybody: choose another, such as one with your account's name in it");
    }
    session
        .told(failure)
        .hint("what was made of the bucket stays; run the same command again to go on")
}

/// The starter's text with another lab name; the first `name = "…"` is the lab's.
fn renamed(text: &str, from: &str, to: &LabName) -> String {
    text.replacen(&format!("\"{from}\""), &format!("\"{to}\""), 1)
}
