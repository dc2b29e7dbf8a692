//! Dashboards (CloudWatch API Reference, PutDashboard, GetDashboard, ListDashboards, DeleteDashboards). They belong to the
//! account and not to a region, so they are kept with what IAM has.

use serde_json::{Value, json};

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult};
use super::super::world::Dashboard;
use super::query::{missing, not_found, page, text, texts};

/// CloudWatch API Reference, "Dashboard Body Structure and Syntax".
const MOST_WIDGETS: usize = 500;

fn id_of(name: &str) -> String {
    format!("dashboard/{name}")
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}")
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterInput", message)
}

fn absent(name: &str) -> ApiError {
    not_found(format!("Dashboard {name} does not exist"))
}

pub(super) fn put(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let name = text(input, "DashboardName").ok_or_else(|| missing("DashboardName"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 255 || !name.chars().all(allowed) {
        return Err(refused("DashboardName has letters, digits, - and _ only."));
    }
    let body = text(input, "DashboardBody").ok_or_else(|| missing("DashboardBody"))?;
    let parsed: Value = serde_json::from_str(body)
        .map_err(|_| refused("The field DashboardBody must be a valid JSON object"))?;
    let widgets = parsed.get("widgets").and_then(Value::as_array);
    let widgets = widgets.ok_or_else(|| refused("The body must have a list of widgets."))?;
    if widgets.len() > MOST_WIDGETS {
        return Err(refused("A dashboard has at most 500 widgets."));
    }
    ctx.iam.put(Dashboard {
        id: id_of(name),
        name: name.to_owned(),
        body: body.to_owned(),
        updated: ctx.now,
    });
    Ok(json!({"DashboardValidationMessages": []}))
}

pub(super) fn get(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let name = text(input, "DashboardName").ok_or_else(|| missing("DashboardName"))?;
    let found = ctx.iam.get::<Dashboard>(&id_of(name));
    let found = found.ok_or_else(|| absent(name))?;
    Ok(json!({
        "DashboardArn": arn(name), "DashboardBody": found.body, "DashboardName": name,
    }))
}

pub(super) fn list(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let prefix = text(input, "DashboardNamePrefix").unwrap_or_default();
    let found: Vec<Value> = ctx
        .iam
        .all::<Dashboard>()
        .filter(|dashboard| dashboard.name.starts_with(prefix))
        .map(|dashboard| {
            json!({
                "DashboardName": dashboard.name, "DashboardArn": arn(&dashboard.name),
                "LastModifiedTimestamp": dashboard.updated.as_second(), "Size": dashboard.body.len(),
            })
        })
        .collect();
    let (found, next) = page(input, found, 1000)?;
    let mut answer = json!({"DashboardEntries": found});
    if let Some(next) = next {
        answer["NextToken"] = Value::from(next);
    }
    Ok(answer)
}

/// One name that names nothing, and none is deleted.
pub(super) fn delete(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let names = texts(input, "DashboardNames");
    if names.is_empty() {
        return Err(missing("DashboardNames"));
    }
    for name in &names {
        if ctx.iam.get::<Dashboard>(&id_of(name)).is_none() {
            return Err(absent(name));
        }
    }
    for name in names {
        ctx.iam.remove(&id_of(name));
    }
    Ok(json!({}))
}
