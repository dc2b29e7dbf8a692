//! Labs for commands that run no bootstrap step.
//!
//! Owns: saying what is wrong with the steps, and going on. Does not own: which commands those are.

use super::app::App;
use super::session::{OpenError, Session};

/// Opens the lab. A step whose script is missing or wrong is told of and keeps nobody from stopping a machine.
pub(super) async fn open(app: &mut App) -> Result<Session, OpenError> {
    let (session, wrong) = Session::open_without_steps(&app.global.target(), &app.settings).await?;
    for problem in wrong {
        app.say(&format!(
            "Note: {}. This command runs no steps and goes on without.",
            problem.message
        ));
    }
    Ok(session)
}
