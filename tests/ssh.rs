//! The SSH adapter against a real sshd on the loopback, one process for each connection. The test owns the bytes between
//! the two, so that it can hold or cut them. Without an sshd on the machine the tests are ignored, and say so.

#[path = "ssh/server.rs"]
mod server;

use std::time::{Duration, Instant};

use roboinfra::port::{Flow, HostError, HostErrorKind, HostLink, Hosts};
use roboinfra::ssh::Ssh;

use server::{Fate, Server};

const LONG: Duration = Duration::from_secs(10);

fn rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn connect(server: &Server) -> Result<Box<dyn HostLink>, HostError> {
    Ssh::new(server.folder().join("known_hosts"))
        .connect(&server.target())
        .await
}

async fn text(link: &mut dyn HostLink, command: &str) -> Result<String, HostError> {
    let output = link.run(command, &[], LONG).await?;
    Ok(String::from_utf8(output).expect("text"))
}

#[test]
fn commands_run_one_after_another_and_take_input() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        assert!(
            link.trusted_on_first_use()
                .is_some_and(|key| key.starts_with("SHA256:"))
        );
        assert_eq!(
            text(link.as_mut(), "echo 'a b'; echo \"it's\"")
                .await
                .expect("runs"),
            "a b\nit's\n"
        );
        let script = vec![b'x'; 300_000];
        let count = link.run("wc -c", &script, LONG).await.expect("runs");
        assert_eq!(String::from_utf8_lossy(&count).trim(), "300000");
        assert_eq!(text(link.as_mut(), "true").await.expect("runs"), "");
        for count in 0..20 {
            assert_eq!(
                text(link.as_mut(), &format!("echo {count}"))
                    .await
                    .expect("runs"),
                format!("{count}\n")
            );
        }
        let second = connect(&server).await.expect("a second link");
        assert_eq!(second.trusted_on_first_use(), None, "the key is pinned now");
    });
}

#[test]
fn what_did_not_come_to_its_end_is_never_a_success() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        // libssh2 reports exit status 0 for this one.
        let mut link = connect(&server).await.expect("a link");
        let error = text(link.as_mut(), "echo half; kill -9 $$")
            .await
            .expect_err("it was killed");
        assert_eq!(error.kind, HostErrorKind::Unreachable, "{error}");
        let mut link = connect(&server).await.expect("a link");
        let error = text(link.as_mut(), "nonsense-command")
            .await
            .expect_err("there is none");
        assert_eq!(error.kind, HostErrorKind::Strange);
        assert!(error.message.contains("not found"), "{error}");
        assert_eq!(
            text(link.as_mut(), "echo on")
                .await
                .expect("the link is still good"),
            "on\n"
        );
    });
}

#[test]
fn what_a_shell_says_at_login_is_not_the_answer() {
    let Some(server) = Server::start() else {
        return;
    };
    // Where this login's shell reads no such file when it is asked over SSH, there is nothing to leave out.
    let greeting = "echo 'Welcome to the robot!'; echo 'enable: not a builtin' >&2\n";
    for file in [".bashrc", ".zshenv"] {
        std::fs::write(server.folder().join(file), greeting).expect("written");
    }
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        assert_eq!(
            text(link.as_mut(), "echo have").await.expect("runs"),
            "have\n"
        );
        assert_eq!(text(link.as_mut(), "true").await.expect("no answer"), "");
        let error = text(link.as_mut(), "echo 'it broke' >&2")
            .await
            .expect_err("nothing but a complaint");
        assert_eq!(error.message, "it broke");
        let mut all = Vec::new();
        let mut taken = |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            Flow::More
        };
        link.stream("echo 1; echo \"it's\"", LONG, &mut taken)
            .await
            .expect("streams");
        assert_eq!(all, b"1\nit's\n");
    });
}

#[test]
fn both_streams_are_drained() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        let command = "head -c 4000000 /dev/zero >&2; head -c 4000000 /dev/zero; head -c 4000000 /dev/zero >&2";
        let output = link.run(command, &[], Duration::from_secs(60)).await.expect("runs");
        assert_eq!(output.len(), 4_000_000);
    });
}

#[test]
fn a_stream_comes_as_it_is_written_and_ends_when_enough_was_taken() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        let began = Instant::now();
        let mut first = None;
        let mut all = Vec::new();
        let mut taken = |bytes: &[u8]| {
            first.get_or_insert_with(|| began.elapsed());
            all.extend_from_slice(bytes);
            Flow::More
        };
        link.stream("echo 1; sleep 1; echo 2", LONG, &mut taken)
            .await
            .expect("streams");
        assert_eq!(all, b"1\n2\n");
        assert!(
            first.is_some_and(|first| first < Duration::from_millis(900)),
            "{first:?}"
        );
        let mut enough = |_: &[u8]| Flow::Enough;
        let began = Instant::now();
        link.stream("yes", LONG, &mut enough)
            .await
            .expect("streams");
        drop(link);
        assert!(began.elapsed() < Duration::from_secs(2));
    });
}

