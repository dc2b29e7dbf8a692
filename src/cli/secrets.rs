//! The secrets of stacks and steps: whether they are there when something is planned, and what they are when a host is made ready.
//!
//! Owns: reading them from the operator's environment and files, and from the cloud's parameters. Does not own: what a
//! stack needs (`lab`), or how they reach a host (`apply`).

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::agents;
use super::profile_file::{beside, read_text};
use super::session::{Known, Session};
use crate::apply::HostJob;
use crate::host::NoSecret;
use crate::lab::{self, STACK_SECRETS};
use crate::model::{FailureClass, Secret, SecretSource, hex};
use crate::plan::{Notice, Severity};

/// An SSM parameter has 8 KiB at most; keys and tokens are far smaller.
const LARGEST_KIB: u64 = 32;
/// A mark goes into the digest of a script, which is in the lockfile: trying passwords against it takes its time.
const ROUNDS: u32 = 10_000;

/// The topic of notices about secrets.
pub(super) const SECRET_TOPIC: &str = "secret";

/// Why a secret could not be read; never with any of it.
#[derive(Debug, Clone)]
struct Unread {
    what: String,
    help: String,
    /// Whether it may be there all the same: then nothing is refused before it is needed.
    perhaps: bool,
}

impl Unread {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: help.into(),
            perhaps: false,
        }
    }
}

/// What is known of the secrets, and of the agent's programs; they are looked at once.
pub(super) async fn known(session: &Session) -> &Known {
    session.known.get_or_init(|| look(session)).await
}

async fn look(session: &Session) -> Known {
    let mut known = Known::default();
    if agents::wanted(&session.profile) {
        let (programs, useless) = agents::find(&session.agents);
        known.at_hand.agents = programs;
        known.missing.extend(useless);
    }
    for (source, used_by) in lab::secret_sources(&session.profile) {
        let looked = match &source {
            SecretSource::Ssm(name) => {
                let version = session.parameters.parameter_version(name).await;
                version.map_err(|failure| unread(&failure))
            }
            _ => local(session, &source)
                .map(|secret| mark(session.profile.name.as_str(), &source, &secret)),
        };
        match looked {
            Ok(mark) => {
                known.at_hand.marks.insert(source, mark);
            }
            Err(unread) => {
                let notice = Notice {
                    severity: if unread.perhaps {
                        Severity::Warning
                    } else {
                        Severity::Error
                    },
                    topic: SECRET_TOPIC.to_owned(),
                    text: format!("{used_by}: {}", unread.what),
                    help: Some(unread.help),
                };
                known.unread.insert(source, notice);
            }
        }
    }
    known
}

/// What tells a value from another and can be written down: salted, slow, and a small part of a digest.
fn mark(lab: &str, source: &SecretSource, secret: &Secret) -> String {
    let mut digest = Sha256::digest(format!("{lab}\n{source}\n{}", secret.reveal()));
    for _ in 0..ROUNDS {
        digest = Sha256::digest(digest);
    }
    hex(&digest[..8])
}

/// The jobs with the secrets that their steps take. One that cannot be read is told of where it is needed.
pub(super) async fn with_secrets(session: &Session, jobs: &[HostJob]) -> Vec<HostJob> {
    let mut jobs = jobs.to_vec();
    let mut read = BTreeMap::new();
    for job in &mut jobs {
        for step in &mut job.wanted.steps {
            let sources = lab::step_secrets(&session.profile, &job.wanted.address, step.name());
            let values = values(session, &sources, &mut read).await;
            let packed = (step.script.step.header.secrets)
                .iter()
                .any(|name| name == STACK_SECRETS);
            step.secrets = match values {
                Ok(values) if packed => Ok(pack(&values)),
                values => values,
            };
        }
    }
    jobs
}

/// The values of secrets, each read once.
async fn values(
    session: &Session,
    sources: &BTreeMap<String, SecretSource>,
    read: &mut BTreeMap<SecretSource, Result<Secret, Unread>>,
) -> Result<Vec<(String, Secret)>, NoSecret> {
    let mut values = Vec::new();
    for (name, source) in sources {
        if !read.contains_key(source) {
            read.insert(source.clone(), value(session, source).await);
        }
        let secret = read[source].clone().map_err(|unread| NoSecret {
            what: format!("the secret {name}: {}", unread.what),
            help: unread.help,
        })?;
        values.push((name.clone(), secret));
    }
    Ok(values)
}

