//! The sandbox with IAM before it: a request that the policy does not allow is refused and never reaches it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use roboinfra::policy::{Part, Policy, policy};
use roboinfra::profile::parse;
use tempfile::TempDir;

use crate::iam::{Ask, Used, allows};
use crate::request::{Account, Request};

/// What the gate knows and has seen.
#[derive(Default)]
struct Watch {
    /// The policy in force; none lets everything pass.
    policy: Option<Policy>,
    used: Used,
    denied: Vec<String>,
    /// Every action that was asked for.
    seen: BTreeSet<String>,
}

/// A lab's folder, the sandbox, and the gate between the two.
pub(crate) struct Gate {
    folder: TempDir,
    upstream: Upstream,
    sandbox: Child,
    url: String,
    watch: Arc<Mutex<Watch>>,
    keys: (String, String),
}

/// The cloud itself, where an administrator sits.
#[derive(Clone)]
struct Upstream {
    address: String,
    /// Whether it evaluates policies of its own, as moto does.
    judges: bool,
}

impl Gate {
    /// Before the sandbox.
    pub(crate) fn new() -> Self {
        let mut sandbox = Command::new(env!("CARGO_BIN_EXE_roboinfra"));
        sandbox.args(["sandbox", "serve"]);
        Self::before(sandbox, false)
    }

    /// Before moto, which evaluates IAM's policies itself. Here the gate only watches.
    pub(crate) fn moto() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/server.py");
        let mut server = Command::new("python3");
        server.args([script, "0", "with-parent"]);
        Self::before(server, true)
    }

    fn before(mut cloud: Command, judges: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sandbox = cloud
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the cloud starts");
        let mut line = String::new();
        BufReader::new(sandbox.stdout.take().expect("stdout is a pipe"))
            .read_line(&mut line)
            .expect("the cloud prints its URL or its port");
        let port = line.trim().rsplit(':').next().unwrap_or_default();
        let upstream = Upstream {
            address: format!("127.0.0.1:{port}"),
            judges,
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let watch = Arc::new(Mutex::new(Watch::default()));
        let (behind, shared) = (upstream.clone(), Arc::clone(&watch));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behind, shared) = (behind.clone(), Arc::clone(&shared));
                std::thread::spawn(move || pass(stream, &behind, &shared));
            }
        });
        Self {
            folder,
            upstream,
            sandbox,
            url,
            watch,
            keys: ("test".to_owned(), "test".to_owned()),
        }
    }

    /// Makes a user with a policy, whose keys every command has from now on.
    pub(crate) fn user(&mut self, name: &str, document: &str) {
        let document: String = form_urlencoded::byte_serialize(document.as_bytes()).collect();
        self.upstream
            .ask_iam(&format!("Action=CreateUser&UserName={name}"));
        self.upstream.ask_iam(&format!(
            "Action=PutUserPolicy&UserName={name}&PolicyName=lab&PolicyDocument={document}"
        ));
        let made = self
            .upstream
            .ask_iam(&format!("Action=CreateAccessKey&UserName={name}"));
        let text = |element| texts(&made, element).first().map(|text| (*text).to_owned());
        self.keys = text("AccessKeyId")
            .zip(text("SecretAccessKey"))
            .expect("moto answers with a key");
    }

    /// Every action that was asked for, and what was denied.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.watch().seen.clone()
    }

    /// Puts the policy for a part of a profile's lab in force.
    pub(crate) fn allow(&self, text: &str, part: Part) -> Policy {
        let profile = parse(text).profile.expect("a valid profile");
        let policy = policy(&profile, part);
        self.watch().policy = Some(policy.clone());
        policy
    }

    /// Writes the profile.
    pub(crate) fn profile(&self, text: &str) {
        std::fs::write(self.folder.path().join("lab.toml"), text).expect("the folder is writable");
    }

    /// Runs the command; asserts its exit code.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str], code: i32) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_roboinfra"))
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", &self.keys.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.keys.1)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .output()
            .expect("the command starts");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        let denied = self.watch().denied.join("\n");
        assert_eq!(
            status.code(),
            Some(code),
            "{words:?}\n{said}\ndenied:\n{denied}"
        );
        said
    }

    /// What was denied since the last time.
    pub(crate) fn denied(&self) -> Vec<String> {
        std::mem::take(&mut self.watch().denied)
    }

    /// What has been used of the policies.
    pub(crate) fn used(&self) -> Used {
        std::mem::take(&mut self.watch().used)
    }

    /// An administrator's call, past the gate.
    pub(crate) fn admin(&self, query: &str) -> String {
        self.upstream.ask(query)
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch
            .lock()
            .expect("nothing panics while it holds the watch")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ended = self.sandbox.kill().and_then(|()| self.sandbox.wait());
    }
}

