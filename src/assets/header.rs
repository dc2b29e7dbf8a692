//! A step's header: what it says of itself in the comment lines under its shebang.

use std::collections::BTreeMap;
use std::time::Duration;

/// The mark that every header line begins with.
const MARK: &str = "# roboinfra:";
/// No step may take longer.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// Whether a step may ask for a reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayReboot {
    /// It does its work without one.
    Never,
    /// It may need one before it is done.
    May,
}

/// What a step says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub about: String,
    /// The steps that must be done before.
    pub needs: Vec<String>,
    /// Whether it may reboot.
    pub reboot: MayReboot,
    /// How long one run of it may take.
    pub timeout: Duration,
    /// What proves it done, in words.
    pub proof: String,
    /// The systems it supports: `ubuntu-22.04`, `debian-*` or `any`.
    pub systems: Vec<String>,
    /// The variables it takes, with their defaults.
    pub inputs: BTreeMap<String, String>,
    /// The secret variables it takes.
    pub secrets: Vec<String>,
}

/// A header that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct HeaderError {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Header {
    /// Whether the step supports a system, given as `ID` and `VERSION_ID` of its `/etc/os-release`.
    pub fn supports(&self, id: &str, version: &str) -> bool {
        let system = format!("{id}-{version}");
        self.systems
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(stem) => system.starts_with(stem),
                None => pattern == "any" || *pattern == system,
            })
    }
}

/// The lines of a header, taken apart but not understood.
struct Lines<'a> {
    values: BTreeMap<&'a str, (usize, &'a str)>,
    last: usize,
}

/// Reads the header of a step.
pub fn parse_header(text: &str) -> Result<Header, HeaderError> {
    let mut lines = lines(text)?;
    let name = lines.needed("step")?;
    if !is_name(name.1) {
        return Err(wrong(name.0, format!("{:?} is not a step's name", name.1)));
    }
    let about = lines.needed("about")?;
    let reboot = lines.needed("reboot")?;
    let timeout = lines.needed("timeout")?;
    let proof = lines.needed("proof")?;
    let systems = lines.needed("systems")?;
    let needs = lines.names("needs", is_name)?;
    let secrets = lines.names("secrets", is_variable)?;
    let inputs = lines.inputs()?;
    let taken = inputs
        .keys()
        .chain(&secrets)
        .find(|name| is_the_shells(name));
    if let Some(taken) = taken {
        return Err(wrong(
            lines.last,
            format!("{taken:?} belongs to the shell or to roboinfra"),
        ));
    }
    if let Some(twice) = secrets.iter().find(|name| inputs.contains_key(*name)) {
        return Err(wrong(
            lines.last,
            format!("{twice} is an input and a secret: the input would take the secret's place"),
        ));
    }
    if let Some(seen) = secrets.iter().find(|name| is_everybodys(name)) {
        return Err(wrong(
            lines.last,
            format!("{seen:?} is handed to every program: no name for a secret"),
        ));
    }
    if let Some((key, (line, _))) = lines.values.pop_first() {
        return Err(wrong(line, format!("unknown key {key:?}")));
    }
    Ok(Header {
        name: name.1.to_owned(),
        about: about.1.to_owned(),
        needs,
        reboot: match reboot.1 {
            "never" => MayReboot::Never,
            "may" => MayReboot::May,
            other => {
                return Err(wrong(
                    reboot.0,
                    format!("reboot is `never` or `may`, not {other:?}"),
                ));
            }
        },
        timeout: duration(timeout.1).ok_or_else(|| {
            wrong(
                timeout.0,
                format!(
                    "{:?} is not a time such as 90s, 30m or 2h, up to 4h",
                    timeout.1
                ),
            )
        })?,
        proof: proof.1.to_owned(),
        systems: systems
            .1
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect(),
        inputs,
        secrets,
    })
}

