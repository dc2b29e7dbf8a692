//! A request and an answer of HTTP, as far as a service looks at them.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A request as it comes off the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent: a path, or a whole URL.
    pub(crate) uri: String,
    /// By their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) authorization: Option<String>,
    /// `X-Amz-Target`, which the JSON services have.
    pub(crate) target: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What goes back.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: Cow<'static, str>,
    /// Further headers, by their names in small letters.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: Cow::Borrowed("application/xml"),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
