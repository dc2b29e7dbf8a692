//! Holds the dependencies to `deny.toml`, without a network: licences, banned crates, and where crates come from.
//!
//! It sees what is built on this platform. Crates that only other platforms use, and security advisories (their
//! database has to be downloaded), are for `cargo deny check` on a machine with a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn read(name: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).expect("a file of the project can be read");
    text.parse().expect("a file of the project is TOML")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text stands here")
}

fn list<'a>(table: &'a Table, section: &str, key: &str) -> &'a [Value] {
    table[section][key].as_array().expect("a list stands here")
}

/// Every crate that is built here, `name version`, with its licence.
fn crates() -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo, which built this test, can be run");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    tree.lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(package, licence)| {
            let name: Vec<&str> = package.split(' ').take(2).collect();
            (
                name.join(" ").replace(" v", " "),
                licence.trim_end_matches("(*)").trim().to_owned(),
            )
        })
        .collect()
}

/// Whether an SPDX expression can be met with the allowed licences.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    // Older crates write `MIT/Apache-2.0`.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, allowed);
    met && rest.is_empty()
}

fn any_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = all_of(rest, allowed);
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        met |= all_of(rest, allowed);
    }
    met
}

fn all_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = one(rest, allowed);
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let met = any_of(rest, allowed);
            if let [")", after @ ..] = *rest {
                *rest = after;
                return met;
            }
            false
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            allowed.contains(format!("{licence} WITH {exception}").as_str())
        }
        [licence, after @ ..] => {
            *rest = after;
            allowed.contains(licence)
        }
        [] => false,
    }
}

/// Whether a ban such as `ring` or `hyper:<1` names this crate; a bound is compared number by number.
fn is_banned(ban: &str, name: &str, version: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(['.', '-', '+'])
            .map_while(|number| number.parse().ok())
            .collect()
    };
    match ban.split_once(":<") {
        Some((banned, below)) => banned == name && numbers(version) < numbers(below),
        None => ban == name,
    }
}

#[test]
fn every_licence_is_allowed() {
    let deny = read("deny.toml");
    let allowed: BTreeSet<&str> = list(&deny, "licenses", "allow").iter().map(text).collect();
    let crates = crates();
    assert!(crates.len() > 100, "only {} crates were seen", crates.len());
    let bad: Vec<String> = (crates.iter())
        .filter(|(_, licence)| !is_met(licence, &allowed))
        .map(|(name, licence)| format!("  {name}: {licence:?}"))
        .collect();
    assert!(
        bad.is_empty(),
        "licences that deny.toml does not allow:\n{}",
        bad.join("\n")
    );
}

#[test]
fn no_banned_crate_is_built() {
    let deny = read("deny.toml");
    let mut found = Vec::new();
    for ban in list(&deny, "bans", "deny") {
        let (name, why) = (text(&ban["crate"]), text(&ban["reason"]));
        for package in crates().keys() {
            let (built, version) = package.split_once(' ').expect("a name and a version");
            if is_banned(name, built, version) {
                found.push(format!("  {package}: {why}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "banned crates (cargo tree -i NAME says why):\n{}",
        found.join("\n")
    );
}

#[test]
fn every_crate_comes_from_the_registry_with_a_checksum() {
    let lock = read("Cargo.lock");
    let packages = lock["package"]
        .as_array()
        .expect("Cargo.lock lists packages");
    for package in packages {
        let name = text(&package["name"]);
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        assert_eq!(
            package.get("source").map(text),
            Some(REGISTRY),
            "the source of {name}"
        );
        assert!(package.get("checksum").is_some(), "{name} has no checksum");
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]);
    let cases = [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("MIT AND GPL-3.0 OR Apache-2.0", true),
        ("MIT AND (GPL-3.0 OR Apache-2.0)", true),
        ("GPL-3.0 AND (MIT OR Apache-2.0)", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0 WITH LLVM-exception", false),
        ("MIT MIT", false),
        ("(MIT", false),
        ("", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(is_met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn bans_know_versions() {
    assert!(is_banned("ring", "ring", "0.17.8"));
    assert!(!is_banned("ring", "string", "0.17.8"));
    assert!(is_banned("hyper:<1", "hyper", "0.14.32"));
    assert!(!is_banned("hyper:<1", "hyper", "1.12.0"));
    assert!(is_banned("rustls:<0.23", "rustls", "0.21.12"));
    assert!(!is_banned("rustls:<0.23", "rustls", "0.23.4"));
}