/// A request as text: head and body.
fn read(stream: &TcpStream) -> Option<(Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// One connection, one request.
fn pass(mut stream: TcpStream, behind: &Upstream, watch: &Mutex<Watch>) {
    let Some((head, body)) = read(&stream) else {
        return;
    };
    let authorization = header(&head, "authorization").unwrap_or_default();
    let request = Request::read(
        &head[0],
        authorization,
        header(&head, "x-amz-target"),
        &body,
    );
    let policy = {
        let mut watch = watch
            .lock()
            .expect("nothing panics while it holds the watch");
        let action = format!("{}:{}", request.prefix(), request.action);
        watch.seen.insert(action);
        watch.policy.clone()
    };
    let mut refused: Vec<Ask> = Vec::new();
    if let Some(policy) = policy {
        // Asking about tags takes calls of its own, so the watch is not held meanwhile.
        let asks = request.asks(behind);
        let mut watch = watch
            .lock()
            .expect("nothing panics while it holds the watch");
        for ask in asks {
            if !allows(&policy, &ask, &mut watch.used) {
                watch.denied.push(format!("{ask:?}"));
                refused.push(ask);
            }
        }
    }
    let answer = match refused.first() {
        None => behind.forward(&head, &body),
        Some(ask) => refusal(&request, ask),
    };
    if answer.starts_with(b"HTTP/1.1 403") && refused.is_empty() {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let mut watch = watch
            .lock()
            .expect("nothing panics while it holds the watch");
        watch.denied.push(format!("{}: {text}", request.action));
    }
    // A client that has left is told nothing.
    let _left = stream.write_all(&answer);
}

/// How each service refuses (EC2: `UnauthorizedOperation`; IAM and the JSON services: `AccessDenied`).
fn refusal(request: &Request, ask: &Ask) -> Vec<u8> {
    let message = format!(
        "User: arn:aws:iam::123456789012:user/anna is not authorized to perform: {} on resource: {} because no identity-based policy allows it",
        ask.action, ask.resource
    );
    let body = match request.service.as_str() {
        "ec2" => format!(
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>"
        ),
        "iam" => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
        "monitoring" => String::new(),
        _ => serde_json::json!({"__type": "AccessDeniedException", "message": message}).to_string(),
    };
    let length = body.len();
    // CloudWatch names the code in a header.
    let code = if request.service == "monitoring" {
        "smithy-protocol: rpc-v2-cbor\r\nx-amzn-query-error: AccessDenied;Sender\r\n"
    } else {
        ""
    };
    format!("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n{code}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

impl Upstream {
    fn forward(&self, head: &[String], body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).expect("the sandbox listens");
        let mut text = head[0].clone() + "\r\nconnection: close\r\n";
        for line in &head[1..] {
            if !line.to_lowercase().starts_with("connection:") {
                text.push_str(&format!("{line}\r\n"));
            }
        }
        text.push_str("\r\n");
        stream
            .write_all(text.as_bytes())
            .expect("the sandbox reads");
        stream.write_all(body).expect("the sandbox reads");
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .expect("the sandbox answers");
        answer
    }

    fn ask(&self, query: &str) -> String {
        self.post("/", "ec2", query)
    }

    fn ask_iam(&self, query: &str) -> String {
        self.post("/", "iam", query)
    }

    fn post(&self, path: &str, service: &str, body: &str) -> String {
        if self.judges && path == "/" {
            // moto evaluates no policy for the first so many calls from here on.
            self.post("/moto-api/reset-auth", service, "1");
        }
        let head = [
            format!("POST {path} HTTP/1.1"),
            format!("host: {}", self.address),
            format!(
                "authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
            ),
            format!(
                "content-type: {}",
                if path == "/" {
                    "application/x-www-form-urlencoded"
                } else {
                    "text/plain"
                }
            ),
            format!("content-length: {}", body.len()),
        ];
        String::from_utf8_lossy(&self.forward(&head, body.as_bytes())).into_owned()
    }
}

/// The texts of an element, wherever it is.
pub(crate) fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    xml.split(&format!("<{name}>"))
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect()
}

impl Account for Upstream {
    fn tags(&self, kind: &str, id: &str) -> BTreeMap<String, String> {
        let query = match kind {
            "key-pair" | "placement-group" if id.starts_with("key-") || id.starts_with("pg-") => {
                format!("Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1={id}")
            }
            "key-pair" => format!("Action=DescribeKeyPairs&KeyName.1={id}"),
            "placement-group" => format!("Action=DescribePlacementGroups&GroupName.1={id}"),
            _ => format!("Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1={id}"),
        };
        let answer = self.ask(&query);
        let keys = texts(&answer, "key").into_iter().map(str::to_owned);
        let values = texts(&answer, "value").into_iter().map(str::to_owned);
        keys.zip(values).collect()
    }

    fn behind(&self, association: &str) -> Vec<(String, String)> {
        let (query, elements): (_, &[(&str, &str)]) = if association.starts_with("eipassoc-") {
            (
                format!(
                    "Action=DescribeAddresses&Filter.1.Name=association-id&Filter.1.Value.1={association}"
                ),
                &[("elastic-ip", "allocationId")],
            )
        } else {
            (
                format!(
                    "Action=DescribeRouteTables&Filter.1.Name=association.route-table-association-id&Filter.1.Value.1={association}"
                ),
                &[("route-table", "routeTableId")],
            )
        };
        let answer = self.ask(&query);
        elements
            .iter()
            .filter_map(|(kind, element)| {
                let id = *texts(&answer, element).first()?;
                Some(((*kind).to_owned(), id.to_owned()))
            })
            .collect()
    }
}
