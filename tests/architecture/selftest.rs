//! The rules are themselves tried on small trees: what must be complained about, and what must not.

use std::collections::BTreeMap;

use crate::table::{May, TABLE, shown_in};
use crate::tree::{Complaint, Tree};
use crate::{cycles, imports, layout, purity};

/// A tree of the given files; each gets a head, and a `mod.rs` or `lib.rs` that declares them is added.
fn tree(files: &[(&str, &str)]) -> Tree {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in files {
        texts.insert((*name).to_owned(), format!("//! Head.\n{text}"));
    }
    Tree::new(texts)
}

/// Complaints as `file:line: text`.
fn said(complaints: &[Complaint]) -> Vec<String> {
    complaints
        .iter()
        .map(|c| format!("{}:{}: {}", c.file, c.line, c.text))
        .collect()
}

/// The lines of `text` (the head is line 1) that the imports rule complains about.
fn import_lines(module: &str, text: &str) -> Vec<usize> {
    let name = format!("{module}/part.rs");
    let mut files: Vec<(String, &str)> = TABLE
        .iter()
        .map(|row| (format!("{}/mod.rs", row.module), ""))
        .collect();
    files.push((name, text));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    imports::check(&tree(&files))
        .iter()
        .map(|complaint| complaint.line)
        .collect()
}

#[test]
fn a_forbidden_import_is_found_wherever_it_hides() {
    let cases: &[(&str, &str)] = &[
        ("use", "use crate::plan::Plan;"),
        ("group", "use crate::{model::Kind, plan::Plan};"),
        (
            "nested group",
            "use crate::{model::{Kind, Usd}, plan::{self, Plan as P}};",
        ),
        ("super", "use super::super::plan::Plan;"),
        (
            "path in a body",
            "fn f() { let _ = crate::plan::Plan::new(); }",
        ),
        (
            "macro",
            r#"fn f() -> String { format!("{}", crate::plan::NAME) }"#,
        ),
        (
            "macro body",
            "macro_rules! m { () => { $crate::plan::NAME } }",
        ),
        (
            "attribute",
            r#"struct S { #[serde(with = "crate::plan::codec")] f: u8 }"#,
        ),
        ("re-export", "pub use crate::plan::Plan;"),
        (
            "inline module",
            "mod inner { use super::super::super::plan::Plan; }",
        ),
        ("module, then path", "use crate::plan;"),
        ("not test", "#[cfg(not(test))] use crate::plan::Plan;"),
        (
            "any",
            r#"#[cfg(any(test, feature = "x"))] use crate::plan::Plan;"#,
        ),
        (
            "after test code",
            "#[cfg(test)] use crate::cli::X; use crate::plan::Plan;",
        ),
        (
            "impl trait",
            "fn f<'a>() -> impl Sized + use<'a> {} use crate::plan::Plan;",
        ),
    ];
    for (what, text) in cases {
        assert_eq!(import_lines("catalog", text), [2], "{what}");
    }
}

