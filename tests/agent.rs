//! The daemon on hosts, as a process: with GPUs that misbehave, a network that is cut, a metadata service of its own, and
//! a clock that is too fast.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests wait for another process"
)]
#![expect(clippy::type_complexity, reason = "a table of cases reads best as one")]

#[path = "agent/gpus.rs"]
mod gpus;
#[path = "agent/idle.rs"]
mod idle;
#[path = "agent/metadata.rs"]
mod metadata;
#[path = "agent/moto.rs"]
mod moto;
#[path = "agent/publish.rs"]
mod publish;
#[path = "agent/rig.rs"]
mod rig;
#[path = "agent/soak.rs"]
mod soak;

use std::io::{Read as _, Write as _};

use rig::Rig;

#[test]
fn prometheus_is_answered_on_loopback() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let mut rig = Rig::with_gpus(1, &[]);
    rig.sections = format!("[prometheus]\nlisten = \"{port}\"\n");
    let daemon = rig.start();
    let page = rig.until("it answers", |_| {
        let mut stream = std::net::TcpStream::connect(port).ok()?;
        let ask = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(ask.as_bytes()).ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        page.contains("DCGM_FI_DEV_GPU_UTIL").then_some(page)
    });
    assert!(page.contains("modelName=\"NVIDIA Test GPU\""), "{page}");
    assert!(page.contains("Hostname=\"sim-0\""), "{page}");
    daemon.end();
}

#[test]
fn a_file_that_makes_no_sense_is_refused() {
    let mut rig = Rig::new();
    rig.head = "sample_s = 0\n".to_owned();
    let mut daemon = rig.start();
    rig.until("it ends", |rig| {
        rig.read("log").contains("sample_s has to be").then_some(())
    });
    rig.until("it has ended", |_| (!daemon.is_alive()).then_some(()));
}
