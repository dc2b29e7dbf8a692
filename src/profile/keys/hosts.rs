//! `[node.*]`, `[stack.*]`, `[step.*]` and `[edge.*]`.

use super::formats::{
    COMPONENT, CONTAINER, DRIVER, HOST, IMAGE, MOUNT, NAME, PROFILE_NAME, SCRIPT, SECRET,
    STACK_NAME, STEP as STEP_NAME, STEP_FILE, TYPE, USER, VARIABLE,
};
use crate::profile::shape::{Key, Section, Shape, key};

/// The sizes of a gp3 volume in GiB, smallest and largest.
const SIZE_GIB: (i64, i64) = (1, 65536);
/// The operations per second of a gp3 volume.
const IOPS: (i64, i64) = (3000, 80_000);
/// The throughput of a gp3 volume in MiB/s.
const THROUGHPUT_MIB: (i64, i64) = (125, 2000);

const STEP_LIST: Shape = Shape::List(&Shape::Text(STEP_NAME));

const SIZE: Key = key(
    "size_gib",
    Shape::Whole(SIZE_GIB.0, SIZE_GIB.1),
    "200",
    "Size in GiB, 1 to 65536. It can grow later, never shrink.",
)
.aka(&["size", "size_gb"]);

const IOPS_KEY: Key = key(
    "iops",
    Shape::Whole(IOPS.0, IOPS.1),
    "3000",
    "Operations per second, 3000 to 80000 and at most 500 for each GiB. 3000 are free.",
)
.default("3000");

const THROUGHPUT_KEY: Key = key(
    "throughput_mib",
    Shape::Whole(THROUGHPUT_MIB.0, THROUGHPUT_MIB.1),
    "125",
    "Throughput in MiB/s, 125 to 2000 and at most a quarter of `iops`. 125 are free.",
)
.default("125")
.aka(&["throughput"]);

pub(super) static NODE: Section = Section {
    path: "node.*",
    doc: "A group of like machines. Its name is in the address of each, for example `node.sim.0`.",
    keys: &[
        key("count", Shape::Whole(0, 1000), "1", "How many, 0 to 1000.").default("1"),
        key(
            "types",
            Shape::List(&Shape::Text(TYPE)),
            "[\"g5.2xlarge\", \"g6.2xlarge\"]",
            "Instance types in order of preference. Where there is no capacity for one in any zone, the \
             next is tried. All have one architecture.",
        )
        .required()
        .aka(&["instance_type", "instance_types"]),
        key(
            "market",
            Shape::Words(&["on-demand", "spot", "spot-then-on-demand"]),
            "\"spot\"",
            "How capacity is bought. `spot-then-on-demand` falls back where there is no spot capacity.",
        )
        .default("\"on-demand\""),
        key(
            "max_price",
            Shape::Number(0.0001, 1000.0),
            "0.60",
            "The most to pay for a machine on the spot market, in USD per hour. AWS advises to set none.",
        )
        .aka(&["spot_price", "max_spot_price"]),
        key(
            "on_interruption",
            Shape::Text(SCRIPT),
            "\"aws s3 sync /checkpoints s3://my-bucket\"",
            "A shell script that the agent runs as root when AWS is about to take a spot machine away, usually two minutes \
             before. `ROBOINFRA_SECONDS_LEFT` says how long there is. On demand it never runs.",
        ),
        key(
            "on_rebalance",
            Shape::Text(SCRIPT),
            "\"touch /run/save-soon\"",
            "The same for a recommendation to move: the machine may be taken away soon, and need not be.",
        ),
        key(
            "image",
            Shape::Text(IMAGE),
            "\"ubuntu-22.04\"",
            "`ubuntu-22.04`, `ubuntu-24.04`, `debian-12`, `dlami-base-22.04`, `dlami-base-24.04`, an id \
             `ami-…`, or `ssm:/path` of a parameter that holds one. It is pinned in the lockfile when first used.",
        )
        .default("\"ubuntu-22.04\"")
        .aka(&["ami", "ami_id", "os"]),
        key("elastic_ip", Shape::Flag, "true", "Whether each machine gets an address that outlives a stop.")
            .default("false")
            .aka(&["eip", "public_ip"]),
        key("root_volume", Shape::Table(&ROOT), "", "The root volume.").aka(&["disk", "root", "root_disk"]),
        key("volume", Shape::Named(&VOLUME), "", "Data volumes, by name; at most 11.").aka(&["volumes", "data"]),
        key(
            "bootstrap",
            STEP_LIST,
            "[\"base\", \"nvidia-driver\", \"docker\"]",
            "The steps that make the machine ready, in order: shipped ones and `[step.*]`. Without a GPU the default is \
             `base`, `docker`, `ros-network`, `stack`, `gpu-metrics`. That last one installs the agent, which \
             `[metrics]`, `[idle]` and `ttl` are for.",
        )
        .default(
            "[\"base\", \"nvidia-driver\", \"docker\", \"nvidia-container-toolkit\", \"ros-network\", \
             \"stack\", \"gpu-metrics\"]",
        )
        .aka(&["steps", "user_data"]),
        key(
            "driver",
            Shape::Text(DRIVER),
            "\"580-server\"",
            "The branch of the NVIDIA driver that the step `nvidia-driver` installs.",
        ),
        key("stack", Shape::Text(NAME), "\"digital-twin\"", "The stack that runs on it: a `[stack.NAME]`."),
        key(
            "placement_group",
            Shape::Flag,
            "true",
            "Whether the machines launch close together, into one cluster placement group of one zone.",
        )
        .default("false"),
        key(
            "instance_profile",
            Shape::Text(PROFILE_NAME),
            "\"lab-hosts\"",
            "An existing IAM instance profile to use instead of the lab's own; it is never changed or deleted.",
        )
        .aka(&["iam_instance_profile", "iam_role"]),
        key(
            "shutdown",
            Shape::Words(&["stop", "terminate"]),
            "\"terminate\"",
            "What a shutdown from inside the machine does to it.",
        )
        .default("\"stop\""),
        key(
            "prevent_destroy",
            Shape::Flag,
            "true",
            "Whether a plan that deletes or replaces the machines is refused.",
        )
        .default("false")
        .aka(&["protect", "termination_protection"]),
    ],
};

