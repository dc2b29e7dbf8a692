//! The lockfile as text: TOML in a stable order, sealed with a digest so that a cut, an edit or a merge is noticed.
//!
//! The seal is the last table of the file. Two branches that each wrote a lockfile always differ in that line, so
//! git reports a conflict instead of joining two halves that do not belong together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DoneStep, HostRecord, LabEntry, Lockfile, Pins, Recorded, Standing};
use crate::model::{Address, CloudId, InstanceType, Kind, Market, Zone};

/// The version of the format that is written. A newer one is read where it can be, and never written over. Format 1 had
/// no hosts.
pub const FORMAT: u32 = 2;

const HEADER: &str = "\
# What roboinfra has built for this lab. Commit this file: it holds no secrets.
# Do not edit or merge it: its last lines seal it. If git reports a conflict, take either side.
";
const SEAL_OPEN: &str = "\n[seal]\nsha256 = \"";
const SEAL_CLOSE: &str = "\"\n";
const DIGEST_HEX: usize = 64;

/// Why a text is not a lockfile that can be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LockfileProblem {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// Its end is missing.
    #[error("it was cut short: the seal at its end is missing")]
    Truncated,
    /// It does not parse.
    #[error("line {line} is not TOML: {message}")]
    NotToml {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Git left a merge to the user.
    #[error("line {line} is a merge conflict marker")]
    ConflictMarkers {
        /// The line, from 1.
        line: usize,
    },
    /// A newer roboinfra wrote it.
    #[error("it has format {found}, and this roboinfra writes format {FORMAT}")]
    NewerFormat {
        /// The format it has.
        found: u32,
        /// What could be understood of it, for commands that only read.
        lockfile: Option<Box<Lockfile>>,
    },
    /// It is sealed and parses, and is still not a lockfile.
    #[error("it is not a lockfile: {0}")]
    Invalid(String),
    /// It parses, and is not what was written.
    #[error("it was changed after roboinfra wrote it: its content does not match its seal")]
    Edited,
}

/// The file's own shape; changing it is a change of format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    format: u32,
    serial: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
    lab: LabEntry,
    #[serde(default)]
    pins: Pins,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resource: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    host: Vec<HostEntry>,
}

/// A host as a table; its fields are those of [`HostRecord`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostEntry {
    address: Address,
    machine: String,
    standing: Standing,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lacks: Vec<String>,
    measured: Timestamp,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<String, DoneStep>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    versions: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    found: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    services: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: Address,
    kind: Kind,
    id: CloudId,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<Zone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance_type: Option<InstanceType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    market: Option<Market>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keep: bool,
}

/// The keys of this format by table, so that a newer file can be read for what this version understands.
const KNOWN: [(&[&str], &[&str]); 5] = [
    (
        &[],
        &[
            "format",
            "serial",
            "unfinished",
            "lab",
            "pins",
            "resource",
            "host",
        ],
    ),
    (&["lab"], &["name", "id", "account", "region", "endpoint"]),
    (&["pins"], &["my_ip", "zones", "images", "subnets", "tags"]),
    (
        &["resource"],
        &[
            "address",
            "kind",
            "id",
            "digest",
            "created",
            "zone",
            "instance_type",
            "market",
            "keep",
        ],
    ),
    (
        &["host"],
        &[
            "address", "machine", "standing", "lacks", "measured", "steps", "versions", "found",
            "services",
        ],
    ),
];

/// Writes a lockfile as text. The same lockfile always gives the same text.
pub fn encode(lockfile: &Lockfile) -> String {
    let Lockfile {
        serial,
        unfinished,
        lab,
        pins,
        resources,
        hosts,
    } = lockfile;
    let body = Body {
        format: FORMAT,
        // TOML's integers are signed; a serial counts runs and does not get near the limit.
        serial: i64::try_from(*serial).unwrap_or(i64::MAX),
        unfinished: *unfinished,
        lab: lab.clone(),
        pins: pins.clone(),
        resource: resources.iter().map(Entry::of).collect(),
        host: hosts.iter().map(HostEntry::of).collect(),
    };
    let toml = toml::to_string(&body)
        .expect("texts, integers and booleans in tables with text keys are always TOML");
    let text = format!("{HEADER}{toml}");
    let digest = digest(&text);
    format!("{text}{SEAL_OPEN}{digest}{SEAL_CLOSE}")
}

