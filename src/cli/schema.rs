//! `schema`: the JSON Schema of the profile.

use clap::Args;

use super::app::App;
use super::exit;
use crate::profile;

/// Print the JSON Schema of the profile.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {}

pub(super) fn schema(app: &mut App, _args: &SchemaArgs) -> u8 {
    app.data(&format!("{:#}\n", profile::schema()));
    exit::DONE
}
