//! `templates/` as data: the stacks, their images, and the compose files that are made of them.

mod images;
mod rendered;
mod shipped;
mod template;

#[cfg(test)]
mod tests;

pub use images::{Image, images, is_pinned};
pub use rendered::{HostGpu, RenderedStack, StackWish};
pub use shipped::{Component, Folder, StackTemplate, stack_template, stack_templates};
pub use template::{TemplateError, Values, render};
