//! What is generated from the table of keys is committed and current.
//!
//! `ROBOINFRA_BLESS=1 cargo test --test profile_docs` writes it anew.

use std::path::Path;

use roboinfra::profile;

fn current(file: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(file);
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is asked to rewrite files by its environment"
    )]
    let bless = std::env::var_os("ROBOINFRA_BLESS").is_some();
    if bless {
        std::fs::write(&path, expected).expect("docs/ can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/{file} is not current: run this test with ROBOINFRA_BLESS=1"
    );
}

#[test]
fn the_reference_is_current() {
    current("profile.md", &profile::reference());
}

#[test]
fn the_schema_is_current() {
    let schema = serde_json::to_string_pretty(&profile::schema()).expect("a schema is JSON");
    current("lab.schema.json", &format!("{schema}\n"));
}
