//! Imported key pairs. Their name is their id here: it is what a launch takes.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{Filter, KeyPairInfo, ResourceType};

use super::tags;
use crate::aws::answer::{Done, born, gone};
use crate::aws::classify::failed;
use crate::aws::sight::sighted;
use crate::inventory::{Seen, SeenKeyPair, Sighting};
use crate::model::{Failure, Stamp};
use crate::port::Scope;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    find(ec2, tags::lab_filter(scope.lab.as_ref())).await
}

/// The key pairs that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let answer = ec2
        .describe_key_pairs()
        .filters(filter)
        .include_public_key(true)
        .send()
        .await
        .map_err(failed("DescribeKeyPairs"))?;
    Ok(answer.key_pairs().iter().filter_map(sighting).collect())
}

fn sighting(key: &KeyPairInfo) -> Option<Sighting> {
    let name = key.key_name()?;
    let seen = SeenKeyPair {
        name: name.to_owned(),
        public_key: key.public_key().and_then(without_comment),
    };
    Some(sighted(
        name,
        tags::of(key.tags()),
        key.create_time(),
        Seen::KeyPair(seen),
    ))
}

/// Type and key; EC2 puts the key pair's name behind them.
fn without_comment(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

pub(in crate::aws) async fn import(
    ec2: &Client,
    name: &str,
    public_key: &str,
    stamp: &Stamp,
) -> Done {
    ec2.import_key_pair()
        .key_name(name)
        .public_key_material(Blob::new(public_key.as_bytes()))
        .tag_specifications(tags::specification(ResourceType::KeyPair, &stamp.tags))
        .send()
        .await
        .map_err(failed("ImportKeyPair"))?;
    Ok(born(name, None))
}

pub(in crate::aws) async fn delete(ec2: &Client, name: &str) -> Done {
    gone(
        ec2.delete_key_pair()
            .key_name(name)
            .send()
            .await
            .map_err(failed("DeleteKeyPair")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_goes() {
        assert_eq!(
            without_comment("ssh-ed25519 AAAA lab\n").as_deref(),
            Some("ssh-ed25519 AAAA")
        );
        assert_eq!(without_comment(""), None);
    }
}
