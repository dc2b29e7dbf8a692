//! The wire formats: query parameters, XML answers, JSON answers, errors. Knows no action.

mod error;
mod params;
mod xml;

pub(crate) use error::{ApiError, ApiResult};
pub(crate) use params::Params;
pub(crate) use xml::Xml;