fn wrong(line: usize, what: impl Into<String>) -> HeaderError {
    HeaderError {
        line,
        what: what.into(),
    }
}

fn lines(text: &str) -> Result<Lines<'_>, HeaderError> {
    let mut values = BTreeMap::new();
    let mut last = 1;
    for (number, line) in (1..).zip(text.lines()) {
        last = number;
        if number == 1 {
            if !line.starts_with("#!") {
                return Err(wrong(1, "a step begins with #!/usr/bin/env bash"));
            }
            continue;
        }
        if !line.starts_with('#') {
            break;
        }
        let Some(rest) = line.strip_prefix(MARK) else {
            continue;
        };
        let (key, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let value = value.trim();
        if value.is_empty() {
            return Err(wrong(number, format!("{key:?} has no value")));
        }
        if value.chars().any(char::is_control) {
            return Err(wrong(number, format!("{key:?} holds a control character")));
        }
        if values.insert(key, (number, value)).is_some() {
            return Err(wrong(number, format!("{key:?} is there twice")));
        }
    }
    if values.is_empty() {
        return Err(wrong(
            last,
            "there is no header: lines `# roboinfra:KEY VALUE`",
        ));
    }
    Ok(Lines { values, last })
}

impl<'a> Lines<'a> {
    fn needed(&mut self, key: &str) -> Result<(usize, &'a str), HeaderError> {
        self.values
            .remove(key)
            .ok_or_else(|| wrong(self.last, format!("the header has no `{key}`")))
    }

    fn names(&mut self, key: &str, is: fn(&str) -> bool) -> Result<Vec<String>, HeaderError> {
        let Some((line, value)) = self.values.remove(key) else {
            return Ok(Vec::new());
        };
        value
            .split_whitespace()
            .map(|word| {
                is(word)
                    .then(|| word.to_owned())
                    .ok_or_else(|| wrong(line, format!("{word:?} is not a name for `{key}`")))
            })
            .collect()
    }

    fn inputs(&mut self) -> Result<BTreeMap<String, String>, HeaderError> {
        let Some((line, value)) = self.values.remove("inputs") else {
            return Ok(BTreeMap::new());
        };
        let mut inputs = BTreeMap::new();
        for word in value.split_whitespace() {
            let (name, default) = word
                .split_once('=')
                .ok_or_else(|| wrong(line, format!("{word:?} is not NAME=default")))?;
            if !is_variable(name) {
                return Err(wrong(line, format!("{name:?} is not a variable's name")));
            }
            if inputs.insert(name.to_owned(), default.to_owned()).is_some() {
                return Err(wrong(line, format!("{name} is there twice")));
            }
        }
        Ok(inputs)
    }
}

/// A step's name: small letters, digits and hyphens, beginning with a letter.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 40
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A variable's name: capitals, digits and underscores, beginning with a capital.
pub(super) fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Variables that mean something to bash, or cannot be set in it.
const OF_THE_SHELL: [&str; 29] = [
    "PATH",
    "IFS",
    "HOME",
    "ENV",
    "SHELLOPTS",
    "UID",
    "EUID",
    "PPID",
    "GROUPS",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "POSIXLY_CORRECT",
    "CDPATH",
    "GLOBIGNORE",
    "TMOUT",
    "RANDOM",
    "SRANDOM",
    "SECONDS",
    "LINENO",
    "FUNCNAME",
    "FUNCNEST",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "DIRSTACK",
    "OPTIND",
    "REPLY",
    "PIPESTATUS",
    "HISTCMD",
];

/// Whether a variable means something to a shell or to roboinfra.
fn is_the_shells(name: &str) -> bool {
    let starts = ["BASH", "LD_", "ROBOINFRA_"];
    OF_THE_SHELL.contains(&name) || starts.iter().any(|start| name.starts_with(start))
}

/// Whether a variable is in the environment of a step: what is set to it reaches every program.
fn is_everybodys(name: &str) -> bool {
    ["USER", "LOGNAME", "SHELL", "LC_ALL", "TZ"].contains(&name)
}

