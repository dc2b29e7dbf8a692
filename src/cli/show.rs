//! Puts plans and reports before the user.

use super::app::App;
use super::prepare::Prepared;
use super::session::Session;
use crate::ui::{self, Place, PlanReport};

/// The options that make another command speak of the same lab.
pub(super) fn same_lab(app: &App) -> String {
    let global = &app.global;
    let mut options = String::new();
    if global.file.as_os_str() != "lab.toml" {
        options.push_str(&format!(" -f {}", global.file.display()));
    }
    if let Some(lockfile) = &global.lockfile {
        options.push_str(&format!(" --lockfile {}", lockfile.display()));
    }
    if global.sandbox {
        options.push_str(" --sandbox");
    }
    if let Some(profile) = &global.aws_profile {
        options.push_str(&format!(" --aws-profile {profile}"));
    }
    options
}

/// Where the lab is, for headings.
pub(super) fn place(session: &Session, prepared: &Prepared) -> Place {
    let identity = &prepared.reading.identity;
    Place {
        lab: session.profile.name.clone(),
        region: identity.region.clone(),
        account: identity.account.clone(),
        endpoint: identity.endpoint.clone(),
    }
}

/// Shows a plan.
pub(super) fn plan(app: &mut App, session: &Session, prepared: &Prepared, next: &[String]) {
    let place = place(session, prepared);
    let report = PlanReport {
        place: &place,
        plan: &prepared.plan,
        bill: &prepared.bill,
        notices: &prepared.notices,
        warnings: &prepared.warnings,
        pins: &prepared.reading.gathered.pins,
        next,
        verbose: app.global.verbose,
    };
    if app.global.json {
        app.data(&ui::json::plan_json(&report));
    } else {
        let shown = ui::plan_view(&report, &app.look());
        app.data(&shown);
    }
}