/// Reads a lockfile from text.
pub fn decode(text: &str) -> Result<Lockfile, LockfileProblem> {
    // Git may have checked the file out with CR LF; the writer never produces a CR.
    let normal;
    let text = if text.contains('\r') {
        normal = text.replace("\r\n", "\n");
        &normal
    } else {
        text
    };
    if text.trim().is_empty() {
        return Err(LockfileProblem::Empty);
    }
    if let Some(line) = conflict_marker(text) {
        return Err(LockfileProblem::ConflictMarkers { line });
    }
    let sealed = split_seal(text);
    if let Some(found) = format_of(text)
        && found > FORMAT
    {
        let lockfile = sealed
            .filter(|(body, seal)| digest(body) == *seal)
            .and_then(|(body, _)| read_newer(body))
            .map(Box::new);
        return Err(LockfileProblem::NewerFormat { found, lockfile });
    }
    let Some((body, seal)) = sealed else {
        return Err(match text.parse::<toml::Table>() {
            Ok(_) if text.contains(SEAL_OPEN) => LockfileProblem::Edited,
            Err(error) if !text.starts_with(HEADER) => not_toml(text, &error),
            Ok(_) | Err(_) => LockfileProblem::Truncated,
        });
    };
    if digest(body) != seal {
        return Err(match text.parse::<toml::Table>() {
            Ok(_) => LockfileProblem::Edited,
            Err(error) => not_toml(text, &error),
        });
    }
    toml::from_str::<Body>(body)
        .map_err(|error| LockfileProblem::Invalid(error.message().to_owned()))?
        .into_lockfile()
}

/// The format that a text says it has, without judging the rest.
pub fn format_of(text: &str) -> Option<u32> {
    head_number(text, "format = ")
}

/// The serial that a text says it has, without judging the rest.
pub fn serial_of(text: &str) -> Option<u64> {
    head_number(text, "serial = ")
}

fn head_number<N: std::str::FromStr>(text: &str, key: &str) -> Option<N> {
    text.lines()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix(key))
        .and_then(|number| number.trim().parse().ok())
}

impl Entry {
    fn of((address, recorded): (&Address, &Recorded)) -> Self {
        let Recorded {
            kind,
            id,
            digest,
            created,
            zone,
            instance_type,
            market,
            keep,
        } = recorded.clone();
        Self {
            address: address.clone(),
            kind,
            id,
            digest,
            created,
            zone,
            instance_type,
            market,
            keep,
        }
    }

    fn into_pair(self) -> (Address, Recorded) {
        let Self {
            address,
            kind,
            id,
            digest,
            created,
            zone,
            instance_type,
            market,
            keep,
        } = self;
        let recorded = Recorded {
            kind,
            id,
            digest,
            created,
            zone,
            instance_type,
            market,
            keep,
        };
        (address, recorded)
    }
}

impl HostEntry {
    fn of((address, host): (&Address, &HostRecord)) -> Self {
        let HostRecord {
            machine,
            standing,
            lacks,
            measured,
            steps,
            versions,
            found,
            services,
        } = host.clone();
        Self {
            address: address.clone(),
            machine,
            standing,
            lacks,
            measured,
            steps,
            versions,
            found,
            services,
        }
    }

    fn into_pair(self) -> (Address, HostRecord) {
        let Self {
            address,
            machine,
            standing,
            lacks,
            measured,
            steps,
            versions,
            found,
            services,
        } = self;
        let host = HostRecord {
            machine,
            standing,
            lacks,
            measured,
            steps,
            versions,
            found,
            services,
        };
        (address, host)
    }
}

impl Body {
    fn into_lockfile(self) -> Result<Lockfile, LockfileProblem> {
        let Self {
            format: _,
            serial,
            unfinished,
            lab,
            pins,
            resource,
            host,
        } = self;
        let invalid = |what: String| Err(LockfileProblem::Invalid(what));
        let Ok(serial) = u64::try_from(serial) else {
            return invalid(format!("the serial {serial} is negative"));
        };
        let mut resources = BTreeMap::new();
        for (address, recorded) in resource.into_iter().map(Entry::into_pair) {
            // Addresses and ids reach terminals and requests; no id that a cloud gives has such characters.
            for text in [address.as_str(), recorded.id.as_str()] {
                if text.is_empty() || text.chars().any(char::is_control) {
                    return invalid(format!("{text:?} is neither an address nor an id"));
                }
            }
            if resources.insert(address.clone(), recorded).is_some() {
                return invalid(format!("{address} is there twice"));
            }
        }
        Ok(Lockfile {
            serial,
            unfinished,
            lab,
            pins,
            resources,
            hosts: hosts(host)?,
        })
    }
}

fn hosts(entries: Vec<HostEntry>) -> Result<BTreeMap<Address, HostRecord>, LockfileProblem> {
    let invalid = |what: String| Err(LockfileProblem::Invalid(what));
    let mut hosts = BTreeMap::new();
    for (address, host) in entries.into_iter().map(HostEntry::into_pair) {
        // What a host said of itself reaches terminals too.
        let bad = |text: &str| text.chars().any(char::is_control);
        if address.as_str().is_empty() || bad(address.as_str()) || host.texts().any(bad) {
            return invalid(format!("{address:?} is not a host as it would be written"));
        }
        if hosts.insert(address.clone(), host).is_some() {
            return invalid(format!("the host {address} is there twice"));
        }
    }
    Ok(hosts)
}

