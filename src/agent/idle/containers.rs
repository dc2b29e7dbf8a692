//! Containers that are jobs: those that nobody would start again. What has a restart policy is a service, and services
//! run whether they are used or not.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::signal::Measured;
use super::titles::{self, Process};

/// The longest that Docker may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most that is read of an answer.
const LIMIT: u64 = 8 * 1024 * 1024;

/// How long a container's restart policy is believed; it can be changed while the container runs.
const BELIEVED: Duration = Duration::from_secs(600);

/// Docker on this machine.
#[derive(Debug)]
pub(crate) struct Docker {
    socket: PathBuf,
    /// Whether a container is a service, and when that was asked.
    services: BTreeMap<String, (Duration, bool)>,
}

/// Why Docker does not answer.
#[derive(Debug)]
enum Silence {
    /// It is not installed.
    NotThere,
    /// Nobody listens: it does not run.
    Stopped,
    /// Something else.
    Odd(String),
}

impl Docker {
    /// `root` is where `run` is found.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            socket: root.join("run/docker.sock"),
            services: BTreeMap::new(),
        }
    }

    /// Jobs that run now; `now` only goes forward.
    pub(crate) async fn jobs(&mut self, processes: &[Process], now: Duration) -> Measured {
        let looked = timeout(PATIENCE, self.look(now)).await;
        match looked.unwrap_or_else(|_| Err(Silence::Odd("it does not answer".to_owned()))) {
            Ok(words) => Measured::from_words(&words),
            Err(Silence::NotThere) => Measured::Quiet,
            Err(Silence::Stopped) => {
                // Containers may outlive the daemon.
                if processes.iter().any(|one| titles::container(&one.title)) {
                    Measured::Unknown("Docker is stopped, and containers run".to_owned())
                } else {
                    Measured::Quiet
                }
            }
            Err(Silence::Odd(why)) => Measured::Unknown(format!("Docker: {why}")),
        }
    }

    async fn look(&mut self, now: Duration) -> Result<Vec<String>, Silence> {
        let odd = || Silence::Odd("its list of containers is not understood".to_owned());
        let listed = self.get("/containers/json").await?.ok_or_else(odd)?;
        let containers = listed.as_array().ok_or_else(odd)?;
        let mut words = Vec::new();
        let mut known = BTreeMap::new();
        for container in containers {
            let id = container
                .get("Id")
                .and_then(Value::as_str)
                .ok_or_else(odd)?;
            let believed = self.services.get(id).copied();
            let believed = believed.filter(|(then, _)| now.saturating_sub(*then) < BELIEVED);
            let (then, is_service) = match believed {
                Some(believed) => believed,
                None => match self.is_service(id).await? {
                    Some(is_service) => (now, is_service),
                    // It has ended meanwhile.
                    None => continue,
                },
            };
            known.insert(id.to_owned(), (then, is_service));
            if !is_service {
                words.push(format!("the container {} runs", name(container, id)));
            }
        }
        self.services = known;
        Ok(words)
    }

    async fn is_service(&self, id: &str) -> Result<Option<bool>, Silence> {
        // It goes into a path.
        if !id.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err(Silence::Odd("a container without a proper id".to_owned()));
        }
        let Some(container) = self.get(&format!("/containers/{id}/json")).await? else {
            return Ok(None);
        };
        let policy = container.pointer("/HostConfig/RestartPolicy/Name");
        let policy = policy.and_then(Value::as_str);
        Ok(Some(matches!(policy, Some("always" | "unless-stopped"))))
    }

    /// One question in HTTP/1.0: the answer ends with the connection. `None`: there is no such thing.
    async fn get(&self, path: &str) -> Result<Option<Value>, Silence> {
        let mut stream =
            UnixStream::connect(&self.socket)
                .await
                .map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => Silence::NotThere,
                    io::ErrorKind::ConnectionRefused => Silence::Stopped,
                    _ => Silence::Odd(error.to_string()),
                })?;
        let odd = |error: io::Error| Silence::Odd(error.to_string());
        let request = format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(odd)?;
        let mut answer = Vec::new();
        stream
            .take(LIMIT)
            .read_to_end(&mut answer)
            .await
            .map_err(odd)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or_else(|| Silence::Odd("its answer ends early".to_owned()))?;
        match head.split_whitespace().nth(1) {
            Some("200") => serde_json::from_str(body)
                .map(Some)
                .map_err(|error| Silence::Odd(error.to_string())),
            Some("404") => Ok(None),
            status => {
                let status = status.unwrap_or("no status");
                Err(Silence::Odd(format!("it answers {path} with {status}")))
            }
        }
    }
}

