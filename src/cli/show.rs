//! Puts plans and reports before the user.

use super::app::App;
use super::prepare::Prepared;
use super::session::{SANDBOX, Session};
use crate::plan::Mode;
use crate::ui::{self, Place, PlanReport};

/// The options that make another command speak of the same lab.
pub(super) fn same_lab(app: &App) -> String {
    app.same_lab()
}

/// Where the lab is, for headings.
pub(super) fn place(app: &App, session: &Session, prepared: &Prepared) -> Place {
    let identity = &prepared.reading.identity;
    // A lab of edge hosts alone has no endpoint; that its hosts are played must be seen all the same.
    let endpoint = if app.global.sandbox {
        SANDBOX.to_owned()
    } else {
        identity.endpoint.clone()
    };
    Place {
        lab: session.profile.name.clone(),
        region: identity.region.clone(),
        account: identity.account.clone(),
        endpoint,
    }
}

/// Shows a plan before it is done. Whoever has decided and wants quiet needs no more than the end of it.
pub(super) fn plan_to_do(app: &mut App, session: &Session, prepared: &Prepared, decided: bool) {
    let would_fail = super::confirm::refuse(prepared).is_err();
    if would_fail || !decided || !app.global.quiet || app.global.json {
        plan(app, session, prepared, &[]);
    }
}

/// Shows a plan.
pub(super) fn plan(app: &mut App, session: &Session, prepared: &Prepared, next: &[String]) {
    let place = place(app, session, prepared);
    // What is left out matters when something is built; to a program it is always told.
    let tally = prepared.plan.tally();
    let builds =
        prepared.plan.mode == Mode::Apply && tally.create + tally.update + tally.replace > 0;
    let warnings: &[String] = if builds || app.global.json {
        &prepared.warnings
    } else {
        &[]
    };
    let report = PlanReport {
        place: &place,
        plan: &prepared.plan,
        hosts: &prepared.hosts,
        bill: &prepared.bill,
        notices: &prepared.notices,
        warnings,
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
