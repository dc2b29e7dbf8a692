//! The options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::target::Target;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The lab profile.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "lab.toml"
    )]
    pub(super) file: PathBuf,
    /// The lockfile; roboinfra.lock beside the profile unless said otherwise.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) lockfile: Option<PathBuf>,
    /// Use the built-in emulated AWS: no account, no cost.
    #[arg(long, global = true)]
    pub(super) sandbox: bool,
    /// What the sandbox should do wrong: a scenario file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) scenario: Option<PathBuf>,
    /// Write JSON, one object per line, on stdout.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Say less.
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Never ask: fail where an answer is needed.
    #[arg(long, global = true)]
    pub(super) no_input: bool,
    /// How many calls may be under way at once.
    #[arg(long, global = true, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) parallelism: u16,
    /// How long to wait for another run to end, for example 10m.
    #[arg(long, global = true, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(super) lock_timeout: Duration,
    /// The agent's program for hosts, once for each kind of processor; otherwise the one beside this program.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) agent_binary: Vec<PathBuf>,
    /// The profile of the AWS configuration files to use.
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) aws_profile: Option<String>,
}

impl Global {
    /// The lab that these options point at.
    pub(super) fn target(&self) -> Target {
        Target {
            profile: self.file.clone(),
            lockfile: self.lockfile.clone(),
            sandbox: self.sandbox,
            scenario: self.scenario.clone(),
            agent_binaries: self.agent_binary.clone(),
            aws_profile: self.aws_profile.clone(),
        }
    }

    /// The options that make another command speak of the same lab.
    pub(super) fn same_lab(&self) -> String {
        let mut options = String::new();
        if self.file.as_os_str() != "lab.toml" {
            options.push_str(&format!(" -f {}", typed(&self.file.to_string_lossy())));
        }
        if let Some(lockfile) = &self.lockfile {
            options.push_str(&format!(
                " --lockfile {}",
                typed(&lockfile.to_string_lossy())
            ));
        }
        if self.sandbox {
            options.push_str(" --sandbox");
        }
        for program in &self.agent_binary {
            let typed = typed(&program.to_string_lossy());
            options.push_str(&format!(" --agent-binary {typed}"));
        }
        if let Some(profile) = &self.aws_profile {
            options.push_str(&format!(" --aws-profile {}", typed(profile)));
        }
        options
    }
}

/// A word as it is typed in a shell.
fn typed(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./~+@%,:=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Reads `90s`, `10m`, `2h` or `3d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(
        text.trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .len(),
    );
    let number: u64 = number
        .parse()
        .map_err(|_| "write a number and a unit, such as 90s, 10m or 2h".to_owned())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write a number and a unit, such as 90s, 10m or 2h".to_owned()),
    };
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        for bad in ["", "10", "m", "1.5h", "10x", "-1s"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn words_can_be_typed_again() {
        for (word, expected) in [
            ("a/lab.toml", "a/lab.toml"),
            ("my lab.toml", "'my lab.toml'"),
            ("it's", r"'it'\''s'"),
            ("$HOME;rm", "'$HOME;rm'"),
            ("", "''"),
        ] {
            assert_eq!(typed(word), expected);
        }
    }
}