/// The secrets of a stack, as its step takes them: in one, and none if there are none.
fn pack(values: &[(String, Secret)]) -> Vec<(String, Secret)> {
    let lines: Vec<String> = values
        .iter()
        .map(|(name, secret)| format!("{name}={}", STANDARD.encode(secret.reveal())))
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    vec![(STACK_SECRETS.to_owned(), Secret::new(lines.join("\n")))]
}

async fn value(session: &Session, source: &SecretSource) -> Result<Secret, Unread> {
    match source {
        SecretSource::Ssm(name) => {
            let secret = session.parameters.parameter(name).await;
            secret.map_err(|failure| unread(&failure))
        }
        _ => local(session, source),
    }
}

fn unread(failure: &crate::model::Failure) -> Unread {
    let mut unread = Unread::new(
        failure.message.clone(),
        match failure.class {
            FailureClass::NotFound => {
                "store it: aws ssm put-parameter --type SecureString --name NAME --value VALUE"
            }
            _ => {
                "it takes ssm:GetParameter, and kms:Decrypt where the parameter has a key of yours: `roboinfra policy`"
            }
        },
    );
    unread.perhaps = !matches!(
        failure.class,
        FailureClass::NotFound | FailureClass::Permission | FailureClass::Invalid
    );
    unread
}

/// A secret on this computer.
fn local(session: &Session, source: &SecretSource) -> Result<Secret, Unread> {
    match source {
        SecretSource::Env(name) => variable(name),
        SecretSource::File(path) => file(&beside(
            &session.paths.profile,
            session.home.as_deref(),
            path,
        )),
        SecretSource::Ssm(_) => Err(Unread::new(
            "it is not on this computer",
            "read it from SSM",
        )),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the profile names the variable: it is not known when the environment is read"
)]
fn variable(name: &str) -> Result<Secret, Unread> {
    let help = format!("set it in this shell: read -rs {name} && export {name}");
    match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(Secret::new(value)),
        Ok(_) => Err(Unread::new(
            format!("the environment variable {name} is empty"),
            help,
        )),
        Err(std::env::VarError::NotPresent) => Err(Unread::new(
            format!("there is no environment variable {name}"),
            help,
        )),
        Err(std::env::VarError::NotUnicode(_)) => Err(Unread::new(
            format!("the environment variable {name} is not text"),
            help,
        )),
    }
}

fn file(path: &Path) -> Result<Secret, Unread> {
    let shown = path.display();
    let help = "write it there, readable by you alone: chmod 600";
    let text = read_text(path, LARGEST_KIB).map_err(|what| Unread::new(what, help))?;
    // Editors end a file with a line break, which is no part of a key.
    let text = text.trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return Err(Unread::new(format!("the file {shown} is empty"), help));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_values_apart_and_is_of_one_lab_and_source() {
        let file = SecretSource::File("key".to_owned());
        let one = mark("lab", &file, &Secret::new("hunter2"));
        assert_eq!(one, mark("lab", &file, &Secret::new("hunter2")));
        assert_eq!(one.len(), 16);
        for other in [
            mark("lab", &file, &Secret::new("hunter3")),
            mark("lab2", &file, &Secret::new("hunter2")),
            mark(
                "lab",
                &SecretSource::Env("key".to_owned()),
                &Secret::new("hunter2"),
            ),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn files_that_hold_a_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let too_large = vec![b'x'; 40_000];
        for (bytes, said) in [
            (&b"nvapi-hunter2\n"[..], None),
            (b"two\nlines\r\n", None),
            (b"", Some("is empty")),
            (b"\n \n", Some("is empty")),
            (b"\xff\xfe", Some("is not text")),
            (&too_large, Some("larger than 32 KiB")),
        ] {
            std::fs::write(&path, bytes).expect("written");
            match (file(&path), said) {
                (Ok(secret), None) => assert!(!secret.reveal().ends_with(['\n', '\r'])),
                (Err(unread), Some(said)) => {
                    assert!(unread.what.contains(said), "{}", unread.what);
                    assert!(!unread.what.contains("hunter2"));
                }
                (other, said) => assert!(said.is_some() && other.is_err(), "{said:?}"),
            }
        }
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        for (path, said) in [
            (folder.path().join("none"), "there is no file"),
            (folder.path().to_owned(), "not a file"),
            (pipe, "not a file"),
        ] {
            let unread = file(&path).expect_err("no secret");
            assert!(unread.what.contains(said), "{}", unread.what);
        }
        assert!(variable("ROBOINFRA_NO_SUCH_VARIABLE").is_err());
    }
}
