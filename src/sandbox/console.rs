//! What a machine of the sandbox shows on its console: its host keys, made up from its id.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// A host key that belongs to no private key: nobody ever proves to have it.
fn encoded(id: &str) -> Vec<u8> {
    let kind = b"ssh-ed25519";
    let mut key = vec![0, 0, 0, 11];
    key.extend(kind);
    key.extend([0, 0, 0, 32]);
    key.extend(Sha256::digest(id));
    key
}

/// The host key of a machine, as OpenSSH writes it.
pub(super) fn host_key(id: &str) -> String {
    format!("ssh-ed25519 {}", STANDARD.encode(encoded(id)))
}

/// Its fingerprint.
pub(super) fn fingerprint(id: &str) -> String {
    format!(
        "SHA256:{}",
        STANDARD_NO_PAD.encode(Sha256::digest(encoded(id)))
    )
}

/// What cloud-init writes to the console at the end of a first boot.
pub(super) fn console(id: &str) -> String {
    let (shown, key) = (fingerprint(id), host_key(id));
    format!(
        "simulated: nothing boots in the sandbox\r\n\
         ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\n\
         ec2: 256 {shown} root@{id} (ED25519)\r\n\
         ec2: -----END SSH HOST KEY FINGERPRINTS-----\r\n\
         -----BEGIN SSH HOST KEY KEYS-----\r\n{key} root@{id}\r\n-----END SSH HOST KEY KEYS-----\r\n"
    )
}
