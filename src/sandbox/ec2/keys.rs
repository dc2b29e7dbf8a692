//! Key pairs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::KeyPair;
use super::listing::{Listed, list_where, one};
use super::tags;

impl Listed for KeyPair {
    const IDS: &'static str = "KeyPairId";
    const PAGE: Option<(usize, usize)> = None;
    const FILTERS: &'static [&'static str] = &["fingerprint", "key-name", "key-pair-id"];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "fingerprint" => one(&self.fingerprint),
            "key-name" => one(&self.name),
            _ => one(&self.id),
        }
    }
}

/// API Reference, ImportKeyPair: an OpenSSH public key, RSA or ED25519; the name is unique in the region.
pub(super) fn import(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = p.need("KeyName")?;
    if name.len() > 255 || !name.is_ascii() {
        return Err(ApiError::invalid(format!(
            "Value ({name}) for parameter KeyName is invalid. At most 255 ASCII characters."
        )));
    }
    let material = p.need("PublicKeyMaterial")?;
    let format = || {
        ApiError::new(
            "InvalidKey.Format",
            "Key is not in valid OpenSSH public key format",
        )
    };
    let text = STANDARD
        .decode(material)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(format)?;
    let (key_type, blob) = read_public_key(&text).ok_or_else(format)?;
    if ctx.store.named(&format!("key/{name}")).is_some() {
        return Err(ApiError::new(
            "InvalidKeyPair.Duplicate",
            format!("The keypair already exists: {name}"),
        ));
    }
    let pair = KeyPair {
        id: ctx.store.fresh("key"),
        name: name.to_owned(),
        key_type: key_type.to_owned(),
        fingerprint: fingerprint(key_type, &blob),
        public_key: text.trim().to_owned(),
        created: ctx.now,
        tags: tags::of_new(p, "key-pair")?,
    };
    x.el("keyName", &pair.name)
        .el("keyPairId", &pair.id)
        .el("keyFingerprint", &pair.fingerprint);
    tags::write(x, &pair.tags);
    ctx.store.put(pair);
    Ok(())
}

/// The type and the binary key of an OpenSSH public key line.
fn read_public_key(text: &str) -> Option<(&'static str, Vec<u8>)> {
    let mut words = text.split_whitespace();
    let (key_type, long) = match words.next()? {
        "ssh-ed25519" => ("ed25519", "ssh-ed25519"),
        "ssh-rsa" => ("rsa", "ssh-rsa"),
        _ => return None,
    };
    let blob = STANDARD.decode(words.next()?).ok()?;
    // The blob repeats the type behind its length (RFC 4253, section 6.6).
    let inner = blob.get(4..4 + long.len())?;
    (inner == long.as_bytes()).then_some((key_type, blob))
}

/// User Guide, verify-keys: for ED25519 the SHA-256 of the key in base64.
fn fingerprint(key_type: &str, blob: &[u8]) -> String {
    let digest = Sha256::digest(blob);
    if key_type == "ed25519" {
        STANDARD.encode(digest)
    } else {
        // For RSA AWS shows MD5 of the DER form; the sandbox has no MD5 and shows the start of the SHA-256 instead.
        STANDARD_NO_PAD.encode(&digest[..16])
    }
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let names = p.texts("KeyName");
    let page = list_where::<KeyPair>(ctx, p, |pair| {
        names.is_empty() || names.contains(&pair.name.as_str())
    })?;
    if let Some(missing) = names
        .iter()
        .find(|name| !page.items.iter().any(|pair| pair.name == **name))
    {
        return Err(missing_name(missing));
    }
    let with_key = p.flag("IncludePublicKey")? == Some(true);
    x.items("keySet", &page.items, |x, pair| {
        x.el("keyPairId", &pair.id)
            .el("keyName", &pair.name)
            .el("keyType", &pair.key_type)
            .el("keyFingerprint", &pair.fingerprint)
            .time("createTime", pair.created);
        if with_key {
            x.el("publicKey", &pair.public_key);
        }
        tags::write(x, &pair.tags);
    });
    Ok(())
}

/// The refusal for a name that no key pair has.
pub(super) fn missing_name(name: &str) -> ApiError {
    ApiError::new(
        "InvalidKeyPair.NotFound",
        format!("The key pair '{name}' does not exist"),
    )
}

/// API Reference, DeleteKeyPair: by name or id; one that does not exist is a success.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = match (p.text("KeyPairId"), p.text("KeyName")) {
        (Some(id), _) => Some(id.to_owned()),
        (None, Some(name)) => ctx.store.named(&format!("key/{name}")).map(str::to_owned),
        (None, None) => return Err(ApiError::missing("KeyName")),
    };
    x.done();
    if let Some(id) = id.filter(|id| ctx.store.get::<KeyPair>(id).is_some()) {
        x.el("keyPairId", &id);
        ctx.store.remove(&id);
    }
    Ok(())
}
