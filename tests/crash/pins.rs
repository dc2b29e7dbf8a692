//! Pins that were lost with the lockfile: a machine whose image is not today's any more stays as it is.

use std::fs;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_ec2::Client;
use aws_types::region::Region;
use roboinfra::model::{ImageId, Kind};
use roboinfra::sandbox::{Options, Sandbox, Scenario};
use roboinfra::state::{Lockfile, decode, encode};

use super::bench::Bench;
use super::labs::{AT_ONCE, twin};
use super::stage::{APPLY, finished};

/// A client for the bench's own world.
async fn client(bench: &Bench) -> Client {
    let scenario = Scenario::parse(&format!("{AT_ONCE}snapshot = \"0ms\"\n")).expect("valid");
    let options = Options {
        scenario,
        ..Options::default()
    };
    let sandbox = Sandbox::open(&bench.home().join("world.log"), options).expect("it is a world");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(sandbox.http_client())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .load()
        .await;
    Client::new(&config)
}

fn lockfile(bench: &Bench) -> Lockfile {
    let text = fs::read_to_string(bench.lockfile()).expect("it was applied");
    decode(&text).expect("it is sound")
}

/// Loses the lockfile, makes it again, and expects nothing to do.
fn rebuilds_to(bench: &Bench, image: &str, what: &str) -> Result<(), String> {
    fs::remove_file(bench.lockfile()).expect("it is there");
    bench.run(&["state", "rebuild"]).ends(0, what)?;
    bench.run(&["plan", "--detailed-exitcode"]).ends(0, what)?;
    let pinned = lockfile(bench).pins.images;
    assert!(
        pinned.values().all(|pinned| pinned.id.as_str() == image),
        "{what}: {pinned:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_machine_of_an_older_image_survives_the_loss_of_the_lockfile() -> Result<(), String> {
    let (bench, _) = finished(&Bench::new(&twin().profile), APPLY);
    let mut lock = lockfile(&bench);
    let machine = lock
        .resources
        .values()
        .find(|recorded| recorded.kind == Kind::Instance);
    let machine = machine.expect("it was launched").id.to_string();
    let ec2 = client(&bench).await;
    let name = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20250101";
    let made = ec2
        .create_image()
        .instance_id(machine)
        .name(name)
        .no_reboot(true)
        .send()
        .await;
    let older = made.expect("made").image_id.expect("it has an id");

    // As if the lab had been applied when that image was the newest.
    for pinned in lock.pins.images.values_mut() {
        pinned.id = ImageId::new(&older);
        name.clone_into(&mut pinned.name);
    }
    fs::write(bench.lockfile(), encode(&lock)).expect("it can be written");
    bench.run(APPLY).ends(0, "with the older image")?;
    bench
        .run(&["plan", "--detailed-exitcode"])
        .ends(0, "with the older image")?;

    rebuilds_to(&bench, &older, "an older image")?;
    let gone = ec2.deregister_image().image_id(&older).send().await;
    gone.expect("withdrawn");
    rebuilds_to(&bench, &older, "an image that was withdrawn")
}