/// Reads what this version understands of a newer file; `None` if that makes no lockfile.
fn read_newer(body: &str) -> Option<Lockfile> {
    let mut table: toml::Table = body.parse().ok()?;
    for (path, known) in KNOWN {
        let keep = |table: &mut toml::Table| table.retain(|key, _| known.contains(&key));
        match path.first() {
            None => keep(&mut table),
            Some(name) => match table.get_mut(*name) {
                Some(toml::Value::Table(inner)) => keep(inner),
                Some(toml::Value::Array(items)) => {
                    items
                        .iter_mut()
                        .filter_map(toml::Value::as_table_mut)
                        .for_each(keep);
                }
                _ => {}
            },
        }
    }
    table.try_into::<Body>().ok()?.into_lockfile().ok()
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| DIGITS[usize::from(nibble)])
        .collect()
}

/// Splits a text into what is sealed and the seal; `None` if it does not end with one.
fn split_seal(text: &str) -> Option<(&str, &str)> {
    let open = text.strip_suffix(SEAL_CLOSE)?;
    let (rest, seal) = open.split_at_checked(open.len().checked_sub(DIGEST_HEX)?)?;
    Some((rest.strip_suffix(SEAL_OPEN)?, seal))
}

/// The first line that git put there to mark a conflict. No line of a lockfile begins like one.
fn conflict_marker(text: &str) -> Option<usize> {
    text.lines()
        .position(|line| {
            line == "======="
                || ["<<<<<<< ", ">>>>>>> ", "||||||| "]
                    .iter()
                    .any(|marker| line.starts_with(marker))
        })
        .map(|index| index + 1)
}