#[test]
fn a_silent_host_is_given_up_in_time_and_dropped_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        server.fate(Fate::Hold);
        let began = Instant::now();
        let error = link
            .run("echo", &[], Duration::from_secs(2))
            .await
            .expect_err("silence");
        // Opening a channel is bounded by itself, a command by its limit.
        assert!(
            matches!(
                error.kind,
                HostErrorKind::Silent | HostErrorKind::Unreachable
            ),
            "{error}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(12),
            "{:?}",
            began.elapsed()
        );
        drop(link);
        server.fate(Fate::Pass);
        let mut link = connect(&server).await.expect("a link");
        let began = Instant::now();
        let mut hold = |_: &[u8]| {
            server.fate(Fate::Hold);
            Flow::More
        };
        let error = link
            .stream("echo beat; sleep 30", Duration::from_secs(2), &mut hold)
            .await
            .expect_err("silence");
        assert_eq!(error.kind, HostErrorKind::Silent);
        let took = began.elapsed();
        assert!(
            took > Duration::from_millis(1_900) && took < Duration::from_secs(4),
            "{took:?}"
        );
        let began = Instant::now();
        drop(link);
        assert!(began.elapsed() < Duration::from_millis(500));
    });
}

#[test]
fn a_cut_is_noticed_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut link = connect(&server).await.expect("a link");
        let began = Instant::now();
        let mut cut = |_: &[u8]| {
            server.fate(Fate::Cut);
            Flow::More
        };
        let result = link.stream("echo beat; sleep 30", LONG, &mut cut).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?} {result:?}");
        server.fate(Fate::Pass);
        let error = text(link.as_mut(), "echo").await.expect_err("it is closed");
        assert_eq!(error.kind, HostErrorKind::Unreachable);
    });
}

#[test]
fn another_host_key_is_refused_for_good() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        drop(connect(&server).await.expect("a link"));
        server.new_host_key();
        let error = connect(&server).await.expect_err("another key");
        assert_eq!(error.kind, HostErrorKind::HostKey);
        assert!(
            error.message.contains("not the one that was pinned"),
            "{error}"
        );
        // A key that is known beforehand must be the one that is shown.
        let mut target = server.target();
        target.alias = "i-2".to_owned();
        target.host_key = Some(server.public_host_key());
        let ssh = Ssh::new(server.folder().join("known_hosts"));
        let link = ssh.connect(&target).await.expect("the key of the console");
        assert_eq!(link.trusted_on_first_use(), None);
        target.alias = "i-3".to_owned();
        target.host_key = Some(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                .to_owned(),
        );
        let error = ssh.connect(&target).await.expect_err("not that key");
        assert_eq!(error.kind, HostErrorKind::HostKey, "{error}");
    });
}

#[test]
fn a_host_that_lets_nobody_in_says_what_was_tried() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let mut target = server.target();
        let stranger = server.folder().join("stranger");
        server::keygen(&stranger, "");
        let locked = server.folder().join("locked");
        server::keygen(&locked, "a passphrase");
        target.keys = vec![stranger, locked, server.folder().join("missing")];
        let ssh = Ssh::new(server.folder().join("known_hosts"));
        let error = ssh.connect(&target).await.expect_err("no key fits");
        assert_eq!(error.kind, HostErrorKind::Refused);
        for said in [
            "stranger: not accepted",
            "locked: it is encrypted",
            "missing: there is no such file",
        ] {
            assert!(error.message.contains(said), "{said}: {error}");
        }
        target.keys.push(server.target().keys[0].clone());
        ssh.connect(&target).await.expect("the last key fits");
        target.port = 1;
        let error = ssh.connect(&target).await.expect_err("nobody listens");
        assert_eq!(error.kind, HostErrorKind::Unreachable);
    });
}

#[test]
fn fifty_hosts_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    rt().block_on(async {
        let began = Instant::now();
        let links = (0..50).map(|_| async {
            let mut link = connect(&server).await?;
            text(link.as_mut(), "sleep 1; echo done").await
        });
        let all = futures_util::future::join_all(links).await;
        for one in all {
            assert_eq!(one.expect("runs"), "done\n");
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(40), "{took:?}");
    });
}
