//! What is in the lab's network and is not the lab's: told once, never touched, never stood upon.

use aws_sdk_ec2::types::{InstanceStateName, IpPermission, IpRange};

use crate::account::Account;
use crate::bench::Bench;
use crate::labs::{LAB, applied, foreign, ids, planned};

#[tokio::test]
async fn foreign_things_are_told_once_and_left_alone() {
    let bench = applied(&LAB);
    let known = ids(&bench);
    assert_eq!(foreign(&bench), Vec::<String>::new());
    let account = Account::open(&bench).await;
    let (machine, volume) = place(&account, &known).await;
    drop(account);

    assert_eq!(planned(&bench), Vec::<String>::new());
    let told = foreign(&bench);
    for (what, times) in [
        (machine.as_str(), 1),
        (volume.as_str(), 1),
        ("443/tcp from 198.51.100.0/24", 1),
        ("route to 198.51.100.0/24", 1),
    ] {
        let found = told.iter().filter(|text| text.contains(what)).count();
        assert_eq!(found, times, "{what}: {told:?}");
    }
    assert_eq!(told.len(), 4, "{told:?}");
    let status = bench.run(&["status", "--sandbox"]).ends(0);
    assert_eq!(status.out.matches(&machine).count(), 1, "{}", status.out);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert_eq!(foreign(&bench), told);
    stops_at_a_stranger(&bench, &known, &machine).await;
}

/// Destroying stops before anything is touched, and goes on when the stranger has gone.
async fn stops_at_a_stranger(
    bench: &Bench,
    known: &std::collections::BTreeMap<String, String>,
    machine: &str,
) {
    let ran = bench.harmless(&["destroy", "--sandbox", "--yes"], 1);
    let ran = ran.says(&["nothing was changed", "destroy --target node"]);
    assert!(
        ran.out.contains("eni-") && ran.out.contains(machine),
        "{}",
        ran.out
    );
    let account = Account::open(bench).await;
    let own = account.instance(&known["node.box.0"]).await;
    let state = own.state().and_then(|s| s.name());
    assert_eq!(state, Some(&InstanceStateName::Running));
    account.terminate(machine).await;
    drop(account);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
}

/// A machine, a volume, a rule and a route of somebody else's.
async fn place(
    account: &Account,
    known: &std::collections::BTreeMap<String, String>,
) -> (String, String) {
    let ec2 = &account.ec2;
    let own = &known["node.box.0"];
    let machine = account.foreign_machine(own).await;
    let made = ec2.create_volume().availability_zone("us-east-1a").size(1);
    let made = made.send().await.expect("made");
    let volume = made.volume_id().expect("an id").to_owned();
    for _ in 0..200 {
        let call = ec2.attach_volume().volume_id(&volume).instance_id(own);
        if call.device("/dev/sdp").send().await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let rule = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(443)
        .to_port(443)
        .ip_ranges(IpRange::builder().cidr_ip("198.51.100.0/24").build());
    let call = ec2.authorize_security_group_ingress();
    let call = call.group_id(&known["access.security-group.box"]);
    call.ip_permissions(rule.build())
        .send()
        .await
        .expect("added");
    let call = ec2
        .create_route()
        .route_table_id(&known["network.route-table"]);
    let call = call.destination_cidr_block("198.51.100.0/24");
    let call = call.gateway_id(&known["network.internet-gateway"]);
    call.send().await.expect("added");
    (machine, volume)
}
