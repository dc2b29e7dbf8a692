//! What machines have published, as plots: in the terminal, and as one page of HTML.

mod braille;
mod html;
mod report;
mod scale;
mod svg;
mod view;

pub use html::metrics_page;
pub use report::{MachineMetrics, MetricsReport, Panel, Series, panels};
pub use view::metrics_view;
