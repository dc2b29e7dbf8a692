//! A saved plan: what was shown, and digests of all it was based on. `apply FILE` makes the plan again and does it
//! only if it comes out the same.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::CliError;
use super::prepare::{Prepared, Wish};
use super::session::Session;
use crate::model::{LabId, hex};
use crate::plan::{self, Mode, Plan};
use crate::state::{self, Lockfile, Pins};

/// The format that this version writes and reads.
const FORMAT: &str = "roboinfra.saved-plan/1";

/// A plan in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedPlan {
    format: String,
    /// The lab's identity; drawn when the plan was made if the lab is new.
    pub(super) lab_id: LabId,
    /// What was looked up.
    pub(super) pins: Pins,
    /// What the plan is for.
    pub(super) mode: Mode,
    /// Its targets.
    pub(super) targets: std::collections::BTreeSet<crate::model::Address>,
    profile: String,
    lockfile: String,
    world: String,
    plan: String,
    /// Of what runs on the hosts: a machine that is yet to be launched has nothing that it could differ from.
    #[serde(default)]
    scripts: String,
    /// For the reader; `apply` goes by the digests.
    shown: Plan,
}

impl SavedPlan {
    /// The plan with the digests of all it was based on.
    pub(super) fn of(
        session: &Session,
        prepared: &Prepared,
        recorded: Option<&Lockfile>,
        wish: &Wish,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            lab_id: prepared.reading.lab_id.clone(),
            pins: prepared.reading.gathered.pins.clone(),
            mode: wish.mode,
            targets: wish.targets.clone(),
            profile: digest(session.text.as_bytes()),
            lockfile: lock_digest(recorded),
            world: plan::fingerprint(prepared.reading.inventory()),
            plan: plan_digest(prepared),
            scripts: scripts_digest(prepared),
            shown: prepared.plan.clone(),
        }
    }

    /// Writes it to a new or existing file.
    pub(super) fn write(&self, path: &Path) -> Result<(), CliError> {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain values with text keys always serialise");
        text.push('\n');
        std::fs::write(path, text).map_err(|error| {
            CliError::new(format!(
                "could not write the plan {}: {error}",
                path.display()
            ))
        })
    }

    /// Reads one.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| CliError::new(format!("could not read the plan {shown}: {error}")))?;
        let saved: Self = serde_json::from_str(&text).map_err(|error| {
            CliError::new(format!("{shown} is not a saved plan: {error}"))
                .hint("save one with `roboinfra plan --out FILE`")
        })?;
        if saved.format != FORMAT {
            return Err(CliError::new(format!(
                "{shown} was written by another version: {}",
                saved.format
            ))
            .hint("save it again with `roboinfra plan --out FILE`"));
        }
        Ok(saved)
    }

    /// Refuses unless everything is as it was when the plan was made.
    pub(super) fn check(
        &self,
        session: &Session,
        prepared: &Prepared,
        recorded: Option<&Lockfile>,
    ) -> Result<(), CliError> {
        let checks = [
            (
                "the profile",
                self.profile == digest(session.text.as_bytes()),
            ),
            ("the lockfile", self.lockfile == lock_digest(recorded)),
            (
                "the cloud",
                self.world == plan::fingerprint(prepared.reading.inventory()),
            ),
            (
                "the plan that follows from them",
                self.plan == plan_digest(prepared),
            ),
            (
                "the scripts of bootstrap steps, their inputs or their secrets",
                self.scripts == scripts_digest(prepared),
            ),
        ];
        let changed: Vec<&str> = checks
            .iter()
            .filter(|(_, same)| !same)
            .map(|(what, _)| *what)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        Err(CliError::new(format!(
            "the saved plan does not fit any more: {} changed since",
            changed.join(", ")
        ))
        .hint("nothing was done; look at a new plan with `roboinfra plan --out FILE`"))
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

fn lock_digest(recorded: Option<&Lockfile>) -> String {
    recorded.map_or_else(
        || "none".to_owned(),
        |lock| digest(state::encode(lock).as_bytes()),
    )
}

/// What runs on the hosts of the plan.
fn scripts_digest(prepared: &Prepared) -> String {
    digest(&serde_json::to_vec(&prepared.scripts).expect("plain values always serialise"))
}

/// The plan and what is to be done on hosts: a host's steps may differ although the cloud does not.
fn plan_digest(prepared: &Prepared) -> String {
    let all = (&prepared.plan, &prepared.hosts);
    digest(&serde_json::to_vec(&all).expect("plain values with text keys always serialise"))
}
