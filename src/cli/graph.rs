//! `graph`: what is built on what.

use clap::Args;

use super::app::App;
use super::exit;
use super::prepare::{Wish, read, think};
use super::session::{OpenError, Session};
use crate::model::Address;
use crate::plan::Mode;
use crate::ui;

/// Show what is built on what.
#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// Write Graphviz instead of text: `roboinfra graph --dot | dot -Tsvg`.
    #[arg(long)]
    dot: bool,
}

pub(super) async fn graph(app: &mut App, args: &GraphArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let loaded = session.load().await?;
    let recorded = loaded.state.folded().lockfile.clone();
    let reading = read(&session, recorded.as_ref(), Mode::Apply).await?;
    let wish = Wish::whole(Mode::Apply);
    let (lab, _) = think(&session, &reading, recorded.as_ref(), &wish)?;
    let edges: Vec<(Address, Vec<Address>)> = lab
        .resources
        .iter()
        .map(|(address, resource)| (address.clone(), resource.after.iter().cloned().collect()))
        .collect();
    if app.global.json {
        app.data(&ui::json::graph_json(&edges));
        return Ok(exit::DONE);
    }
    let text = if args.dot {
        ui::graph_dot(&edges)
    } else {
        ui::graph_view(&edges, &app.look())
    };
    app.data(&text);
    Ok(exit::DONE)
}
