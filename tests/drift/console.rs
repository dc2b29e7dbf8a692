//! Everything that somebody may do in the console: each is a plan that mends it, and nothing is left to do after that.

use aws_sdk_ec2::types::{
    AttributeValue, IamInstanceProfileSpecification, InstanceStateName, InstanceType, IpPermission,
    IpRange,
};

use crate::account::Account;
use crate::labs::{LAB, applied, ids, planned};

/// Something that is changed behind the lab's back.
#[derive(Debug, Clone, Copy)]
enum Drift {
    MachineTerminated,
    MachineStopped,
    TagsRemoved,
    NetworkTagsRemoved,
    AddressTagChanged,
    LabTagChanged,
    NameChanged,
    TypeChanged,
    GroupSwapped,
    ProfileSwapped,
    RuleRemoved,
    RouteRemoved,
    GatewayTagsRemoved,
    KeyRemoved,
    KeyTagsRemoved,
    ProfileTagsRemoved,
    VolumeDetached,
    AddressTaken,
    AddressReleased,
}

/// What each leads to: the actions of the plan, in order.
const TABLE: [(Drift, &[&str]); 19] = [
    (Drift::MachineTerminated, &["create node.box.0"]),
    (Drift::MachineStopped, &[]),
    (Drift::TagsRemoved, &["update node.box.0"]),
    (Drift::NetworkTagsRemoved, &["update network.vpc"]),
    (Drift::AddressTagChanged, &["update node.box.0"]),
    (Drift::LabTagChanged, &["update volume.box.0.data"]),
    (
        Drift::NameChanged,
        &["update network.vpc", "update node.box.0"],
    ),
    (Drift::TypeChanged, &["update node.box.0"]),
    (Drift::GroupSwapped, &["update node.box.0"]),
    (Drift::ProfileSwapped, &["update node.box.0"]),
    (Drift::RuleRemoved, &["update access.security-group.box"]),
    (Drift::RouteRemoved, &["create network.route.default"]),
    (
        Drift::GatewayTagsRemoved,
        &["update network.internet-gateway"],
    ),
    (Drift::KeyRemoved, &["create access.key-pair"]),
    (Drift::KeyTagsRemoved, &["update access.key-pair"]),
    (
        Drift::ProfileTagsRemoved,
        &["update access.instance-profile"],
    ),
    (Drift::VolumeDetached, &["update volume.box.0.data"]),
    (Drift::AddressTaken, &["update elastic-ip.box.0"]),
    (Drift::AddressReleased, &["create elastic-ip.box.0"]),
];

#[tokio::test]
async fn whatever_is_changed_in_the_console_is_mended() {
    for (drift, expected) in TABLE {
        let bench = applied(&LAB);
        let before = ids(&bench);
        let account = Account::open(&bench).await;
        change(&account, drift, &|address| before[address].clone()).await;
        drop(account);
        let plan = planned(&bench);
        // What hangs on a machine that is gone goes along.
        let told: Vec<&str> = plan.iter().map(String::as_str).collect();
        match drift {
            Drift::MachineTerminated => assert!(told.contains(&expected[0]), "{told:?}"),
            _ => assert_eq!(told, expected, "{drift:?}"),
        }
        bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
        assert_eq!(planned(&bench), Vec::<String>::new(), "{drift:?}");
        let after = ids(&bench);
        let made_anew = told.iter().any(|line| line.starts_with("create"));
        assert!(
            made_anew || before == after,
            "{drift:?}: {before:?} {after:?}"
        );
    }
}

