//! The wire formats: query parameters, XML answers, JSON and CBOR answers, errors. Knows no action, but that
//! a request to S3 is named by its method and its path.

mod ask;
pub(crate) mod cbor;
mod error;
mod http;
mod params;
mod xml;

pub(crate) use ask::Ask;
pub(crate) use error::{ApiError, ApiResult};
pub(crate) use http::{Request, Response};
pub(crate) use params::Params;
pub(crate) use xml::Xml;
