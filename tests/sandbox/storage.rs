//! Volumes, snapshots, images.

use aws_sdk_ec2::types::{ResourceType, VolumeType};

use crate::support::{Bench, code, tags};

async fn volume(bench: &Bench, zone: &str) -> String {
    let made = bench
        .ec2
        .create_volume()
        .availability_zone(zone)
        .size(10)
        .volume_type(VolumeType::Gp3)
        .send()
        .await;
    made.expect("made").volume_id.expect("an id")
}

#[tokio::test]
async fn volumes_outlive_instances_unless_marked() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let id = bench.running(&subnet).await;
    let (here, elsewhere) = (
        volume(&bench, "us-east-1a").await,
        volume(&bench, "us-east-1b").await,
    );
    let attach = |volume: &str, device: &str| {
        ec2.attach_volume()
            .volume_id(volume)
            .instance_id(&id)
            .device(device)
            .send()
    };
    assert_eq!(
        code(attach(&elsewhere, "/dev/sdf").await),
        "InvalidVolume.ZoneMismatch"
    );
    assert_eq!(
        code(attach(&here, "/dev/sda1").await),
        "InvalidParameterValue"
    );
    attach(&here, "/dev/sdf").await.expect("attached");
    assert_eq!(code(attach(&here, "/dev/sdg").await), "VolumeInUse");
    let delete = |volume: &str| ec2.delete_volume().volume_id(volume).send();
    assert_eq!(code(delete(&here).await), "VolumeInUse");

    ec2.terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("terminating");
    bench.wait(2);
    let left = ec2.describe_volumes().send().await.expect("found");
    let mut ids: Vec<_> = left
        .volumes()
        .iter()
        .filter_map(|it| it.volume_id())
        .collect();
    ids.sort_unstable();
    let mut expected = [here.as_str(), elsewhere.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected, "the root volume went with the instance");
    delete(&here).await.expect("deleted");
    assert_eq!(code(delete(&here).await), "InvalidVolume.NotFound");
}

#[tokio::test]
async fn volumes_grow_one_change_at_a_time() {
    let bench = Bench::with_scenario("[times]\nmodification = \"60s\"").await;
    let id = volume(&bench, "us-east-1a").await;
    let modify = |size: i32| bench.ec2.modify_volume().volume_id(&id).size(size).send();
    assert_eq!(code(modify(9).await), "InvalidParameterValue");
    let changed = modify(20).await.expect("modified");
    let state = changed
        .volume_modification()
        .and_then(|it| it.modification_state())
        .expect("a state");
    assert_eq!(state.as_str(), "optimizing");
    assert_eq!(code(modify(30).await), "IncorrectModificationState");
    bench.wait(61);
    modify(30).await.expect("modified");
    let seen = bench.ec2.describe_volumes().volume_ids(&id).send().await;
    assert_eq!(seen.expect("found").volumes()[0].size(), Some(30));
}

#[tokio::test]
async fn a_volume_s_token_makes_one_volume() {
    let bench = Bench::new().await;
    let make = |size: i32| {
        bench
            .ec2
            .create_volume()
            .availability_zone("us-east-1a")
            .size(size)
            .client_token("volume-1")
            .send()
    };
    let first = make(8).await.expect("made").volume_id;
    let again = make(8).await.expect("made").volume_id;
    assert_eq!(first, again);
    assert_eq!(code(make(9).await), "IdempotentParameterMismatch");
    assert_eq!(bench.sandbox.live()["volume"], 1);
}

#[tokio::test]
async fn images_hold_their_snapshots() {
    let bench = Bench::new().await;
    let ec2 = &bench.ec2;
    let vpc = bench.vpc().await;
    let subnet = bench.subnet(&vpc, "10.0.1.0/24", "us-east-1a").await;
    let id = bench.running(&subnet).await;
    let image = || {
        ec2.create_image()
            .instance_id(&id)
            .name("golden")
            .tag_specifications(tags(ResourceType::Image, &[("lab", "a")]))
            .tag_specifications(tags(ResourceType::Snapshot, &[("lab", "a")]))
            .send()
    };
    let made = image().await.expect("made").image_id.expect("an id");
    assert_eq!(code(image().await), "InvalidAMIName.Duplicate");
    let snapshots = ec2.describe_snapshots().owner_ids("self").send().await;
    let snapshots = snapshots.expect("found");
    let snapshot = snapshots.snapshots()[0].snapshot_id().expect("an id");
    assert_eq!(snapshots.snapshots()[0].volume_size(), Some(8));
    let delete = || ec2.delete_snapshot().snapshot_id(snapshot).send();
    assert_eq!(code(delete().await), "InvalidSnapshot.InUse");
    let pending = bench.launch(&subnet).await.image_id(&made).send().await;
    assert_eq!(code(pending), "InvalidAMIID.Unavailable");
    bench.wait(2);
    bench
        .launch(&subnet)
        .await
        .image_id(&made)
        .send()
        .await
        .expect("launched");
    ec2.deregister_image()
        .image_id(&made)
        .send()
        .await
        .expect("deregistered");
    delete().await.expect("deleted");
    let gone = ec2.describe_images().image_ids(&made).send().await;
    assert_eq!(code(gone), "InvalidAMIID.NotFound");
}
