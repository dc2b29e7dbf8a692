//! `policy`: the permissions that this lab takes.

use clap::{Args, ValueEnum};

use super::app::App;
use super::exit;
use super::profile_file::read_lab;
use super::session::{BadProfile, OpenError};
use crate::policy::{self, MANAGED_POLICY_LIMIT, Part};
use crate::ui;

/// Print the smallest IAM policy for this lab.
///
/// The policy is made from the profile alone and grants what this lab takes and nothing else: the lab's region, its
/// names, and wherever AWS knows tags only what carries the lab's tag. docs/permissions.md explains every statement.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// For whom: each part holds what its commands take, reading included.
    #[arg(default_value = "all")]
    part: Which,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Look only: plan, status, graph.
    Plan,
    /// Look, stop and start.
    Power,
    /// Look, stop, start, create and change, but take nothing away.
    Apply,
    /// Look and take away.
    Destroy,
    /// What the machines themselves may do.
    Host,
    /// Everything that an operator does.
    All,
}

impl Which {
    fn part(self) -> Option<Part> {
        Some(match self {
            Self::Plan => Part::Plan,
            Self::Power => Part::Power,
            Self::Apply => Part::Apply,
            Self::Destroy => Part::Destroy,
            Self::All => Part::All,
            Self::Host => return None,
        })
    }
}

pub(super) fn policy(app: &mut App, args: &PolicyArgs) -> Result<u8, OpenError> {
    let path = app.global.file.clone();
    let (text, parsed) = read_lab(&path, &app.settings)?;
    let Some(profile) = parsed.profile else {
        return Err(OpenError::Profile(BadProfile {
            path,
            text,
            problems: parsed.problems,
        }));
    };
    let Some(part) = args.part.part() else {
        let role = policy::host_role(&profile);
        if app.global.json {
            app.data(&ui::json::host_role_json(&role));
        } else {
            let shown = ui::host_role_view(&role).render(&app.look());
            app.data(&shown);
        }
        return Ok(exit::DONE);
    };
    let policy = policy::policy(&profile, part);
    if app.global.json {
        app.data(&ui::json::policy_json(&policy));
    } else {
        app.data(&ui::policy_text(&policy));
    }
    if policy.weight() > MANAGED_POLICY_LIMIT {
        app.say(&format!(
            "This is longer than one managed policy may be ({MANAGED_POLICY_LIMIT} characters): use it as the inline policy of a role, or attach plan, power, apply and destroy as policies of their own."
        ));
    }
    let profiles = policy::host_role(&profile).existing_profiles;
    if !profiles.is_empty() && matches!(part, Part::Apply | Part::All) {
        app.say(&format!(
            "The roles in the instance profiles {} are taken to have the profiles' names and no path: change the resources of ApplyPassRole where they do not.",
            profiles.join(", ")
        ));
    }
    Ok(exit::DONE)
}
