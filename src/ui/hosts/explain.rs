//! What a failed step's last lines mean, where that is known.

/// A known failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ui) struct Meaning {
    /// What it means.
    pub(in crate::ui) what: String,
    /// What to do about it.
    pub(in crate::ui) help: String,
}

/// Patterns of other people's programs, in the order in which they are looked for.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &[
            "Could not get lock",
            "Unable to acquire the dpkg frontend lock",
            "is held by process",
        ],
        "another package installation holds apt's lock",
        "it usually ends by itself after a few minutes; look for unattended-upgrades on the host",
    ),
    (
        &["dpkg was interrupted"],
        "a package installation was cut in the middle",
        "run the same command again: the base step repairs it",
    ),
    (
        &["No space left on device", "not enough free space"],
        "the disk is full",
        "make root_volume larger in the profile and apply, or free space on the host: docker system prune",
    ),
    (
        &["Driver/library version mismatch"],
        "the NVIDIA driver that is loaded is not the one that is installed",
        "reboot the host, then run the same command again",
    ),
    (
        &[
            "NVRM: No NVIDIA GPU found",
            "No devices were found",
            "No such device",
        ],
        "the driver finds no GPU",
        "stop and start the machine, so that it moves to other hardware; check that its type has a GPU",
    ),
    (
        &["couldn't communicate with the NVIDIA driver"],
        "the NVIDIA driver is not loaded",
        "reboot the host; if it stays, look at `dkms status` there",
    ),
    (
        &["Bad return status for module build", "dkms", "Error! "],
        "the driver's kernel module could not be built",
        "the log names the compiler or the kernel headers that are missing; another kernel or driver branch may fit",
    ),
    (
        &["toomanyrequests", "429 Too Many Requests"],
        "the container registry limits anonymous pulls",
        "log in to the registry, or wait; NVIDIA's images are at nvcr.io, which does not limit them so",
    ),
    (
        &[
            "unauthorized: authentication required",
            "401 Unauthorized",
            "denied: requested access",
            "accept license",
        ],
        "the container registry wants a login, or accepted terms",
        "give the key as a secret of the stack, and accept the image's terms on the registry's page",
    ),
    (
        &[
            "Temporary failure resolving",
            "Could not resolve host",
            "Name or service not known",
        ],
        "the host cannot resolve names",
        "check its DNS and its way to the internet",
    ),
    (
        &["Unable to locate package", "has no installation candidate"],
        "a package is not in the host's package sources",
        "check that the system is supported by the step, and its sources under /etc/apt",
    ),
    (
        &["Hash Sum mismatch", "File has unexpected size"],
        "a package mirror is being updated",
        "run the same command again in a few minutes",
    ),
];

/// What the last lines of a step's log mean. A step's own explanation comes first.
pub(in crate::ui) fn explain(tail: &[String]) -> Option<Meaning> {
    own(tail).or_else(|| {
        KNOWN.iter().find_map(|(patterns, what, help)| {
            tail.iter()
                .any(|line| patterns.iter().any(|pattern| line.contains(pattern)))
                .then(|| Meaning {
                    what: (*what).to_owned(),
                    help: (*help).to_owned(),
                })
        })
    })
}

/// `roboinfra: error CODE: what` and `roboinfra: help: what to do`, as steps write them.
fn own(tail: &[String]) -> Option<Meaning> {
    let after = |prefix: &str| {
        tail.iter()
            .rev()
            .find_map(|line| line.strip_prefix(prefix))
            .map(ToOwned::to_owned)
    };
    let error = after("roboinfra: error ")?;
    let what = error
        .split_once(": ")
        .map_or(error.as_str(), |(_, what)| what);
    Some(Meaning {
        what: what.to_owned(),
        help: after("roboinfra: help: ").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(lines: &[&str]) -> Option<String> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        explain(&lines).map(|meaning| meaning.what)
    }

    #[test]
    fn what_is_known_is_said() {
        for (line, said) in [
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt-get)",
                "another package",
            ),
            (
                "E: dpkg was interrupted, you must manually run 'sudo dpkg --configure -a'",
                "cut in the middle",
            ),
            (
                "write /var/lib/docker/tmp: No space left on device",
                "disk is full",
            ),
            (
                "Failed to initialize NVML: Driver/library version mismatch",
                "not the one that is installed",
            ),
            (
                "toomanyrequests: You have reached your pull rate limit.",
                "limits anonymous",
            ),
            (
                "E: Unable to locate package nvidia-driver-580-server",
                "not in the host's",
            ),
        ] {
            let found = meaning(&["before", line]).unwrap_or_default();
            assert!(found.contains(said), "{line}: {found}");
        }
        assert_eq!(meaning(&["all is well"]), None);
    }

    #[test]
    fn a_steps_own_words_come_first() {
        let tail = [
            "No space left on device".to_owned(),
            "roboinfra: error no-space: / has 1 GiB, 20 GiB are needed".to_owned(),
            "roboinfra: help: make root_volume larger".to_owned(),
        ];
        let meaning = explain(&tail).expect("known");
        assert_eq!(meaning.what, "/ has 1 GiB, 20 GiB are needed");
        assert_eq!(meaning.help, "make root_volume larger");
    }
}
