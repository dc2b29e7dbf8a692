//! An sshd of the test's own: `sshd -i` for each connection, with a pump between it and the client that can hold or cut.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the test's own threads wait, and a skipped test says so"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roboinfra::model::Address;
use roboinfra::port::HostTarget;

/// What happens to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// They pass.
    Pass,
    /// They are held, on a connection that is alive: as with a frozen sshd.
    Hold,
    /// The connection is cut.
    Cut,
}

/// An sshd.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    fate: Arc<AtomicU8>,
    clients: Arc<Mutex<Vec<TcpStream>>>,
}

pub(crate) fn keygen(path: &Path, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", "test", "-N", passphrase, "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen comes with sshd");
    assert!(made.success());
}

fn sshd() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/bin/sshd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

impl Server {
    /// Starts one. Where none is installed it says so, loudly, and in CI it is a failure.
    pub(crate) fn start() -> Option<Self> {
        let Some(sshd) = sshd() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI must install openssh-server"
            );
            eprintln!("SKIPPED: no sshd on this machine; install openssh-server");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        keygen(&at("host"), "");
        keygen(&at("user"), "");
        std::fs::copy(at("user.pub"), at("authorized")).expect("copied");
        let config = format!(
            "HostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nUsePAM no\nStrictModes no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\nMaxSessions 20\n\
             SetEnv HOME={0} HOST_HOME={0}/home\n",
            folder.path().display()
        );
        std::fs::write(at("config"), config).expect("written");
        // What shells read at login is the test's own, too: HOME is its folder. sshd wants the other one when it is root.
        let _ = std::fs::create_dir_all("/run/sshd");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let fate = Arc::new(AtomicU8::new(Fate::Pass as u8));
        let (config, shared) = (at("config"), Arc::clone(&fate));
        let clients = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&clients);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                client.set_nodelay(true).expect("a socket");
                let own = client.try_clone().expect("cloned");
                seen.lock().expect("nobody panics with it").push(own);
                serve(&sshd, &config, client, &shared);
            }
        });
        Some(Self {
            folder,
            port,
            fate,
            clients,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What happens to bytes from now on.
    pub(crate) fn fate(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
        if fate == Fate::Cut {
            for client in self
                .clients
                .lock()
                .expect("nobody panics with it")
                .drain(..)
            {
                // It may be over already.
                let _ = client.shutdown(Shutdown::Both);
            }
        }
    }

    /// From the next connection on it has another key.
    pub(crate) fn new_host_key(&self) {
        for name in ["host", "host.pub"] {
            std::fs::remove_file(self.folder().join(name)).expect("removed");
        }
        keygen(&self.folder().join("host"), "");
    }

    pub(crate) fn public_host_key(&self) -> String {
        std::fs::read_to_string(self.folder().join("host.pub")).expect("a key")
    }

    pub(crate) fn target(&self) -> HostTarget {
        HostTarget {
            address: Address::new("edge.test"),
            alias: "edge.test".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
            keys: vec![self.folder().join("user")],
            host_key: None,
            launched: None,
        }
    }
}

fn serve(sshd: &Path, config: &Path, client: TcpStream, fate: &Arc<AtomicU8>) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let input: OwnedFd = theirs.try_clone().expect("cloned").into();
    let output: OwnedFd = theirs.into();
    let child = Command::new(sshd)
        .arg("-i")
        .arg("-f")
        .arg(config)
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("sshd starts");
    let (client_in, ours_in) = (
        client.try_clone().expect("cloned"),
        ours.try_clone().expect("cloned"),
    );
    let other = Arc::clone(fate);
    std::thread::spawn(move || {
        pump(client_in, ours_in, &other, |socket| {
            socket.shutdown(Shutdown::Write)
        });
    });
    let fate = Arc::clone(fate);
    std::thread::spawn(move || {
        pump(ours, client, &fate, |socket| {
            socket.shutdown(Shutdown::Both)
        });
        let _ = child.kill();
        let _ = child.wait();
    });
}

fn pump<R: Read, W: Write>(
    mut from: R,
    mut to: W,
    fate: &AtomicU8,
    close: impl Fn(&W) -> std::io::Result<()>,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while fate.load(Ordering::SeqCst) == Fate::Hold as u8 {
            std::thread::sleep(Duration::from_millis(10));
        }
        if fate.load(Ordering::SeqCst) == Fate::Cut as u8 || to.write_all(&buffer[..count]).is_err()
        {
            break;
        }
    }
    let _ = close(&to);
}
