//! All kinds of entity as one, and what each kind has: an id, tags, keys.

use serde::{Deserialize, Serialize};

use super::access::{FaultState, InstanceProfile, KeyPair, Role, ServiceLinkedRole, Token};
use super::buckets::{Bucket, Object};
use super::compute::{Instance, LaunchTemplate, PlacementGroup, SpotRequest};
use super::keys::{Indexed, Keys, Tags};
use super::network::{
    Address, Gateway, Interface, RouteAssociation, RouteTable, SecurityGroup, SgRule, Subnet, Vpc,
};
use super::storage::{Image, Snapshot, Volume};
use super::watch::{Alarm, Dashboard};

/// A kind of entity.
pub(crate) trait Record: Sized {
    /// The prefix of its ids, hyphen or slash included.
    const PREFIX: &'static str;
    /// Its id.
    fn id(&self) -> &str;
    /// Its tags.
    fn tags(&self) -> Option<&Tags>;
    /// Its tags, to be changed.
    fn tags_mut(&mut self) -> Option<&mut Tags>;
    /// The keys under which it is found.
    fn keys(&self, keys: &mut Keys);
    /// As an entity of any kind.
    fn wrap(self) -> Entity;
    /// Out of an entity of any kind.
    fn peel(entity: &Entity) -> Option<&Self>;
    /// Out of an entity of any kind, to be changed.
    fn peel_mut(entity: &mut Entity) -> Option<&mut Self>;
}

macro_rules! entities {
    ($($name:ident $prefix:literal $($tags:ident)?;)*) => {
        /// Anything that exists.
        #[expect(
            clippy::large_enum_variant,
            reason = "a large world is mostly of the large kinds"
        )]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub(crate) enum Entity { $($name($name)),* }

        impl Entity {
            pub(crate) fn id(&self) -> &str {
                match self { $(Self::$name(it) => it.id()),* }
            }
            pub(crate) fn tags(&self) -> Option<&Tags> {
                match self { $(Self::$name(it) => it.tags()),* }
            }
            pub(crate) fn tags_mut(&mut self) -> Option<&mut Tags> {
                match self { $(Self::$name(it) => it.tags_mut()),* }
            }
            pub(crate) fn keys(&self) -> Keys {
                let mut keys = Keys::default();
                match self { $(Self::$name(it) => it.keys(&mut keys)),* }
                keys
            }
        }

        $(impl Record for $name {
            const PREFIX: &'static str = $prefix;
            fn id(&self) -> &str { &self.id }
            fn tags(&self) -> Option<&Tags> { entities!(@tags self $($tags)?) }
            fn tags_mut(&mut self) -> Option<&mut Tags> { entities!(@tags_mut self $($tags)?) }
            fn keys(&self, keys: &mut Keys) { self.index(keys); }
            fn wrap(self) -> Entity { Entity::$name(self) }
            fn peel(entity: &Entity) -> Option<&Self> {
                if let Entity::$name(it) = entity { Some(it) } else { None }
            }
            fn peel_mut(entity: &mut Entity) -> Option<&mut Self> {
                if let Entity::$name(it) = entity { Some(it) } else { None }
            }
        })*
    };
    (@tags $this:ident) => { None };
    (@tags $this:ident tags) => { Some(&$this.tags) };
    (@tags_mut $this:ident) => { None };
    (@tags_mut $this:ident tags) => { Some(&mut $this.tags) };
}

entities! {
    Vpc "vpc-" tags;
    Subnet "subnet-" tags;
    Gateway "igw-" tags;
    RouteTable "rtb-" tags;
    RouteAssociation "rtbassoc-";
    SecurityGroup "sg-" tags;
    SgRule "sgr-" tags;
    KeyPair "key-" tags;
    Instance "i-" tags;
    Volume "vol-" tags;
    Interface "eni-" tags;
    Address "eipalloc-" tags;
    Snapshot "snap-" tags;
    Image "ami-" tags;
    LaunchTemplate "lt-" tags;
    SpotRequest "sir-" tags;
    PlacementGroup "pg-" tags;
    Token "token/";
    Role "role/" tags;
    InstanceProfile "profile/" tags;
    ServiceLinkedRole "linked/";
    FaultState "fault/";
    Bucket "bucket/";
    Object "object/";
    Alarm "alarm/" tags;
    Dashboard "dashboard/";
}
