//! Client tokens (EC2 Developer Guide, ec2-api-idempotency).

use sha2::{Digest, Sha256};

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params};
use super::super::world::Token;

/// What is known of a call's token. Without a token nothing is made yet and nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Known {
    id: Option<String>,
    digest: String,
    /// What an earlier call with this token made.
    pub(super) made: Vec<String>,
}

/// Looks up the token of a call; `zone` is where it counts, empty for the region.
///
/// The same token with other parameters is `IdempotentParameterMismatch`; "parameters" are all but the token itself
/// and the region or zone.
pub(super) fn look_up(ctx: &Ctx<'_>, p: &Params, zone: &str) -> ApiResult<Known> {
    let Some(token) = p.text("ClientToken") else {
        return Ok(Known::default());
    };
    // Up to 64 ASCII characters.
    if token.len() > 64 || !token.is_ascii() {
        return Err(ApiError::new(
            "InvalidClientToken",
            "The specified client token is not valid",
        ));
    }
    let compared = p.without(&["ClientToken", "Action", "Version", "DryRun"]);
    let digest = format!("{:x}", Sha256::digest(format!("{compared:?}")));
    let id = format!("token/{}/{zone}/{token}", ctx.action);
    let made = match ctx.store.get::<Token>(&id) {
        None => Vec::new(),
        Some(known) if known.digest == digest => known.made.clone(),
        Some(_) => {
            return Err(ApiError::new(
                "IdempotentParameterMismatch",
                "The client token was used before with other parameters",
            ));
        }
    };
    Ok(Known {
        id: Some(id),
        digest,
        made,
    })
}

/// Keeps what a call made under its token.
pub(super) fn keep(ctx: &mut Ctx<'_>, known: Known, made: Vec<String>) {
    if let Some(id) = known.id
        && known.made.is_empty()
    {
        ctx.store.put(Token {
            id,
            digest: known.digest,
            made,
        });
    }
}