fn duration(text: &str) -> Option<Duration> {
    let split = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(split)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    let duration = Duration::from_secs(seconds);
    (seconds > 0 && duration <= LONGEST).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "#!/usr/bin/env bash\n\
        # A comment of its own.\n\
        # roboinfra:step     docker\n\
        # roboinfra:about    Docker Engine with Compose\n\
        # roboinfra:needs    base\n\
        # roboinfra:reboot   never\n\
        # roboinfra:timeout  15m\n\
        # roboinfra:proof    docker info answers\n\
        # roboinfra:systems  ubuntu-22.04 debian-*\n\
        # roboinfra:inputs   DOCKER_SOURCE=auto EXTRA=\n\
        # roboinfra:secrets  REGISTRY_TOKEN\n\
        \n\
        # roboinfra:step not-of-the-header\n";

    #[test]
    fn a_header_says_it_all() {
        let header = parse_header(GOOD).expect("a good header");
        assert_eq!(header.name, "docker");
        assert_eq!(header.timeout, Duration::from_secs(900));
        assert_eq!(header.needs, ["base"]);
        assert_eq!(header.inputs["DOCKER_SOURCE"], "auto");
        assert_eq!(header.inputs["EXTRA"], "");
        assert_eq!(header.secrets, ["REGISTRY_TOKEN"]);
        for (id, version, supported) in [
            ("ubuntu", "22.04", true),
            ("ubuntu", "24.04", false),
            ("debian", "12", true),
            ("debian", "13", true),
            ("fedora", "41", false),
        ] {
            assert_eq!(header.supports(id, version), supported, "{id} {version}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, said) in [
            ("#!/usr", "#/usr", "line 1: a step begins with"),
            (
                "step     docker",
                "step     ../docker",
                "line 3: \"../docker\" is not a step's name",
            ),
            (
                "# roboinfra:about    Docker Engine with Compose\n",
                "",
                "has no `about`",
            ),
            (
                "about    Docker Engine with Compose",
                "about",
                "line 4: \"about\" has no value",
            ),
            (
                "about    Docker",
                "about    Dock\u{1b}er",
                "control character",
            ),
            ("reboot   never", "reboot   always", "line 6: reboot is"),
            (
                "timeout  15m",
                "timeout  15",
                "line 7: \"15\" is not a time",
            ),
            ("timeout  15m", "timeout  5h", "up to 4h"),
            ("EXTRA=", "SECONDS=1", "\"SECONDS\" belongs to the shell"),
            (
                "secrets  REGISTRY_TOKEN",
                "secrets  PWD",
                "\"PWD\" belongs to the shell",
            ),
            (
                "secrets  REGISTRY_TOKEN",
                "secrets  TZ",
                "\"TZ\" is handed to every program",
            ),
            (
                "secrets  REGISTRY_TOKEN",
                "secrets  EXTRA",
                "EXTRA is an input and a secret",
            ),
            ("timeout  15m", "timeout  0s", "is not a time"),
            ("timeout  15m", "timeout  \u{e9}", "is not a time"),
            ("needs    base", "needs    Base", "line 5: \"Base\""),
            ("needs    base", "wants    base", "unknown key \"wants\""),
            (
                "needs    base",
                "step    base",
                "line 5: \"step\" is there twice",
            ),
            ("EXTRA=", "EXTRA", "line 10: \"EXTRA\" is not NAME=default"),
            ("EXTRA=", "eXTRA=1", "\"eXTRA\" is not a variable's name"),
            ("EXTRA=", "DOCKER_SOURCE=1", "DOCKER_SOURCE is there twice"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let error = parse_header(&text).expect_err(said).to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
        for empty in ["", "#!/bin/bash", "#!/bin/bash\n# roboinfra\n"] {
            assert!(parse_header(empty).is_err(), "{empty:?}");
        }
    }
}
