//! What is asked of the runner, as command lines. Every word that is not ours is checked before it gets here.

use std::time::Duration;

/// Where the runner keeps everything, on every host.
pub const HOME: &str = "/var/lib/roboinfra";

/// Something that is asked of the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// What the host is.
    Facts,
    /// What is known of each step.
    Status,
    /// Stores a script, which follows on stdin.
    Put {
        /// The step.
        step: &'a str,
        /// Its digest.
        digest: &'a str,
    },
    /// Starts a stored script; its secrets follow on stdin.
    Start {
        /// The step.
        step: &'a str,
        /// Its digest.
        digest: &'a str,
        /// How long it may take.
        timeout: Duration,
    },
    /// Follows a script's log from an offset until it is over.
    Follow {
        /// The step.
        step: &'a str,
        /// Its digest.
        digest: &'a str,
        /// How much of the log is known already, in bytes.
        offset: u64,
    },
    /// Ends a running step.
    Stop {
        /// The step.
        step: &'a str,
    },
    /// Reboots the host.
    Reboot,
    /// How much of a file is there.
    File {
        /// Its digest.
        digest: &'a str,
    },
    /// Takes the next piece of a file, which follows on stdin.
    Take {
        /// Its digest.
        digest: &'a str,
        /// How long it is in the end.
        size: u64,
        /// Where the piece begins.
        offset: u64,
        /// How long the piece is.
        length: u64,
    },
    /// What the agent on the host says, and whether the host is held.
    Agent,
    /// Leaves a hold, which follows on stdin.
    Hold,
    /// Takes the hold away.
    Release,
    /// A part of a step's log.
    Log {
        /// The step.
        step: &'a str,
        /// From where, in bytes.
        offset: u64,
        /// How much at most, in bytes.
        length: u64,
    },
    /// The versions of what the steps have installed.
    Versions,
    /// What the gate wants to know beyond facts: `container`, `vulkan`, `proof:STEP`.
    Measure {
        /// The things to measure.
        what: &'a [String],
    },
    /// The services of its stack and how each is.
    Services,
    /// What a service has said last.
    Said {
        /// The service.
        service: &'a str,
        /// How many lines of it.
        lines: u32,
    },
    /// The same, and what it goes on to say.
    Listen {
        /// The service.
        service: &'a str,
        /// How many lines of what it has said.
        lines: u32,
    },
}

/// The runner of a host: which one, where, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// The digest of its text.
    pub digest: String,
    /// Where it keeps everything; another place than [`HOME`] is for tests.
    pub home: String,
    /// Whether the login user is root; another one asks through sudo, which must not prompt.
    pub root: bool,
}

impl Runner {
    /// Where it lies on its host.
    fn path(&self) -> String {
        let digest = &self.digest[..self.digest.len().min(16)];
        format!("{}/bin/runner-{digest}", self.home)
    }

    fn sudo(&self) -> &'static str {
        if self.root { "" } else { "sudo -n " }
    }

    /// The command that answers `have` if it is there.
    pub fn look(&self) -> String {
        let path = self.path();
        format!("{}test -x {path} && echo have || echo missing", self.sudo())
    }

    /// The command that stores it, and answers `installed` if what has arrived on stdin is whole.
    pub fn install(&self) -> String {
        let (path, home, digest) = (self.path(), &self.home, &self.digest);
        let script = format!(
            "umask 077; mkdir -p {home}/bin && cat > {path}.$$ && \
             if [ \"$(sha256sum {path}.$$ | cut -c1-64)\" = {digest} ]; \
             then chmod 700 {path}.$$ && sync {path}.$$ && mv -f {path}.$$ {path} && echo installed; \
             else rm -f {path}.$$; echo error digest; fi"
        );
        format!("{}sh -c '{script}'", self.sudo())
    }

    /// The command line of a command.
    pub fn line(&self, command: &Command<'_>) -> String {
        let words = match command {
            Command::Facts => "facts".to_owned(),
            Command::Status => "status".to_owned(),
            Command::Put { step, digest } => format!("put {step} {digest}"),
            Command::Start {
                step,
                digest,
                timeout,
            } => format!("start {step} {digest} {}", timeout.as_secs()),
            Command::Follow {
                step,
                digest,
                offset,
            } => format!("follow {step} {digest} {offset}"),
            Command::Stop { step } => format!("stop {step}"),
            Command::Reboot => "reboot".to_owned(),
            Command::File { digest } => format!("file {digest}"),
            Command::Take {
                digest,
                size,
                offset,
                length,
            } => format!("take {digest} {size} {offset} {length}"),
            Command::Agent => "agent".to_owned(),
            Command::Hold => "hold".to_owned(),
            Command::Release => "release".to_owned(),
            Command::Log {
                step,
                offset,
                length,
            } => format!("log {step} {offset} {length}"),
            Command::Versions => "versions".to_owned(),
            Command::Measure { what } => format!("measure {}", what.join(" ")),
            Command::Services => "services".to_owned(),
            Command::Said { service, lines } => format!("said {service} {lines}"),
            Command::Listen { service, lines } => format!("listen {service} {lines}"),
        };
        let place = if self.home == HOME {
            String::new()
        } else {
            let home = &self.home;
            format!("env ROBOINFRA_HOME={home} ROBOINFRA_RUN={home}/run ROBOINFRA_NO_SYSTEMD=1 ")
        };
        format!("{}{place}{} {words}", self.sudo(), self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(root: bool) -> Runner {
        Runner {
            digest: "0123456789abcdef0123".to_owned(),
            home: HOME.to_owned(),
            root,
        }
    }

    #[test]
    fn command_lines() {
        let start = Command::Start {
            step: "base",
            digest: "d1",
            timeout: Duration::from_secs(90),
        };
        assert_eq!(
            runner(false).line(&start),
            "sudo -n /var/lib/roboinfra/bin/runner-0123456789abcdef start base d1 90"
        );
        assert_eq!(
            runner(true).line(&Command::Facts),
            "/var/lib/roboinfra/bin/runner-0123456789abcdef facts"
        );
        let take = Command::Take {
            digest: "d2",
            size: 300,
            offset: 200,
            length: 100,
        };
        assert!(runner(true).line(&take).ends_with(" take d2 300 200 100"));
        let install = runner(true).install();
        assert!(
            install.starts_with("sh -c '") && install.matches('\'').count() == 2,
            "{install}"
        );
    }
}
