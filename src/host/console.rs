//! The host keys that a machine writes to its console at its first boot: cloud-init does, between two marks.

/// Longer than this is no host key.
const LONGEST: usize = 4096;
const BEGIN: &str = "-----BEGIN SSH HOST KEY KEYS-----";
const END: &str = "-----END SSH HOST KEY KEYS-----";
const KINDS: [&str; 5] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
];

/// The keys of the last whole list in a console's output, one a line as OpenSSH writes them: `ssh-ed25519 AAAA…`. `None`
/// where there is no whole list yet.
pub fn console_keys(output: &str) -> Option<String> {
    let head = &output[..output.rfind(END)?];
    let list = &head[head.rfind(BEGIN)? + BEGIN.len()..];
    let keys: Vec<String> = list.lines().filter_map(key).collect();
    (!keys.is_empty()).then(|| keys.join("\n"))
}

/// The key in a line, which may begin with what a console puts before it.
fn key(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let kind = words.find(|word| KINDS.contains(word))?;
    let encoded = words.next()?;
    let is_base64 = encoded
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    (is_base64 && encoded.starts_with("AAAA") && encoded.len() <= LONGEST)
        .then(|| format!("{kind} {encoded}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_list_counts() {
        let list = |keys: &str| format!("noise\r\n{BEGIN}\r\n{keys}{END}\r\nlogin: ");
        let one = list("ecdsa-sha2-nistp256 AAAAE2 root@a\r\nssh-ed25519 AAAAC3 root@a\r\n");
        let both = "ecdsa-sha2-nistp256 AAAAE2\nssh-ed25519 AAAAC3";
        let cut = format!("{one}{BEGIN}\nssh-rsa AAAAB3\n");
        for (output, keys) in [
            (one.clone(), Some(both)),
            (
                format!("{one}{}", list("ssh-rsa AAAAB3 x\n")),
                Some("ssh-rsa AAAAB3"),
            ),
            (
                list("[  12.3] cloud-init[9]: ssh-rsa AAAAB3 x\n"),
                Some("ssh-rsa AAAAB3"),
            ),
            // A list that is being written is not a list yet; the one before it is another boot's, with the same keys.
            (cut, Some(both)),
            (format!("{BEGIN}\nssh-rsa AAAAB3\n"), None),
            (
                list(
                    "256 SHA256:abc root@a (ED25519)\nssh-rsa not;base64\nssh-rsa\nssh-dss AAAAB3\n",
                ),
                None,
            ),
            (format!("{END}{BEGIN}"), None),
            (String::new(), None),
        ] {
            assert_eq!(console_keys(&output).as_deref(), keys, "{output}");
        }
    }
}
