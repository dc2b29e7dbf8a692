//! The lab's dashboard.

use aws_sdk_cloudwatch::Client;

use crate::aws::answer::{Done, born, done, gone};
use crate::aws::classify::failed;
use crate::inventory::{Owner, Seen, SeenDashboard, Sighting};
use crate::model::{
    Address, CloudId, DASHBOARD_ADDRESS, Failure, FailureClass, Leftover, Tags, WatchNames,
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
    Ok(vec![Sighting {
        id: CloudId::new(name),
        owner: Owner::Lab {
            name: names.lab.to_string(),
            id: names.id.clone(),
            address: Some(Address::new(DASHBOARD_ADDRESS)),
            run: Some(String::new()),
        },
        tags: Tags::new(),
        created: None,
        seen: Seen::Dashboard(SeenDashboard { body }),
    }])
}

/// A body in one spelling; one that is no JSON is unlike every other.
fn spelt(body: &str) -> String {
    serde_json::from_str::<serde_json::Value>(body)
        .map_or_else(|_| body.to_owned(), |value| value.to_string())
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
