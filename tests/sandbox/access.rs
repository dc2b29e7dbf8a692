//! Key pairs, IAM, Systems Manager, quotas.

use aws_sdk_ec2::primitives::Blob;

use crate::support::{Bench, UBUNTU, code, public_key};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

#[tokio::test]
async fn keys() {
    let bench = Bench::new().await;
    let import = |name: &str, text: String| {
        bench
            .ec2
            .import_key_pair()
            .key_name(name)
            .public_key_material(Blob::new(text))
            .send()
    };
    import("lab", public_key(1)).await.expect("imported");
    assert_eq!(
        code(import("lab", public_key(2)).await),
        "InvalidKeyPair.Duplicate"
    );
    for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "nonsense AAAA"] {
        let refused = code(import("other", bad.to_owned()).await);
        assert!(
            ["InvalidKey.Format", "MissingParameter"].contains(&refused.as_str()),
            "{bad:?}: {refused}"
        );
    }
    let found = bench
        .ec2
        .describe_key_pairs()
        .include_public_key(true)
        .send()
        .await
        .expect("found");
    assert_eq!(
        found.key_pairs()[0].public_key(),
        Some(public_key(1).as_str())
    );
    let gone = bench
        .ec2
        .describe_key_pairs()
        .key_names("none")
        .send()
        .await;
    assert_eq!(code(gone), "InvalidKeyPair.NotFound");
    let twice = bench.ec2.delete_key_pair().key_name("none").send().await;
    assert_eq!(
        code(twice),
        "no error",
        "deleting what is not there succeeds"
    );
}

#[tokio::test]
async fn roles_go_last() {
    let bench = Bench::new().await;
    let iam = &bench.iam;
    let role = || {
        iam.create_role()
            .role_name("lab")
            .assume_role_policy_document(TRUST)
            .send()
    };
    role().await.expect("made");
    assert_eq!(code(role().await), "EntityAlreadyExists");
    let bad = iam
        .create_role()
        .role_name("bad")
        .assume_role_policy_document("{}")
        .send()
        .await;
    assert_eq!(code(bad), "MalformedPolicyDocument");
    let profile = || iam.create_instance_profile().instance_profile_name("lab");
    profile().send().await.expect("made");
    assert_eq!(code(profile().send().await), "EntityAlreadyExists");
    let add = || {
        iam.add_role_to_instance_profile()
            .instance_profile_name("lab")
            .role_name("lab")
            .send()
    };
    add().await.expect("added");
    assert_eq!(code(add().await), "LimitExceeded");
    let policy = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy";
    iam.attach_role_policy()
        .role_name("lab")
        .policy_arn(policy)
        .send()
        .await
        .expect("attached");
    iam.put_role_policy()
        .role_name("lab")
        .policy_name("inline")
        .policy_document(TRUST)
        .send()
        .await
        .expect("put");

    let delete = || iam.delete_role().role_name("lab").send();
    let conflict = "DeleteConflict";
    assert_eq!(code(delete().await), conflict, "in a profile");
    let with_role = iam.delete_instance_profile().instance_profile_name("lab");
    assert_eq!(code(with_role.send().await), conflict);
    iam.remove_role_from_instance_profile()
        .instance_profile_name("lab")
        .role_name("lab")
        .send()
        .await
        .expect("removed");
    assert_eq!(code(delete().await), conflict, "a policy is attached");
    let attached = iam.list_attached_role_policies().role_name("lab").send();
    assert_eq!(
        attached.await.expect("listed").attached_policies()[0].policy_arn(),
        Some(policy)
    );
    iam.detach_role_policy()
        .role_name("lab")
        .policy_arn(policy)
        .send()
        .await
        .expect("detached");
    assert_eq!(code(delete().await), conflict, "a policy is inline");
    iam.delete_role_policy()
        .role_name("lab")
        .policy_name("inline")
        .send()
        .await
        .expect("deleted");
    delete().await.expect("deleted");
    assert_eq!(code(delete().await), "NoSuchEntity");
}

#[tokio::test]
async fn parameters_name_images_that_exist() {
    let bench = Bench::new().await;
    let image = bench.image().await;
    let found = bench.ec2.describe_images().image_ids(&image).send().await;
    let found = found.expect("found");
    let image = &found.images()[0];
    assert_eq!(image.root_device_name(), Some("/dev/sda1"));
    assert_eq!(image.owner_id(), Some("099720109477"));
    assert_eq!(
        image.block_device_mappings()[0]
            .ebs()
            .and_then(aws_sdk_ec2::types::EbsBlockDevice::volume_size),
        Some(8)
    );
    let names = bench
        .ssm
        .get_parameters()
        .names(UBUNTU)
        .names("/none")
        .send();
    let names = names.await.expect("answered");
    assert_eq!(names.invalid_parameters(), ["/none"]);
    assert_eq!(names.parameters().len(), 1);
    let none = bench.ssm.get_parameter().name("/none").send().await;
    assert_eq!(code(none), "ParameterNotFound");
}

#[tokio::test]
async fn quotas_are_the_scenario_s() {
    let bench = Bench::with_scenario("[quotas]\nL-DB2E81BA = 8").await;
    let quota = |code: &str| {
        bench
            .quotas
            .get_service_quota()
            .service_code("ec2")
            .quota_code(code)
            .send()
    };
    let applied = quota("L-DB2E81BA").await.expect("known");
    assert_eq!(
        applied
            .quota()
            .and_then(aws_sdk_servicequotas::types::ServiceQuota::value),
        Some(8.0)
    );
    assert_eq!(code(quota("L-00000000").await), "NoSuchResourceException");
    let default = bench
        .quotas
        .get_aws_default_service_quota()
        .service_code("ec2")
        .quota_code("L-DB2E81BA")
        .send()
        .await
        .expect("known");
    assert_eq!(
        default
            .quota()
            .and_then(aws_sdk_servicequotas::types::ServiceQuota::value),
        Some(0.0)
    );
}
