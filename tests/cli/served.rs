//! The sandbox in a process of its own, with an administrator's way in; and an endpoint that answers what it likes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::bench::{Bench, Ran, finish};

/// A sandbox that a test talks to as an administrator, and the command as a user.
pub(crate) struct Served {
    process: Child,
    address: String,
}

impl Served {
    /// With its world in a file of the bench.
    pub(crate) fn new(bench: &Bench) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_roboinfra"))
            .args(["sandbox", "serve", "--world", "world.log"])
            .current_dir(bench.path("."))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is a pipe"))
            .read_line(&mut line)
            .expect("the sandbox prints its URL");
        Self {
            process,
            address: line.trim().trim_start_matches("http://").to_owned(),
        }
    }

    /// Runs the command against it.
    pub(crate) fn run(&self, bench: &Bench, words: &[&str], environment: &[(&str, &str)]) -> Ran {
        at(
            bench,
            &format!("http://{}", self.address),
            words,
            environment,
        )
    }

    /// An administrator's call to EC2.
    pub(crate) fn admin(&self, query: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the sandbox listens");
        let length = query.len();
        let host = &self.address;
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/ec2/aws4_request\r\ncontent-length: {length}\r\n\r\n{query}"
        )
        .expect("the sandbox reads");
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .expect("the sandbox answers");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains("<Errors>"), "{query}: {answer}");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Runs the command against an endpoint, with keys unless the environment has some.
pub(crate) fn at(bench: &Bench, url: &str, words: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(words);
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .envs(environment.iter().copied());
    finish(command.spawn().expect("the binary is built"))
}

/// An endpoint that gives every request one answer, for as long as the test runs. Returns its URL.
pub(crate) fn endpoint(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = vec![0; 65536];
            // A client that leaves before it is answered is none of our business.
            let _read = stream.read(&mut request);
            let _left = stream.write_all(&answer);
        }
    });
    url
}
