//! Reads the daemon's file, and refuses what makes no sense.

use std::path::Path;

use crate::model::{AGENT_FORMAT, AgentConfig};

/// Reads it.
pub(crate) fn read(path: &Path) -> Result<AgentConfig, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn parse(text: &str) -> Result<AgentConfig, String> {
    #[derive(serde::Deserialize)]
    struct Format {
        version: u32,
    }
    // The format first: a newer one may have keys that this version does not know.
    let format: Format = toml::from_str(text).map_err(|error| error.to_string())?;
    if format.version != AGENT_FORMAT {
        let version = format.version;
        return Err(format!(
            "format {version} is not for this version, which reads {AGENT_FORMAT}"
        ));
    }
    let config: AgentConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    let problems = problems(&config);
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems.join("; "))
    }
}

fn problems(config: &AgentConfig) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |well: bool, why: &str| {
        if !well {
            problems.push(why.to_owned());
        }
    };
    check(
        !config.lab.is_empty() && !config.node.is_empty(),
        "lab and node have to be named",
    );
    check(
        (1..=300).contains(&config.sample_s),
        "sample_s has to be 1 to 300",
    );
    if let Some(publish) = &config.publish {
        let sample = u64::from(config.sample_s);
        let interval = u64::from(publish.interval_s);
        check(
            interval >= sample && interval <= 3600,
            "publish.interval_s has to be sample_s to 3600",
        );
        check(
            publish.queue_kib >= 64,
            "publish.queue_kib has to be at least 64",
        );
        check(
            !publish.namespace.is_empty() && !publish.namespace.starts_with("AWS/"),
            "publish.namespace has to be one that does not begin with AWS/",
        );
    }
    if let Some(idle) = &config.idle {
        check(idle.for_s >= 60, "idle.for_s has to be at least 60");
        check(
            idle.gpu_below_percent <= 100,
            "idle.gpu_below_percent is a share",
        );
        check(
            idle.cpu_below_percent <= 100,
            "idle.cpu_below_percent is a share",
        );
    }
    if let Some(lease) = &config.lease {
        check(lease.ttl_s >= 300, "lease.ttl_s has to be at least 300");
    }
    if let Some(spot) = &config.spot {
        check(
            (1..=60).contains(&spot.poll_s),
            "spot.poll_s has to be 1 to 60",
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "version = 1\nlab = \"twin\"\nnode = \"sim.0\"\n";

    #[test]
    fn the_smallest_file_is_enough() {
        assert!(parse(SMALLEST).is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let cases = [
            ("version = 2\nlab = \"twin\"\nmoon = 1\n", "format 2"),
            ("lab = \"twin\"\n", "version"),
            (&format!("{SMALLEST}sample_s = 0\n"), "sample_s"),
            (&format!("{SMALLEST}moon = 1\n"), "moon"),
            (
                &format!("{SMALLEST}[publish]\nnamespace = \"AWS/EC2\"\ninterval_s = 1\n"),
                "publish.interval_s has to be sample_s to 3600; publish.namespace",
            ),
            (
                &format!(
                    "{SMALLEST}[idle]\ngpu_below_percent = 5\nfor_s = 5\nthen = \"power-off\"\n"
                ),
                "idle.for_s",
            ),
            (&format!("{SMALLEST}[lease]\nttl_s = 5\n"), "lease.ttl_s"),
        ];
        for (text, words) in cases {
            let why = parse(text).expect_err(text);
            assert!(why.contains(words), "{why}");
        }
        assert!(read(Path::new("/no/such/agent.toml")).is_err());
    }
}
