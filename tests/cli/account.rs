//! Without credentials, without a network: code 4 and 1, and what to type next.

use crate::bench::Bench;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
];

#[test]
fn no_credentials_is_4() {
    let bench = Bench::new();
    for words in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["graph"],
        &["start"],
        &["state", "rebuild"],
    ] {
        let ran =
            bench
                .harmless(words, 4)
                .says(&["no AWS credentials", "aws sso login", "--sandbox"]);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    assert!(!bench.path("roboinfra.lock").exists());
    bench.write(
        "aws-config",
        "[default]\nregion = us-east-1\n[profile work]\n",
    );
    let config = bench.path("aws-config").display().to_string();
    let files = [("AWS_CONFIG_FILE", config.as_str())];
    let words = ["plan", "--aws-profile", "work"];
    let named = bench.run_with(&words, &files).ends(4);
    named.says(&["aws sso login --profile work"]);
}

#[test]
fn an_aws_profile_that_is_not_there_is_told_with_those_that_are() {
    let bench = Bench::new();
    bench.write(
        "aws-config",
        "[default]\nregion = us-east-1\n[profile work]\n",
    );
    let config = bench.path("aws-config").display().to_string();
    let files = ("AWS_CONFIG_FILE", config.as_str());
    let told = [
        "no such profile",
        "no profile wrok: they have default, work",
        "aws configure list-profiles",
    ];
    let option = bench.run_with(&["plan", "--aws-profile", "wrok"], &[files]);
    option.ends(4).says(&told);
    // Keys in the environment do not hide the slip, as with the AWS CLI.
    let [id, secret] = KEYS;
    let variable = [files, ("AWS_PROFILE", "wrok"), id, secret];
    bench.run_with(&["plan"], &variable).ends(4).says(&told);
}

#[test]
fn credentials_that_the_cloud_refuses_are_4() {
    let bench = Bench::new();
    for (kind, code) in [
        ("denied", "UnauthorizedOperation"),
        ("expired", "RequestExpired"),
    ] {
        let rule = format!("[[fault]]\nkind = \"{kind}\"\non = \"CreateVpc\"\n");
        bench.write("scenario.toml", rule);
        let words = ["apply", "--sandbox", "--yes", "--scenario", "scenario.toml"];
        bench.run(&words).ends(4).says(&[code]);
    }
}

#[test]
fn an_endpoint_that_does_not_answer_is_one_clear_error() {
    let bench = Bench::new();
    let [id, secret] = KEYS;
    // Nothing listens on the port for `discard`.
    let environment = [id, secret, ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    for words in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["state", "rebuild"],
    ] {
        let ran = bench.run_with(words, &environment).ends(1).says(&[
            "error: AWS cannot be reached",
            "Connection refused",
            "AWS_ENDPOINT_URL",
            "--sandbox",
        ]);
        let errors = ran.err.lines().filter(|line| line.starts_with("error"));
        assert_eq!(errors.count(), 1, "{}", ran.err);
        assert!(!ran.err.contains(secret.1), "{}", ran.err);
    }
    let ran = bench.run_with(&["plan", "--json"], &environment).ends(1);
    let lines = ran.json();
    assert_eq!(lines[0]["format"], "roboinfra.error/1");
    assert_eq!(lines[1]["exit"], 1);
}
