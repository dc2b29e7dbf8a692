//! Reading of parameters, and the refusals that several actions share.

use serde_json::Value;

use super::super::ACCOUNT;
use super::super::wire::{ApiError, ApiResult};

/// An alarm's id in the world.
pub(super) fn id_of(alarm: &str) -> String {
    format!("alarm/{alarm}")
}

/// An alarm's ARN.
pub(super) fn arn(region: &str, alarm: &str) -> String {
    format!("arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{alarm}")
}

/// A text that is there and not empty.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A list; an absent one is empty.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A list of texts.
pub(super) fn texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    list(value, name).iter().filter_map(Value::as_str).collect()
}

/// Common Errors of the CloudWatch API Reference.
pub(super) fn missing(name: &str) -> ApiError {
    ApiError::new(
        "MissingParameter",
        format!("The parameter {name} is required."),
    )
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

/// CloudWatch API Reference, DeleteAlarms, GetDashboard and others: `ResourceNotFound`, 404.
pub(super) fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::with_status(404, "ResourceNotFound", message)
}

/// One page of `all` after what the token tells, and the token of the next.
pub(super) fn page<T>(
    input: &Value,
    all: Vec<T>,
    most: usize,
) -> ApiResult<(Vec<T>, Option<String>)> {
    let from = match text(input, "NextToken") {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| {
            ApiError::new("InvalidNextToken", "The specified nextToken is invalid.")
        })?,
    };
    let rest = all.len().saturating_sub(from);
    let next = (rest > most).then(|| (from + most).to_string());
    Ok((all.into_iter().skip(from).take(most).collect(), next))
}
