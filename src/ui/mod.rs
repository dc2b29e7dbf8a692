//! What the user sees: plans, progress, status, failures, problems.
//!
//! Owns: turning values into text for people and into versioned JSON for programs. Does not own: deciding anything,
//! or how what it shows comes about. A view is a function from a value and a `Look` to text; only `terminal` writes.

mod agent;
pub mod diagnostic;
mod displays;
mod error_view;
mod failure;
mod fold;
mod graph_view;
mod hosts;
pub mod json;
mod metrics;
mod money;
mod page;
mod plan;
mod policy_view;
mod run;
mod state_view;
mod status;
mod style;
mod table;
mod terminal;
mod text;

pub use agent::{HoldReport, hold_view};
pub use displays::{Busy, open_display, open_host_display};
pub use error_view::{ErrorReport, error_view, failed_view, warning_view};
pub use failure::{Advice, Circumstances, Help, advise, failure_lines};
pub use graph_view::{graph_dot, graph_view};
pub use hosts::{HostDisplay, examined_view, verdicts_view};
pub use metrics::{
    MachineMetrics, MetricsReport, Panel, Series, metrics_page, metrics_view, panels,
};
pub use page::{Line, Page};
pub use plan::{Place, PlanReport, plan_view};
pub use policy_view::{host_role_view, policy_text};
pub use run::{
    Bars, Display, DisplayKind, EndReport, Lines, Remains, Silent, Standing, choose_display,
    end_view,
};
pub use state_view::{state_list_view, state_show_view};
pub use status::{
    AddressStatus, HostStatus, NodeStatus, Spending, StatusReport, VolumeStatus, status_view,
};
pub use style::{ColorChoice, ColorHints, Look, Role, use_color};
pub use table::{Column, Table};
pub use terminal::{Terminal, TerminalHints};
pub use text::clean;