#[test]
fn an_allowed_import_is_left_alone() {
    let cases: &[(&str, &str)] = &[
        ("in the table", "use crate::model::{Kind, Usd};"),
        ("itself", "use crate::catalog::Gpu; use super::Gpu;"),
        (
            "visibility",
            "pub(in crate::catalog) fn f() {} pub(crate) fn g() {}",
        ),
        (
            "test module",
            "#[cfg(test)] mod tests { use crate::plan::Plan; }",
        ),
        ("test use", "#[cfg(test)] use crate::plan::Plan;"),
        (
            "test and more",
            "#[cfg(all(test, unix))] #[ignore] fn f() { crate::plan::go() }",
        ),
        ("test function", "#[test] fn f() { crate::plan::go() }"),
        ("comment", "// use crate::plan::Plan;"),
        (
            "link in the docs",
            "/// See [`crate::plan::Plan`].\nfn f() {}",
        ),
        ("string", r#"const S: &str = "crate::plan::Plan";"#),
        (
            "another crate",
            "use other::plan::Plan; fn plan() { plan::go() }",
        ),
    ];
    for (what, text) in cases {
        assert_eq!(import_lines("catalog", text), [0; 0], "{what}");
    }
}

#[test]
fn the_rows_differ() {
    assert_eq!(import_lines("model", "use crate::dag::Dag;"), [2]);
    assert_eq!(import_lines("lab", "use crate::dag::Dag;"), [0; 0]);
    assert_eq!(import_lines("port", "use crate::state::Record;"), [0; 0]);
    assert_eq!(import_lines("port", "use crate::plan::Plan;"), [2]);
    assert_eq!(import_lines("cli", "use crate::aws::Adapter;"), [0; 0]);
    assert_eq!(import_lines("cli", "use crate::agent::Config;"), [2]);
}

#[test]
fn an_import_complaint_says_what_is_allowed() {
    let tree = tree(&[
        ("ssh/mod.rs", ""),
        ("ssh/run.rs", "use crate::aws::X;"),
        ("aws/mod.rs", ""),
    ]);
    assert_eq!(
        said(&imports::check(&tree)),
        ["ssh/run.rs:2: `ssh` may not import `aws`; it may import: model, port"]
    );
}

#[test]
fn a_module_outside_the_table_and_a_fat_binary_are_found() {
    let tree = tree(&[
        ("extra.rs", ""),
        ("cli/mod.rs", ""),
        ("aws/mod.rs", ""),
        (
            "main.rs",
            "use roboinfra::cli; fn main() { roboinfra::aws::go() }",
        ),
        ("bin/other.rs", ""),
    ]);
    assert_eq!(
        said(&imports::check(&tree)),
        [
            "bin/other.rs:0: `bin/other.rs` is not in the table",
            "extra.rs:0: `extra` is not in the table",
            "main.rs:2: `main.rs` may not import `aws`",
        ]
    );
}

#[test]
fn a_file_declared_for_tests_may_import_anything() {
    let tree = tree(&[
        ("state/mod.rs", "#[cfg(test)]\nmod samples;"),
        ("state/samples/mod.rs", "mod deep;"),
        (
            "state/samples/deep.rs",
            "use crate::plan::Plan; use std::fs;",
        ),
        ("plan/mod.rs", ""),
    ]);
    assert_eq!(said(&imports::check(&tree)), [""; 0]);
    assert_eq!(said(&purity::check(&tree)), [""; 0]);
}

/// What the cycle rule says of files in `plan`, whose `mod.rs` is given.
fn circles(head: &str, files: &[(&str, &str)]) -> Vec<String> {
    let all: Vec<(&str, &str)> = [("plan/mod.rs", head)]
        .iter()
        .chain(files)
        .copied()
        .collect();
    let complaints = cycles::check(&tree(&all));
    complaints
        .iter()
        .map(|c| c.text.lines().next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_circle_is_found_through_a_re_export() {
    let head = "mod a; mod b; pub use a::A; pub use b::{B, C as D};";
    let found = ["a circle: plan::a -> plan::b -> plan::a"];
    let cases: &[(&str, &str, &str)] = &[
        ("straight", "use super::b::B;", "use super::a::A;"),
        ("re-exported", "use super::B;", "use crate::plan::A;"),
        ("renamed", "use super::D;", "fn f() { super::A::new() }"),
        (
            "by module",
            "use super::b; fn f() { b::go() }",
            "use super::{a};",
        ),
        (
            "quoted",
            r#"struct A(#[serde(with = "super::b")] u8);"#,
            "use super::A;",
        ),
    ];
    for (what, a, b) in cases {
        assert_eq!(
            circles(head, &[("plan/a.rs", a), ("plan/b.rs", b)]),
            found,
            "{what}"
        );
    }
}

#[test]
fn a_circle_is_found_through_a_glob_re_export() {
    let files = [
        ("plan/a.rs", "pub struct A; use super::B;"),
        ("plan/b.rs", "pub struct B; use super::A;"),
    ];
    let found = circles("mod a; mod b; pub use a::*; pub use b::*;", &files);
    assert_eq!(found, ["a circle: plan::a -> plan::b -> plan::a"]);
}

#[test]
fn folders_must_not_import_each_other_either() {
    let found = circles(
        "mod x; mod y;",
        &[
            ("plan/x/mod.rs", "mod one; mod two; pub use two::Two;"),
            ("plan/x/one.rs", "use crate::plan::y::Y;"),
            ("plan/x/two.rs", "pub struct Two;"),
            ("plan/y/mod.rs", "mod only; pub use only::Y;"),
            ("plan/y/only.rs", "pub struct Y; use super::super::x::Two;"),
        ],
    );
    assert_eq!(found, ["a circle: plan::x -> plan::y -> plan::x"]);
}

#[test]
fn every_circle_is_named() {
    let circle = [
        ("plan/a.rs", "use super::b::B;"),
        ("plan/b.rs", "use super::a::A;"),
    ];
    let more = [
        ("lab/mod.rs", ""),
        ("lab/x.rs", "use super::y::Y;"),
        ("lab/y.rs", "use super::x::X;"),
    ];
    let files: Vec<(&str, &str)> = circle.into_iter().chain(more).collect();
    let found = [
        "a circle: lab::x -> lab::y -> lab::x",
        "a circle: plan::a -> plan::b -> plan::a",
    ];
    assert_eq!(circles("", &files), found);
}

#[test]
fn one_way_and_test_code_are_no_circle() {
    let head = "mod a; mod b; pub use a::A; pub use b::B;";
    let one_way = [
        ("plan/a.rs", "use super::B;"),
        ("plan/b.rs", "use super::B as Own;"),
    ];
    assert_eq!(circles(head, &one_way), [""; 0]);
    let tests = [
        ("plan/a.rs", "use super::B;"),
        (
            "plan/b.rs",
            "#[cfg(test)] mod tests { use super::*; use crate::plan::A; }",
        ),
    ];
    assert_eq!(circles(head, &tests), [""; 0]);
}

#[test]
fn a_glob_of_a_whole_module_is_refused() {
    let found = circles("mod a;", &[("plan/a.rs", "use super::*;")]);
    assert_eq!(
        found,
        ["a glob import of a whole module: name what is used"]
    );
    let variants = [
        ("plan/a.rs", "use super::B::*;"),
        ("plan/b.rs", "pub enum B { X }"),
    ];
    assert_eq!(circles("mod a; mod b; pub use b::B;", &variants), [""; 0]);
}

#[test]
fn effects_in_a_pure_module_are_found() {
    let cases: &[(&str, &str)] = &[
        ("async", "async fn f() {}"),
        ("await", "fn f() { let x = g().await; }"),
        ("tokio", "use tokio::time::sleep;"),
        ("tokio path", "fn f() { tokio::spawn(g()); }"),
        ("fs", "use std::fs;"),
        ("fs in a group", "use std::{fmt, fs::File};"),
        ("env", "fn f() { std::env::var(\"X\"); }"),
        ("process", "use std::process::Command;"),
        ("sockets", "use std::net::{IpAddr, TcpStream};"),
        ("system time", "fn f() { std::time::SystemTime::now(); }"),
        (
            "timestamp",
            "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        ),
        ("renamed", "use jiff::Timestamp as T; fn f() { T::now(); }"),
        ("clap", "#[derive(clap::Args)] struct A;"),
        ("sdk", "use aws_sdk_ec2::types::Tag;"),
        ("indicatif", "use indicatif::ProgressBar;"),
        ("chance", "fn f() { getrandom::fill(b); }"),
        ("unordered", "use std::collections::HashMap;"),
    ];
    for (what, text) in cases {
        let complaints = purity::check(&tree(&[("plan/mod.rs", ""), ("plan/a.rs", text)]));
        assert!(!complaints.is_empty(), "{what} went unseen");
        assert!(
            complaints.iter().all(|c| c.line == 2),
            "{what}: {complaints:?}"
        );
        let elsewhere = purity::check(&tree(&[("aws/mod.rs", ""), ("aws/a.rs", text)]));
        assert_eq!(said(&elsewhere), [""; 0], "{what}: `aws` is not pure");
    }
}

#[test]
fn values_are_pure() {
    let text = "use std::net::{IpAddr, Ipv4Addr}; use std::time::Duration; use jiff::Timestamp;
        #[cfg(test)] mod tests { use std::fs; fn f() { Timestamp::now(); } }
        fn f(now: Timestamp) -> Timestamp { now.checked_add(x) } const SHIPPED: &str = include_str!(\"a\");";
    assert_eq!(said(&purity::check(&tree(&[("plan/a.rs", text)]))), [""; 0]);
}

#[test]
fn files_out_of_shape_are_found() {
    let long = "fn f() {}\n".repeat(layout::LINES);
    let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}\n}}");
    let mut tree_of = tree(&[
        ("lib.rs", "pub mod model; pub mod ui;"),
        (
            "model/mod.rs",
            "mod long; mod tested; mod util; mod plain; fn hidden() {}",
        ),
        ("model/long.rs", &long),
        ("model/tested.rs", &tested),
        ("model/util.rs", ""),
        (
            "model/plain.rs",
            "struct HostHelper; struct Commonplace; enum ResourceManager {}",
        ),
        ("model/stray.rs", ""),
        ("ui/mod.rs", "mod inner { pub fn f() {} }"),
    ]);
    for file in &mut tree_of.files {
        if file.name == "model/plain.rs" {
            file.text = file.text.replace("//!", "//");
        }
    }
    assert_eq!(
        said(&layout::check(&tree_of)),
        [
            "model/long.rs:0: 501 lines without tests; 500 at most: take it apart",
            "model/mod.rs:2: `util`: `util` says nothing; name what it is",
            "model/mod.rs:2: only declarations, re-exports and documentation stand here",
            "model/plain.rs:1: begins without `//!`: say what the file owns and what it does not",
            "model/plain.rs:2: `HostHelper`: `helper` says nothing; name what it is",
            "model/plain.rs:2: `ResourceManager`: `manager` says nothing; name what it is",
            "model/stray.rs:0: no `mod` declares this file: it is not compiled",
            "model/util.rs:0: `model/util`: `util` says nothing; name what it is",
            "ui/mod.rs:2: only declarations, re-exports and documentation stand here",
        ]
    );
}

#[test]
fn a_file_that_is_not_rust_is_named() {
    let broken = tree(&[("plan/a.rs", "fn f( {")]).broken();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].file, "plan/a.rs");
}

#[test]
fn rows_are_read_from_markdown() {
    let text = "| module | what | pure | may import |\n|---|---|---|---|\n\
        | `plan` | the plan | pure | model, dag |\n| `cli` | commands |  | all but agent |\n\
        | `word` | another table |\n";
    let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(
        shown_in(text),
        [
            row("plan", "pure", "model, dag"),
            row("cli", "", "all but agent")
        ]
    );
    let held = TABLE
        .iter()
        .find(|row| row.module == "cli")
        .expect("the table has cli");
    assert!(matches!(held.may, May::AllBut(["agent"])));
    assert_eq!(held.shown(), row("cli", "", "all but agent"));
}
