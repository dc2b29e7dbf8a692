//! What the titles of processes say about use.

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// Its command line, with spaces between the words.
    pub(crate) title: String,
}

/// Who is logged in by SSH: sshd writes it into the titles of its processes, before 9.8 as `sshd: ada@pts/0` and since
/// then as `sshd-session: ada@pts/0`; a session that only forwards ports has no `@`.
pub(crate) fn ssh(title: &str) -> Option<&str> {
    let rest = title
        .strip_prefix("sshd-session: ")
        .or_else(|| title.strip_prefix("sshd: "))?
        .trim_end();
    // `ada [priv]` watches over a session; `[accepted]` and `ada [preauth]` are not in yet; the listener names its program.
    let user = rest.split('@').next().unwrap_or_default();
    (!rest.contains('[') && !user.contains('/') && !user.is_empty()).then_some(rest)
}

/// A session of AWS Systems Manager: its agent starts a worker for each.
pub(crate) fn session_manager(title: &str) -> bool {
    program(title) == "ssm-session-worker"
}

/// A remote desktop's session, which xrdp keeps while its viewer is away, too. DCV starts no such process: its sessions are
/// seen by the encoder.
pub(crate) fn remote_desktop(title: &str) -> Option<&str> {
    let program = program(title);
    ["xrdp-sesexec", "xrdp-chansrv"]
        .contains(&program)
        .then_some(program)
}

/// A bootstrap step: the host's runner plays one.
pub(crate) fn step(title: &str) -> Option<&str> {
    let mut words = title.split_whitespace();
    words.by_ref().find(|word| word.contains("/bin/runner-"))?;
    (words.next()? == "exec").then(|| words.next().unwrap_or("a step"))
}

/// The kernel of a notebook.
pub(crate) fn kernel(title: &str) -> bool {
    title
        .split_whitespace()
        .any(|word| word.contains("ipykernel_launcher") || word == "ipykernel")
}

/// The process that holds a container.
pub(crate) fn container(title: &str) -> bool {
    program(title).starts_with("containerd-shim")
}

fn program(title: &str) -> &str {
    let path = title.split_whitespace().next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_by_ssh() {
        let cases = [
            ("sshd: ubuntu@pts/0", Some("ubuntu@pts/0")),
            ("sshd-session: ubuntu@notty", Some("ubuntu@notty")),
            ("sshd: ubuntu", Some("ubuntu")),
            ("sshd: ubuntu [priv]", None),
            ("sshd: ubuntu [preauth]", None),
            ("sshd: [accepted]", None),
            ("sshd: unknown [net]", None),
            (
                "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
                None,
            ),
            ("/usr/sbin/sshd -D", None),
            ("sshd-auth: ubuntu [net]", None),
            ("vim sshd: ubuntu@pts/0", None),
            ("sshd: ", None),
        ];
        for (title, expected) in cases {
            assert_eq!(ssh(title), expected, "{title}");
        }
    }

    #[test]
    fn other_titles() {
        assert!(session_manager(
            "/usr/bin/ssm-session-worker ada-0123 i-0123"
        ));
        assert!(!session_manager("/usr/bin/amazon-ssm-agent"));
        assert_eq!(
            step("/bin/bash /var/lib/roboinfra/bin/runner-0123456789abcdef exec docker 99ff 1800"),
            Some("docker")
        );
        assert_eq!(
            step("bash /var/lib/roboinfra/bin/runner-01 follow docker"),
            None
        );
        assert_eq!(step("vim runner.sh"), None);
        assert!(kernel(
            "/opt/conda/bin/python -m ipykernel_launcher -f /k.json"
        ));
        assert!(kernel("python3 -m ipykernel -f /k.json"));
        assert!(!kernel("python3 train.py"));
        assert!(container(
            "/usr/bin/containerd-shim-runc-v2 -namespace moby"
        ));
        assert_eq!(
            remote_desktop("/usr/sbin/xrdp-chansrv"),
            Some("xrdp-chansrv")
        );
        assert_eq!(remote_desktop("/usr/sbin/xrdp --nodaemon"), None);
    }
}