async fn change(account: &Account, drift: Drift, id: &dyn Fn(&str) -> String) {
    let ec2 = &account.ec2;
    let machine = id("node.box.0");
    match drift {
        Drift::MachineTerminated => account.terminate(&machine).await,
        Drift::MachineStopped => {
            let call = ec2.stop_instances().instance_ids(&machine);
            call.send().await.expect("stopped");
            account.settles(&machine, InstanceStateName::Stopped).await;
        }
        Drift::TagsRemoved => account.untag(&machine).await,
        Drift::NetworkTagsRemoved => account.untag(&id("network.vpc")).await,
        Drift::GatewayTagsRemoved => account.untag(&id("network.internet-gateway")).await,
        Drift::AddressTagChanged => {
            let elsewhere = account.tag(&machine, "roboinfra:address", "node.other");
            elsewhere.await;
        }
        Drift::LabTagChanged => {
            let volume = id("volume.box.0.data");
            let tag = aws_sdk_ec2::types::Tag::builder()
                .key("roboinfra:lab-id")
                .build();
            let call = ec2.delete_tags().resources(volume).tags(tag);
            call.send().await.expect("untagged");
        }
        Drift::NameChanged => {
            account.tag(&machine, "Name", "mine").await;
            account.tag(&id("network.vpc"), "Name", "mine").await;
        }
        Drift::TypeChanged => change_type(account, &machine).await,
        Drift::GroupSwapped => swap_group(account, &machine, id).await,
        Drift::ProfileSwapped => swap_profile(account, &machine).await,
        Drift::RuleRemoved => {
            let rule = IpPermission::builder()
                .ip_protocol("tcp")
                .from_port(22)
                .to_port(22)
                .ip_ranges(IpRange::builder().cidr_ip("203.0.113.7/32").build());
            let call = ec2.revoke_security_group_ingress();
            let call = call.group_id(id("access.security-group.box"));
            call.ip_permissions(rule.build())
                .send()
                .await
                .expect("revoked");
        }
        Drift::RouteRemoved => {
            let call = ec2.delete_route().route_table_id(id("network.route-table"));
            let call = call.destination_cidr_block("0.0.0.0/0");
            call.send().await.expect("deleted");
        }
        Drift::KeyRemoved => {
            let call = ec2.delete_key_pair().key_name(id("access.key-pair"));
            call.send().await.expect("deleted");
        }
        Drift::KeyTagsRemoved => {
            let found = ec2.describe_key_pairs().key_names(id("access.key-pair"));
            let found = found.send().await.expect("described");
            let key = found.key_pairs()[0]
                .key_pair_id()
                .expect("an id")
                .to_owned();
            account.untag(&key).await;
        }
        Drift::ProfileTagsRemoved => {
            let call = account.iam.untag_instance_profile();
            let call = call.instance_profile_name(id("access.instance-profile"));
            call.tag_keys("roboinfra:lab")
                .send()
                .await
                .expect("untagged");
        }
        Drift::VolumeDetached => {
            let call = ec2.detach_volume().volume_id(id("volume.box.0.data"));
            call.send().await.expect("detached");
        }
        Drift::AddressTaken => {
            let other = account.foreign_machine(&machine).await;
            let call = ec2
                .associate_address()
                .allocation_id(id("elastic-ip.box.0"));
            let call = call.instance_id(other).allow_reassociation(true);
            call.send().await.expect("taken");
        }
        Drift::AddressReleased => release_address(account, id).await,
    }
}

async fn swap_profile(account: &Account, machine: &str) {
    let iam = &account.iam;
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let call = iam
        .create_role()
        .role_name("mine")
        .assume_role_policy_document(trust);
    call.send().await.expect("made");
    let call = iam.create_instance_profile().instance_profile_name("mine");
    call.send().await.expect("made");
    let call = iam
        .add_role_to_instance_profile()
        .instance_profile_name("mine");
    call.role_name("mine").send().await.expect("added");
    let found = account.ec2.describe_iam_instance_profile_associations();
    let found = found.send().await.expect("described");
    let held = found
        .iam_instance_profile_associations()
        .iter()
        .find(|held| held.instance_id() == Some(machine))
        .and_then(|held| held.association_id())
        .expect("associated");
    let mine = IamInstanceProfileSpecification::builder()
        .name("mine")
        .build();
    let call = account.ec2.replace_iam_instance_profile_association();
    let call = call.association_id(held).iam_instance_profile(mine);
    call.send().await.expect("replaced");
}

async fn change_type(account: &Account, machine: &str) {
    let ec2 = &account.ec2;
    let call = ec2.stop_instances().instance_ids(machine);
    call.send().await.expect("stopped");
    account.settles(machine, InstanceStateName::Stopped).await;
    let larger = AttributeValue::builder().value("g5.2xlarge").build();
    let call = ec2.modify_instance_attribute().instance_id(machine);
    call.instance_type(larger).send().await.expect("changed");
    let call = ec2.start_instances().instance_ids(machine);
    call.send().await.expect("started");
    account.settles(machine, InstanceStateName::Running).await;
    let now = account.instance(machine).await;
    assert_eq!(now.instance_type(), Some(&InstanceType::G52xlarge));
}

async fn swap_group(account: &Account, machine: &str, id: &dyn Fn(&str) -> String) {
    let ec2 = &account.ec2;
    let made = ec2
        .create_security_group()
        .vpc_id(id("network.vpc"))
        .group_name("mine")
        .description("mine")
        .send()
        .await
        .expect("made");
    let call = ec2.modify_instance_attribute().instance_id(machine);
    let group = made.group_id().expect("an id");
    call.groups(group).send().await.expect("changed");
}

async fn release_address(account: &Account, id: &dyn Fn(&str) -> String) {
    let ec2 = &account.ec2;
    let allocation = id("elastic-ip.box.0");
    let found = ec2.describe_addresses().allocation_ids(&allocation);
    let found = found.send().await.expect("described");
    let tie = found.addresses()[0]
        .association_id()
        .expect("associated")
        .to_owned();
    let call = ec2.disassociate_address().association_id(tie);
    call.send().await.expect("disassociated");
    let call = ec2.release_address().allocation_id(&allocation);
    call.send().await.expect("released");
}
