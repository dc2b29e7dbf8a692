//! Permissions: a policy as IAM takes it, and what the machines may do in words.

use super::page::{Line, Page};
use super::style::Role;
use crate::policy::{HostRole, Policy};

/// The document, ready for `aws iam create-policy`.
pub fn policy_text(policy: &Policy) -> String {
    let text =
        serde_json::to_string_pretty(policy).expect("texts and lists of texts are always JSON");
    text + "\n"
}

/// What the machines may do, and why.
pub fn host_role_view(role: &HostRole) -> Page {
    let mut page = Page::default();
    if role.policies.is_empty() {
        page.line(Line::at(0).plain("The lab makes no role of its own."));
    } else {
        page.line(
            Line::at(0)
                .add(Role::Strong, format!("{}<id of the lab>", role.name))
                .plain(format!(", taken by {}", role.trusts)),
        );
        for policy in &role.policies {
            page.line(Line::at(2).plain(policy.arn.clone()));
            page.line(Line::at(4).add(Role::Faint, policy.purpose));
        }
    }
    if !role.existing_profiles.is_empty() {
        let names = role.existing_profiles.join(", ");
        page.line(Line::at(0).plain(format!(
            "Existing instance profiles, which roboinfra does not change: {names}"
        )));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::host_role;
    use crate::profile::parse;
    use crate::ui::Look;

    #[test]
    fn each_policy_of_the_machines_says_what_it_is_for() {
        let starter = include_str!("../../profiles/single-gpu.toml");
        let profile = parse(starter).profile.expect("a starter is valid");
        let shown = host_role_view(&host_role(&profile)).render(&Look::plain(100));
        for text in [
            "/roboinfra/roboinfra-single-gpu-",
            "AmazonSSMManagedInstanceCore",
            "Session Manager",
            "CloudWatchAgentServerPolicy",
            "metrics",
        ] {
            assert!(shown.contains(text), "{shown}");
        }
    }
}
