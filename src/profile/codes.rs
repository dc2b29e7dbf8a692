//! The stable codes of the problems that a profile can have.
//!
//! A code never changes its meaning and is never given again. P00 is about the file, P01 about keys, P02 about
//! single values, P03 about values that do not go together; P09 are warnings.

/// Whether a problem stops the profile from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The profile is not valid.
    Error,
    /// The profile is valid, but its owner should know.
    Warning,
}

/// A code with its severity and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    /// The code, for example `P0101`.
    pub(super) id: &'static str,
    /// Whether such a problem stops.
    pub(super) severity: Severity,
    /// What it stands for, as the reference says it.
    pub(super) about: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $about:literal;)*) => {
        $(pub(super) const $name: Code = Code { id: $id, severity: Severity::$severity, about: $about };)*
        /// Every code, in order.
        pub(super) const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    SYNTAX "P0001" Error "The text is not TOML.";
    EMPTY "P0002" Error "The file has no keys at all.";
    NOT_TEXT "P0003" Error "The file is not text: it holds NUL bytes.";
    TOO_LARGE "P0004" Error "The file is larger than 1 MiB.";
    UNKNOWN_KEY "P0101" Error "A key that the profile does not have, often misspelt or in the wrong section.";
    MISSING_KEY "P0102" Error "A key that must be there is not.";
    WRONG_TYPE "P0103" Error "A value of another type than its key takes.";
    VERSION "P0104" Error "A format version that this program does not read.";
    DUPLICATE_KEY "P0105" Error "A key or section that is written twice.";
    OUT_OF_RANGE "P0201" Error "A number outside the range that AWS or the program allows.";
    UNKNOWN_WORD "P0202" Error "A word that is not one of those the key takes.";
    BAD_NAME "P0203" Error "A name with characters or a length that names may not have.";
    UNKNOWN_REGION "P0204" Error "A region that AWS does not have.";
    BAD_CIDR "P0205" Error "An address block that is not one, or not one that fits here.";
    BAD_PORT "P0206" Error "A port or range of ports that is not one.";
    BAD_DURATION "P0207" Error "A duration that is not written like `45m`, or is too short or too long.";
    BAD_TIME "P0208" Error "A time of the week that is not written like `Mon-Fri 08:00`.";
    BAD_TIMEZONE "P0209" Error "A time zone that is not an IANA name like `Europe/Berlin`.";
    BAD_IMAGE "P0210" Error "An image that is neither a known name, nor `ami-…`, nor `ssm:/path`.";
    BAD_SECRET "P0211" Error "A secret that does not say where it is read from: `ssm:`, `env:` or `file:`.";
    BAD_TAG "P0212" Error "A tag that AWS or the program does not allow.";
    BAD_ZONE "P0213" Error "A zone that is not in the lab's region.";
    BAD_ID "P0214" Error "An AWS id that is not written like one.";
    BAD_MOUNT "P0215" Error "A mount point that is not an absolute path of its own.";
    BAD_TYPE "P0216" Error "A text that cannot be an instance type.";
    BAD_STEP "P0217" Error "A bootstrap step that does not exist.";
    BAD_DRIVER "P0218" Error "A text that cannot be a driver branch.";
    BAD_ADDRESS "P0219" Error "An address in `[[moved]]` that is neither `node.NAME` nor `node.NAME.INDEX`, or the two mixed.";
    BAD_HOST "P0220" Error "A host or user name that cannot be one.";
    BAD_KEY_FILE "P0221" Error "A public key that is not named by the path of its file.";
    BAD_VARIABLE "P0222" Error "An environment variable with a name or value that cannot be one.";
    BAD_BUCKET "P0223" Error "A text that cannot be the name of an S3 bucket, or stand before its keys.";
    BAD_NAMESPACE "P0224" Error "A text that cannot be a CloudWatch namespace.";
    BAD_COMPONENT "P0225" Error "A component that the stack does not have.";
    BAD_CONTAINER "P0226" Error "A container image without a fixed tag or digest.";
    BAD_STEP_FILE "P0227" Error "The file of a bootstrap step that cannot be read, or is not written like one.";
    BAD_INPUT "P0228" Error "An input or a secret that the bootstrap step does not take, or lacks.";
    BAD_STACK_FILE "P0229" Error "A file of a stack of your own that cannot be read, or is not written like one.";
    RETIRED_TYPE "P0301" Error "An instance type that cannot be launched any more.";
    UNDEFINED "P0302" Error "A reference to something that the profile does not define.";
    MIXED_ARCHITECTURES "P0303" Error "Instance types of different architectures in one node.";
    DUPLICATE "P0304" Error "The same value twice where each may stand once.";
    VOLUME_RATIO "P0305" Error "IOPS or throughput that gp3 does not give for the size or IOPS asked.";
    MOUNT_TAKEN "P0306" Error "Two volumes of a node with one mount point.";
    TOO_MANY "P0307" Error "More of something than AWS or the program allows.";
    PRICE_WITHOUT_SPOT "P0308" Error "`max_price` on a node that never asks for spot capacity.";
    NETWORK_CHOICE "P0309" Error "A new and an existing network at once, or half of an existing one.";
    NETWORK_TOO_SMALL "P0310" Error "An address block with fewer addresses than the lab has machines.";
    DRIVER_MISFIT "P0311" Error "A driver branch that does not drive the node's GPU.";
    IMAGE_MISFIT "P0312" Error "An image that does not exist for the architecture, or does not fit on the root volume.";
    MOVED_MISFIT "P0313" Error "A `[[moved]]` whose old name still exists, or moves that go round in a circle.";
    UDP_TUNNEL "P0314" Error "A UDP port through a tunnel, which carries TCP only.";
    NO_SUCH_STACK "P0315" Error "A stack that is neither shipped nor a folder of yours.";
    LICENCE "P0316" Error "A component whose licence must be accepted before it may run.";
    SECRET_NEEDED "P0317" Error "A secret that a component cannot run without.";
    SETTING_NEEDED "P0318" Error "A variable or an image that a component cannot be made without.";
    STACK_MISFIT "P0319" Error "A component that does not run on the machine: its architecture, its GPU or its driver.";
    STEP_MISFIT "P0320" Error "A bootstrap step that does not run on the image's system.";
    UNKNOWN_TYPE "P0901" Warning "An instance type that the catalogue does not have: its price is not known.";
    WIDE_OPEN "P0902" Warning "A port that the whole internet, or much of it, may reach.";
    OLD_DRIVER "P0903" Warning "A driver branch that is no longer supported, or is not known.";
    SPOT_GROUP "P0904" Warning "Spot capacity in a cluster placement group: hard to get and lost together.";
    UNUSED_STACK "P0905" Warning "A stack that no node and no edge host runs.";
    NOTHING_TO_BUILD "P0906" Warning "A profile without nodes and without edge hosts.";
    LONE_GROUP "P0907" Warning "A placement group for at most one machine.";
    NOT_OFFERED "P0908" Warning "Types that the region did not offer when the catalogue was made.";
    DOCKER_NETWORK "P0909" Warning "An address block that overlaps Docker's own network.";
    MAYBE_PRIVATE_KEY "P0910" Warning "A key file whose name does not end in `.pub`.";
    NO_SSH "P0911" Warning "Ports are listed, but none lets SSH in.";
    LOOKS_SECRET "P0912" Warning "A plain variable whose name says that it is a secret.";
    STACK_WITHOUT_STEP "P0913" Warning "A stack on a machine whose `bootstrap` does not start it.";
    UNUSED_STEP "P0914" Warning "A section `[step.*]` whose step no node and no edge host runs.";
    IDLE_HOOK "P0915" Warning "A hook for spot notices that nothing would ever run.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_in_order_and_p09_are_the_warnings() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
        for code in ALL {
            assert_eq!(
                code.id.starts_with("P09"),
                code.severity == Severity::Warning,
                "{}",
                code.id
            );
        }
    }
}