static ROOT: Section = Section {
    path: "node.*.root_volume",
    doc: "The root volume: gp3 and encrypted. It goes with the machine.",
    keys: &[SIZE.default("100"), IOPS_KEY, THROUGHPUT_KEY],
};

static VOLUME: Section = Section {
    path: "node.*.volume.*",
    doc: "A data volume of each machine: gp3 and encrypted. It outlives the machine.",
    keys: &[
        SIZE.required(),
        key(
            "mount",
            Shape::Text(MOUNT),
            "\"/data\"",
            "Where it is mounted.",
        )
        .required()
        .aka(&["path", "mountpoint"]),
        key("keep", Shape::Flag, "true", "Whether `destroy` leaves it.").default("false"),
        IOPS_KEY,
        THROUGHPUT_KEY,
    ],
};

pub(super) static STACK: Section = Section {
    path: "stack.*",
    doc: "The programs that a node runs: one of the shipped stacks, which docs/stacks.md describes, or one of your own.",
    keys: &[
        key(
            "template",
            Shape::Text(STACK_NAME),
            "\"digital-twin\"",
            "The shipped stack; or the folder of a stack of your own, with a `/` in it, which docs/stacks.md is about. Without it, the shipped \
             one of the section's own name.",
        )
        .aka(&["stack", "from"]),
        key(
            "components",
            Shape::List(&Shape::Text(COMPONENT)),
            "[\"nav2\", \"redis\", \"foxglove\"]",
            "The components that run. Without it, all but those that need a program of yours.",
        )
        .aka(&["services"]),
        key(
            "accept_eula",
            Shape::Flag,
            "true",
            "That you have read and accepted the licences of the components that have one: Isaac Sim, Riva, NIM.",
        )
        .default("false")
        .aka(&["eula", "ACCEPT_EULA", "accept-eula"]),
        key(
            "images",
            Shape::Map(CONTAINER),
            "{ cognitive = \"ghcr.io/acme/cognitive:1.4.2\" }",
            "Images to run instead of the shipped ones, by component: each with a tag other than `latest`, or a digest.",
        )
        .default("{}")
        .aka(&["image"]),
        key(
            "env",
            Shape::Map(VARIABLE),
            "{ ROS_DOMAIN_ID = \"42\" }",
            "Environment variables.",
        )
        .default("{}")
        .aka(&["environment"]),
        key(
            "secrets",
            Shape::Map(SECRET),
            "{ NGC_API_KEY = \"ssm:/labs/ngc\" }",
            "Secret environment variables, and where each is read from: `ssm:/path` of an SSM parameter, \
             `env:NAME` of your environment, or `file:PATH`. The secret itself never stands here.",
        )
        .default("{}")
        .aka(&["secret"]),
    ],
};

pub(super) static STEP: Section = Section {
    path: "step.*",
    doc: "A bootstrap step of your own, to be named in `bootstrap`; or, under the name of a shipped step, its settings.",
    keys: &[
        key(
            "script",
            Shape::Text(STEP_FILE),
            "\"steps/calibrate.sh\"",
            "The file of a step of your own, beside the profile. How one is written is in docs/bootstrap.md.",
        )
        .aka(&["file", "path", "run"]),
        key(
            "inputs",
            Shape::Map(VARIABLE),
            "{ POWER_LIMIT_W = \"250\" }",
            "Values for the inputs that its header lists.",
        )
        .default("{}")
        .aka(&["env", "vars", "variables", "input"]),
        key(
            "secrets",
            Shape::Map(SECRET),
            "{ FLEET_TOKEN = \"ssm:/labs/fleet\" }",
            "Where the secrets that its header lists are read from: `ssm:/path`, `env:NAME` or `file:PATH`.",
        )
        .default("{}")
        .aka(&["secret"]),
    ],
};

pub(super) static EDGE: Section = Section {
    path: "edge.*",
    doc: "A robot or edge computer that exists already. It is made ready, never created or deleted.",
    keys: &[
        key(
            "host",
            Shape::Text(HOST),
            "\"192.0.2.10\"",
            "Its host name or address.",
        )
        .required()
        .aka(&["address", "ip"]),
        key("port", Shape::Whole(1, 65_535), "2222", "Its SSH port.").default("22"),
        key(
            "user",
            Shape::Text(USER),
            "\"robot\"",
            "The user to log in as: root, or one who may use sudo without a password.",
        )
        .required(),
        key(
            "platform",
            Shape::Words(&["jetson", "nuc", "raspberry-pi", "linux"]),
            "\"jetson\"",
            "What it is.",
        )
        .required(),
        key(
            "bootstrap",
            STEP_LIST,
            "[\"base\", \"docker\"]",
            "The steps that make it ready, in order.",
        )
        .default("[\"base\", \"docker\", \"stack\"]"),
        key(
            "stack",
            Shape::Text(NAME),
            "\"digital-twin\"",
            "The stack that runs on it: a `[stack.NAME]`.",
        ),
        key(
            "power_off",
            Shape::Flag,
            "true",
            "Whether `[idle]` and `ttl` switch it off, with the step `gpu-metrics`. A robot hardly ever should.",
        )
        .default("false"),
    ],
};
