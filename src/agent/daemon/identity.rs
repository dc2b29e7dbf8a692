//! Who this machine is to CloudWatch: its region and its instance.

use std::path::Path;

use crate::agent::spot::metadata::{Answer, Metadata};

/// What has been found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The region.
    pub(crate) region: String,
    /// The instance; nothing on a machine that is none.
    pub(crate) instance: Option<String>,
}

/// Asks the metadata service. `Err`: not now, and why.
pub(crate) async fn ask(
    metadata: &mut Metadata,
    region: Option<&str>,
    root: &Path,
) -> Result<Identity, String> {
    let instance = match metadata.get("instance-id").await {
        Answer::Text(id) => Some(id),
        Answer::Silent(why) if is_instance(root) => return Err(format!("instance-id: {why}")),
        Answer::Silent(_) | Answer::Nothing => None,
    };
    let region = match (region, metadata.get("placement/region").await) {
        (Some(region), _) => region.to_owned(),
        (None, Answer::Text(region)) => region,
        (None, Answer::Nothing) => return Err("the metadata service names no region".to_owned()),
        (None, Answer::Silent(why)) => return Err(format!("placement/region: {why}")),
    };
    Ok(Identity { region, instance })
}

/// Whether this is an instance of EC2, as far as its firmware says.
fn is_instance(root: &Path) -> bool {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    read("sys/class/dmi/id/sys_vendor").trim() == "Amazon EC2"
        || read("sys/hypervisor/uuid").starts_with("ec2")
}
