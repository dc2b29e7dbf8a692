//! STS: who is asking.

use super::ACCOUNT;
use super::context::Ctx;
use super::wire::{ApiError, ApiResult, Xml};

/// Performs an action (STS API Reference).
pub(crate) fn perform(ctx: &mut Ctx<'_>, x: &mut Xml) -> ApiResult {
    match ctx.action {
        "GetCallerIdentity" => {
            x.el("Arn", format!("arn:aws:iam::{ACCOUNT}:user/sandbox"))
                .el("UserId", "AIDASANDBOXSANDBOX123")
                .el("Account", ACCOUNT);
            Ok(())
        }
        other => Err(ApiError::new(
            "InvalidAction",
            format!("the sandbox does not speak the STS action {other}"),
        )),
    }
}