fn not_toml(text: &str, error: &toml::de::Error) -> LockfileProblem {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.as_bytes().iter().take(start);
    LockfileProblem::NotToml {
        line: 1 + before.filter(|byte| **byte == b'\n').count(),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::samples;

    /// Changes the text and seals it anew, as a newer or a faulty writer would.
    fn resealed(text: &str, from: &str, to: &str) -> String {
        let (body, _) = split_seal(text).expect("an encoded lockfile is sealed");
        let body = body.replacen(from, to, 1);
        let seal = digest(&body);
        format!("{body}{SEAL_OPEN}{seal}{SEAL_CLOSE}")
    }

    #[test]
    fn the_text_is_as_documented() {
        let text = encode(&samples::lockfile());
        let (body, _) = split_seal(&text).expect("it is sealed");
        assert_eq!(body.strip_prefix(HEADER), Some(SAMPLE));
    }

    const SAMPLE: &str = r#"format = 2
serial = 7

[lab]
name = "twin"
id = "k3v9q2"
account = "111122223333"
region = "eu-central-1"
endpoint = "aws"

[pins]
my_ip = "203.0.113.7/32"

[pins.zones]
"g5.xlarge" = ["eu-central-1a", "eu-central-1b"]

[pins.images."ubuntu-22.04/x86_64"]
id = "ami-0123456789abcdef0"
root_device = "/dev/sda1"
architecture = "x86_64"
root_gib = 8
name = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260101"

[pins.tags]
project = "warehouse"

[[resource]]
address = "network.vpc"
kind = "vpc"
id = "vpc-1"
digest = "aa11"

[[resource]]
address = "node.sim.0"
kind = "instance"
id = "i-0"
digest = "bb22"
created = "2026-01-02T03:04:05Z"
zone = "eu-central-1a"
instance_type = "g5.xlarge"
market = "spot"

[[resource]]
address = "node.sim.0.volume.data"
kind = "volume"
id = "vol-1"
digest = "cc33"
keep = true

[[host]]
address = "node.sim.0"
machine = "i-0"
standing = "not-ready"
lacks = ["driver"]
measured = "2026-01-02T03:14:05Z"

[host.steps.base]
digest = "dd44"
finished = "2026-01-02T03:09:05Z"

[host.versions]
docker = "27.3.1"
kernel = "6.8.0-1021-aws"

[host.found]
docker = "27.4.0"

[host.services]
nav2 = "unhealthy"
redis = "healthy"
"#;

    #[test]
    fn what_git_or_an_editor_does_to_it_is_noticed() {
        let text = encode(&samples::lockfile());
        let marked = text.replacen(
            "serial = 7\n",
            "<<<<<<< HEAD\nserial = 7\n=======\nserial = 8\n>>>>>>> theirs\n",
            1,
        );
        let cases = [
            (String::new(), "it is empty"),
            ("\n \n".to_owned(), "it is empty"),
            (marked, "line 4 is a merge conflict marker"),
            (text.replacen("i-0", "i-1", 1), "was changed after"),
            (format!("{text}\n"), "was changed after"),
            (text.replacen("[lab]", "[lab", 1), "line 6 is not TOML"),
            ("\u{0}\u{1}garbage".to_owned(), "line 1 is not TOML"),
            ("version = 1\n".to_owned(), "was cut short"),
            (resealed(&text, "format = 2", "form = 2"), "not a lockfile"),
            (
                resealed(&text, "kind = \"vpc\"", "kind = \"moon\""),
                "unknown variant `moon`",
            ),
            (resealed(&text, "serial = 7", "serial = -7"), "negative"),
            (
                resealed(&text, "node.sim.0\"", "network.vpc\""),
                "network.vpc is there twice",
            ),
            (
                resealed(&text, "27.4.0", "\\u001b[31m"),
                "not a host as it would be written",
            ),
            (
                resealed(&text, "standing = \"not-ready\"", "standing = \"fine\""),
                "unknown variant `fine`",
            ),
            (
                resealed(&text, "vpc-1", "\\u001b[31m"),
                "neither an address nor an id",
            ),
            (
                resealed(&text, "name = \"twin\"", "name = \"../x\""),
                "the lab name",
            ),
        ];
        for (text, expected) in cases {
            let problem = decode(&text).expect_err(expected).to_string();
            assert!(
                problem.contains(expected),
                "{problem:?} should say {expected:?}"
            );
        }
    }

    #[test]
    fn line_ends_that_git_changed_do_not_matter() {
        let lockfile = samples::lockfile();
        let text = encode(&lockfile).replace('\n', "\r\n");
        assert_eq!(decode(&text), Ok(lockfile));
    }

    #[test]
    fn a_newer_format_is_read_for_what_is_understood() {
        let text = encode(&samples::lockfile());
        let newer = resealed(
            &text,
            "format = 2\nserial = 7\n",
            "format = 3\nserial = 7\nmood = \"new\"\n",
        );
        let newer = resealed(&newer, "id = \"vpc-1\"", "id = \"vpc-1\"\nhue = 3");
        assert_eq!(format_of(&newer), Some(3));
        let read = LockfileProblem::NewerFormat {
            found: 3,
            lockfile: Some(Box::new(samples::lockfile())),
        };
        assert_eq!(decode(&newer), Err(read));

        let unknown_shape = resealed(&newer, "[[resource]]\naddress", "[[resource]]\nplace");
        let cut = newer.get(..newer.len() - 9).expect("it is ASCII");
        for text in [unknown_shape.as_str(), cut] {
            let refused = LockfileProblem::NewerFormat {
                found: 3,
                lockfile: None,
            };
            assert_eq!(decode(text), Err(refused));
        }
    }

    #[test]
    fn a_lockfile_from_before_there_were_hosts_is_read() {
        let before = Lockfile {
            hosts: BTreeMap::new(),
            ..samples::lockfile()
        };
        let text = resealed(&encode(&before), "format = 2", "format = 1");
        assert!(!text.contains("host"), "{text}");
        assert_eq!(decode(&text), Ok(before));
    }

    #[test]
    fn the_known_keys_are_all_the_keys() {
        let text = encode(&samples::full());
        let (body, _) = split_seal(&text).expect("it is sealed");
        let table: toml::Table = body.parse().expect("it is TOML");
        let keys = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
        for (path, known) in KNOWN {
            let mut known: Vec<_> = known.iter().map(ToString::to_string).collect();
            known.sort();
            let found = match path.first().map(|name| &table[*name]) {
                None => keys(&table),
                Some(toml::Value::Table(inner)) => keys(inner),
                Some(other) => keys(other[0].as_table().expect("resources are tables")),
            };
            assert_eq!(found, known, "{path:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read_back(lockfile in samples::any_lockfile()) {
            let text = encode(&lockfile);
            prop_assert_eq!(&encode(&lockfile), &text);
            prop_assert_eq!(decode(&text), Ok(lockfile));
        }

        #[test]
        fn no_byte_can_be_changed_unnoticed(
            lockfile in samples::any_lockfile(),
            at in any::<proptest::sample::Index>(),
            byte in 0x20..0x7f_u8,
        ) {
            let mut bytes = encode(&lockfile).into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert!(decode(&text).is_err());
            }
        }
    }

    #[test]
    fn no_prefix_is_a_lockfile() {
        for lockfile in [samples::lockfile(), samples::full()] {
            let text = encode(&lockfile);
            for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let problem = decode(&text[..end]).expect_err("a prefix is not the whole");
                assert!(
                    matches!(
                        problem,
                        LockfileProblem::Empty
                            | LockfileProblem::Truncated
                            | LockfileProblem::Edited
                    ),
                    "{end}: {problem:?}"
                );
            }
        }
    }
}
