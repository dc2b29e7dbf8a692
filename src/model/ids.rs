//! One newtype per identifier, so that a subnet id can never be passed where an address is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that cannot be the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: {rule}")]
pub struct InvalidName {
    /// What the text was meant to be.
    pub what: &'static str,
    /// The text as it was given.
    pub text: String,
    /// The rule it breaks, as a sentence fragment.
    pub rule: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that is known to be such an identifier.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A lab's random identity, made at its first apply; two labs of one name never share it.
    LabId;
    /// One run of `apply`, `destroy`, `start` or `stop`.
    RunId;
    /// Where a resource stands in the lab, for example `node.sim.0`; stable for the life of the resource.
    Address;
    /// The identifier that the cloud gave a resource: an EC2 id, an IAM name, or a key such as `rtb-1/0.0.0.0/0`.
    CloudId;
    /// An AWS region, for example `eu-central-1`.
    Region;
    /// An availability zone, for example `eu-central-1a`.
    Zone;
    /// A twelve-digit AWS account.
    AccountId;
    /// An AMI id.
    ImageId;
    /// An EC2 instance type, for example `g5.xlarge`.
    InstanceType;
    /// An EC2 client token: at most 64 ASCII characters, one per intended effect.
    ClientToken;
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $least:literal, $most:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                let rule = concat!("a small letter, then small letters, digits and hyphens, ", $least, " to ", $most, " in all");
                let mut characters = text.chars();
                let starts = characters.next().is_some_and(|c| c.is_ascii_lowercase());
                let goes_on = characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
                if starts && goes_on && ($least..=$most).contains(&text.len()) {
                    Ok(Self(text))
                } else {
                    Err(InvalidName { what: $what, text, rule })
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidName;

            fn try_from(text: &str) -> Result<Self, InvalidName> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A lab's name as the profile gives it; it reaches tags, IAM names and file names.
    LabName, "the lab name", 2, 31;
    /// The name of a node group, access port, volume, stack or edge host in the profile.
    NodeName, "the name", 1, 31;
}

impl Address {
    /// The address made of `parts`, joined by dots.
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.join("."))
    }

    /// This address with one more part.
    pub fn child(&self, part: impl fmt::Display) -> Self {
        Self(format!("{}.{part}", self.0))
    }

    /// Whether this address is `other` or lies below it, as `--target` understands it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&other.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_out_are_refused() {
        for bad in [
            "",
            "a",
            "A1",
            "1a",
            "a b",
            "a_b",
            "a/b",
            "a\u{1b}[0m",
            "-ab",
            &"a".repeat(32),
        ] {
            assert!(LabName::try_from(bad).is_err(), "{bad:?}");
        }
        for good in ["ab", "a1", "digital-twin", &"a".repeat(31)] {
            assert!(LabName::try_from(good).is_ok(), "{good:?}");
            assert!(NodeName::try_from(good).is_ok(), "{good:?}");
        }
        // A machine may be called `a`; a lab's name is looked for in an account and says more.
        assert!(NodeName::try_from("a").is_ok());
        assert!(NodeName::try_from("").is_err() && NodeName::try_from("A").is_err());
    }

    #[test]
    fn within_respects_parts() {
        let node = Address::new("node.sim");
        assert!(Address::new("node.sim.0").is_within(&node));
        assert!(node.is_within(&node));
        assert!(!Address::new("node.simulator").is_within(&node));
    }
}
