//! `bootstrap/` and `templates/` as data: the runner, the steps with their headers, the scripts that are made of them,
//! and the stacks that a host can run.
//!
//! Owns: what a step says of itself, and the exact text that reaches a host. Does not own: which steps a host gets
//! (`lab`), or how they get there (`apply`, `ssh`).

mod bundle;
mod header;
mod order;
mod script;
mod stack;

pub use bundle::{LIBRARY, RUNNER, Step, step, steps};
pub use header::{Header, HeaderError, MayReboot, parse_header};
pub use order::{OrderError, in_order};
pub use script::{Script, runner_digest, script};
pub use stack::{
    Component, Folder, HostGpu, Image, RenderedStack, StackTemplate, StackWish, TemplateError,
    Values, images, is_pinned, render, stack_template, stack_templates,
};
