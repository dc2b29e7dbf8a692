//! The lab's dashboard.

use aws_sdk_cloudwatch::Client;
use serde_json::{Value, json};

use crate::aws::answer::{Done, born, done, gone};
use crate::aws::classify::failed;
use crate::inventory::{Owner, Seen, SeenDashboard, Sighting};
use crate::model::{
    Address, CloudId, DASHBOARD_ADDRESS, Failure, FailureClass, LET_GO, Leftover, Tags, WatchNames,
};

/// The dashboard, if there is one.
pub(in crate::aws) async fn read(
    cloudwatch: &Client,
    names: &WatchNames,
) -> Result<Vec<Sighting>, Failure> {
    let name = names.dashboard();
    let call = cloudwatch.get_dashboard().dashboard_name(&name);
    let found = match call.send().await.map_err(failed("GetDashboard")) {
        Ok(found) => found,
        Err(failure) if failure.class == FailureClass::NotFound => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let body = found.dashboard_body().map(spelt);
    let owner = if found.dashboard_body().is_some_and(is_let_go) {
        Owner::Foreign
    } else {
        Owner::Lab {
            name: names.lab.to_string(),
            id: names.id.clone(),
            address: Some(Address::new(DASHBOARD_ADDRESS)),
            run: Some(String::new()),
        }
    };
    Ok(vec![Sighting {
        id: CloudId::new(name),
        owner,
        tags: Tags::new(),
        created: None,
        seen: Seen::Dashboard(SeenDashboard { body }),
    }])
}

/// A body in one spelling; one that is no JSON is unlike every other.
fn spelt(body: &str) -> String {
    serde_json::from_str::<Value>(body).map_or_else(|_| body.to_owned(), |value| value.to_string())
}

/// Whether a text on it says that the lab has let go of it. It has nothing else that could tell: no tags, no description.
fn is_let_go(body: &str) -> bool {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let widgets = parsed["widgets"].as_array();
    widgets.into_iter().flatten().any(|widget| {
        let text = widget["properties"]["markdown"].as_str();
        widget["type"] == "text" && text.is_some_and(|text| text.contains(LET_GO))
    })
}

/// The same dashboard, which says that the lab has let go of it.
fn signed(body: &str) -> String {
    let mut parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let Some(widgets) = parsed.get_mut("widgets").and_then(Value::as_array_mut) else {
        return body.to_owned();
    };
    let number = |widget: &Value, name: &str| widget[name].as_u64().unwrap_or(0);
    let bottom = |widget: &Value| number(widget, "y") + number(widget, "height");
    let y = widgets.iter().map(bottom).max().unwrap_or(0);
    widgets.push(json!({
        "type": "text", "x": 0, "y": y, "width": 24, "height": 1, "properties": {"markdown": LET_GO},
    }));
    parsed.to_string()
}

/// Lets go of the dashboard: it stays as it is, and says so.
pub(in crate::aws) async fn let_go(cloudwatch: &Client, name: &str) -> Done {
    let call = cloudwatch.get_dashboard().dashboard_name(name);
    let found = match call.send().await.map_err(failed("GetDashboard")) {
        Ok(found) => found,
        Err(failure) if failure.class == FailureClass::NotFound => return Ok(done()),
        Err(failure) => return Err(failure),
    };
    let body = found.dashboard_body().unwrap_or_default();
    if is_let_go(body) {
        return Ok(done());
    }
    put(cloudwatch, name, &signed(body), false).await
}

/// Makes a dashboard, or gives it another body: CloudWatch has one call for both. It warns of what it does not
/// understand and takes it all the same; such a dashboard would stay empty.
pub(in crate::aws) async fn put(cloudwatch: &Client, name: &str, body: &str, is_new: bool) -> Done {
    let call = cloudwatch
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(body);
    let answer = call.send().await.map_err(failed("PutDashboard"))?;
    if let Some(first) = answer.dashboard_validation_messages().first() {
        let message = first.message().unwrap_or("the dashboard is not understood");
        return Err(Failure {
            leftover: Leftover::Unknown,
            ..Failure::local(FailureClass::Invalid, "PutDashboard", message)
        });
    }
    Ok(if is_new { born(name, None) } else { done() })
}

/// Deletes it.
pub(in crate::aws) async fn delete(cloudwatch: &Client, name: &str) -> Done {
    let call = cloudwatch.delete_dashboards().dashboard_names(name);
    gone(call.send().await.map_err(failed("DeleteDashboards")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashboard_says_that_it_was_let_go_of() {
        let body = r#"{"widgets":[{"type":"metric","y":2,"height":6},{"type":"text","y":0,"height":2,"properties":{"markdown":"a"}}]}"#;
        assert!(!is_let_go(body));
        let gone = signed(body);
        assert!(is_let_go(&gone), "{gone}");
        let parsed: Value = serde_json::from_str(&gone).expect("a body");
        assert_eq!(parsed["widgets"][2]["y"], 8, "below the others");
        assert_eq!(parsed["widgets"].as_array().map(Vec::len), Some(3));
        assert!(!is_let_go("no JSON"));
        assert_eq!(signed("[]"), "[]");
    }
}
