//! What is secret stays where it belongs.

use std::os::unix::fs::PermissionsExt;

use crate::bench::Bench;

#[test]
fn the_private_key_is_in_its_own_file_and_nowhere_else() {
    let bench = Bench::new();
    let secret = "a-secret-of-the-environment-5f2c";
    let environment = [
        ("NGC_API_KEY", secret),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", secret),
    ];
    let mut said = String::new();
    for words in [
        &["plan", "--sandbox", "--out", "lab.plan", "-v"][..],
        &["apply", "--sandbox", "--yes", "-v"],
        &["apply", "--sandbox", "--yes", "--json"],
        &["status", "--sandbox", "--json"],
        &["state", "show", "access.key-pair", "--sandbox"],
    ] {
        let ran = bench.run_with(words, &environment).ends(0);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    let key = bench.path(".roboinfra/sandbox/id_ed25519");
    let mode = std::fs::metadata(&key)
        .expect("it was made")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&key).expect("it can be read");
    // The last lines of the body hold the private half; the first may hold no more than the public one.
    let body: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let private = body
        .last()
        .expect("the key has a body")
        .trim_end_matches('=');
    assert!(private.len() > 16, "{private}");
    let middle = &body[body.len() - 2][..32];
    for word in [private, middle, "PRIVATE KEY", secret] {
        assert!(!said.contains(word), "{word} was said");
        for (path, bytes) in bench.files() {
            let has = String::from_utf8_lossy(&bytes).contains(word);
            assert!(
                !has || path == key && word != secret,
                "{word} is in {}",
                path.display()
            );
        }
    }
    let mode = |name: &str| {
        let data = std::fs::metadata(bench.path(name)).expect("it was made");
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode(".roboinfra"), 0o700);
    assert_eq!(mode(".roboinfra/sandbox"), 0o700);
}
