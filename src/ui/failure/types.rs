//! Advice as a value, and what it depends on.

use crate::model::{InstanceType, Market, Region};

/// What advice depends on besides the failure itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// The region.
    pub region: &'a Region,
    /// What was to be launched, and how many: the first choice of the launch that failed.
    pub launch: Option<(&'a InstanceType, Market, u32)>,
    /// The profile of the AWS configuration that is used, if one was named.
    pub aws_profile: Option<&'a str>,
}

/// One thing that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Help {
    /// A sentence.
    Say(String),
    /// A command to type.
    Type(String),
}

/// What a failure means, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The cause in plain words, a sentence.
    pub cause: String,
    /// What helps, best first.
    pub help: Vec<Help>,
}

impl Advice {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            help: Vec::new(),
        }
    }

    pub(super) fn say(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help::Say(text.into()));
        self
    }

    pub(super) fn type_this(mut self, command: impl Into<String>) -> Self {
        self.help.push(Help::Type(command.into()));
        self
    }
}
