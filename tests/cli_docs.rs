//! The committed command reference is current. `ROBOINFRA_BLESS=1 cargo test --test cli_docs` writes it.

#[test]
fn the_command_reference_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
    let current = roboinfra::cli::reference();
    #[expect(clippy::disallowed_methods, reason = "a test may be told to write")]
    let bless = std::env::var("ROBOINFRA_BLESS").is_ok();
    if bless {
        std::fs::write(path, &current).expect("docs/ is writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        committed, current,
        "docs/cli.md is not current: ROBOINFRA_BLESS=1 cargo test --test cli_docs"
    );
}
