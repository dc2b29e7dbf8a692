//! Systems Manager: the public parameters that name images.

use serde_json::{Value, json};

use super::account::ACCOUNT;
use super::context::Ctx;
use super::ec2::public_images;
use super::wire::{ApiError, ApiResult};

/// Performs an action (Systems Manager API Reference: GetParameter, GetParameters).
pub(crate) fn perform(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    match ctx.action {
        "GetParameter" => {
            let name = input
                .get("Name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let decrypted = input.get("WithDecryption").and_then(Value::as_bool) == Some(true);
            let parameter = parameter(ctx, name, decrypted).ok_or_else(|| {
                ApiError::new("ParameterNotFound", format!("Parameter {name} not found."))
            })?;
            Ok(json!({ "Parameter": parameter }))
        }
        "GetParameters" => {
            let decrypted = input.get("WithDecryption").and_then(Value::as_bool) == Some(true);
            let names: Vec<&str> = input
                .get("Names")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            // API Reference, GetParameters: 1 to 10 names.
            if names.is_empty() || names.len() > 10 {
                return Err(ApiError::new(
                    "ValidationException",
                    "names must have 1 to 10 members",
                ));
            }
            let (found, invalid): (Vec<_>, Vec<_>) = names
                .into_iter()
                .map(|name| (name, parameter(ctx, name, decrypted)))
                .partition(|(_, parameter)| parameter.is_some());
            Ok(json!({
                "Parameters": found.into_iter().filter_map(|(_, it)| it).collect::<Vec<_>>(),
                "InvalidParameters": invalid.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
            }))
        }
        other => Err(ApiError::new(
            "UnknownOperationException",
            format!("the sandbox does not speak the Systems Manager action {other}"),
        )),
    }
}

/// When a value was put, in seconds: a scenario has no history, so another value was put at another time.
fn put_at(value: &str) -> u16 {
    let bytes = value.bytes();
    bytes.fold(0, |sum: u16, byte| {
        sum.wrapping_mul(31).wrapping_add(u16::from(byte))
    })
}

fn parameter(ctx: &Ctx<'_>, name: &str, decrypted: bool) -> Option<Value> {
    if let Some(value) = ctx.faults.scenario.parameters.get(name) {
        // API Reference, GetParameter: without WithDecryption a SecureString comes as it is stored.
        let shown = if decrypted {
            value.clone()
        } else {
            "AQICAHh+encrypted==".to_owned()
        };
        return Some(json!({
            "Name": name,
            "Type": "SecureString",
            "Value": shown,
            "Version": 1,
            "LastModifiedDate": 1_767_225_600 + u64::from(put_at(value)),
            "ARN": format!("arn:aws:ssm:{}:{}:parameter{name}", ctx.region, ACCOUNT),
            "DataType": "text",
        }));
    }
    let image = public_images(ctx.region)
        .into_iter()
        .find(|image| image.parameter == name)?;
    Some(json!({
        "Name": name,
        "Type": "String",
        "Value": image.image.id,
        "Version": 1,
        "LastModifiedDate": image.image.created.as_second(),
        "ARN": format!("arn:aws:ssm:{}::parameter{name}", ctx.region),
        "DataType": "aws:ec2:image",
    }))
}