fn name(container: &Value, id: &str) -> String {
    let first = container.pointer("/Names/0").and_then(Value::as_str);
    let short = id.get(..12).unwrap_or(id);
    first
        .map_or(short, |name| name.trim_start_matches('/'))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    /// A Docker that has one service, one job and one container that is just ending.
    async fn docker(listener: UnixListener) {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut bytes = [0; 1024];
            let length = stream.read(&mut bytes).await.expect("a question");
            let question = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let (status, body) = match question.split(' ').nth(1).unwrap_or_default() {
                "/containers/json" => (
                    "200 OK",
                    r#"[{"Id":"aa","Names":["/redis"]},{"Id":"bb","Names":["/train"]},{"Id":"cc"}]"#,
                ),
                "/containers/aa/json" => (
                    "200 OK",
                    r#"{"HostConfig":{"RestartPolicy":{"Name":"unless-stopped"}}}"#,
                ),
                "/containers/bb/json" => (
                    "200 OK",
                    r#"{"HostConfig":{"RestartPolicy":{"Name":"no"}}}"#,
                ),
                _ => ("404 Not Found", r#"{"message":"No such container: cc"}"#),
            };
            let answer = format!("HTTP/1.0 {status}\r\nX: y\r\n\r\n{body}");
            stream
                .write_all(answer.as_bytes())
                .await
                .expect("it listens");
        }
    }

    #[tokio::test]
    async fn a_container_that_nobody_starts_again_is_a_job() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("run")).expect("a folder");
        let mut asked = Docker::new(folder.path());
        assert_eq!(
            asked.jobs(&[], Duration::ZERO).await,
            Measured::Quiet,
            "no Docker"
        );
        let listener = UnixListener::bind(folder.path().join("run/docker.sock")).expect("a socket");
        let server = tokio::spawn(docker(listener));
        for _ in 0..2 {
            let jobs = asked.jobs(&[], Duration::ZERO).await;
            assert_eq!(jobs, Measured::Busy("the container train runs".to_owned()));
        }
        assert_eq!(asked.services.len(), 2);
        server.abort();
        let _ = server.await;
        assert_eq!(
            asked.jobs(&[], Duration::ZERO).await,
            Measured::Quiet,
            "it is stopped"
        );
        let shim = Process {
            pid: 5,
            title: "/usr/bin/containerd-shim-runc-v2 -id x".to_owned(),
        };
        let jobs = asked.jobs(&[shim], Duration::ZERO).await;
        assert!(
            matches!(jobs, Measured::Unknown(_)),
            "its containers are not"
        );
    }
    /// A Docker that lists a container, and fails when it is asked about that.
    async fn broken(listener: UnixListener) {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut bytes = [0; 1024];
            let length = stream.read(&mut bytes).await.expect("a question");
            let answer = if bytes[..length].starts_with(b"GET /containers/json ") {
                "HTTP/1.0 200 OK\r\n\r\n[{\"Id\":\"aa\"}]"
            } else {
                "HTTP/1.0 500 Internal Server Error\r\n\r\n{\"message\":\"layer not known\"}"
            };
            stream
                .write_all(answer.as_bytes())
                .await
                .expect("it listens");
        }
    }

    #[tokio::test]
    async fn a_container_that_cannot_be_asked_about_has_not_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("run")).expect("a folder");
        let listener = UnixListener::bind(folder.path().join("run/docker.sock")).expect("a socket");
        let server = tokio::spawn(broken(listener));
        let jobs = Docker::new(folder.path()).jobs(&[], Duration::ZERO).await;
        assert!(
            matches!(&jobs, Measured::Unknown(why) if why.contains("500")),
            "{jobs:?}"
        );
        server.abort();
    }
}
