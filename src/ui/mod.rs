//! What the user sees: plans, progress, status, failures, problems.
//!
//! Owns: turning values into text for people and into versioned JSON for programs. Does not own: deciding anything,
//! or how what it shows comes about. A view is a function from a value and a `Look` to text; only `terminal` writes.

mod failure;
mod fold;
pub mod json;
mod money;
mod page;
mod plan;
mod run;
mod status;
mod style;
mod table;
mod text;

pub use failure::{Advice, Circumstances, Help, advise, failure_lines};
pub use page::{Line, Page};
pub use plan::{Place, PlanReport, plan_view};
pub use run::{
    Bars, Display, DisplayKind, EndReport, Lines, Remains, Silent, Standing, choose_display,
    end_view,
};
pub use status::{AddressStatus, NodeStatus, Spending, StatusReport, VolumeStatus, status_view};
pub use style::{ColorChoice, ColorHints, Look, Role, use_color};
pub use table::{Column, Table};
pub use text::clean;
