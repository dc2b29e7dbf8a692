//! What a command line asks of the runner.

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// Whether this runner is there.
    Look(&'a str),
    /// Store the runner.
    Install(&'a str),
    /// A command of the runner with its words.
    Runner(Vec<&'a str>),
    /// Something that only a real host could do.
    Other,
}

const FOLDER: &str = "/var/lib/roboinfra/bin/";

/// Reads a command line.
pub(super) fn read(line: &str) -> Request<'_> {
    let line = line.strip_prefix("sudo -n ").unwrap_or(line);
    if let Some(rest) = line.strip_prefix("test -x ") {
        return Request::Look(rest.split(' ').next().unwrap_or_default());
    }
    if line.starts_with("sh -c 'umask") {
        let path = line
            .split("mv -f ")
            .nth(1)
            .and_then(|rest| rest.split(' ').nth(1))
            .unwrap_or_default();
        return Request::Install(path);
    }
    match line.strip_prefix(FOLDER) {
        Some(rest) => Request::Runner(rest.split(' ').skip(1).collect()),
        None => Request::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_of_the_client() {
        let path = "/var/lib/roboinfra/bin/runner-0123456789abcdef";
        assert_eq!(
            read(&format!(
                "sudo -n test -x {path} && echo have || echo missing"
            )),
            Request::Look(path)
        );
        let install = format!(
            "sudo -n sh -c 'umask 077; mkdir -p x && cat > {path}.$$ && mv -f {path}.$$ {path} && echo installed; fi'"
        );
        assert_eq!(read(&install), Request::Install(path));
        assert_eq!(
            read(&format!("{path} put base d1")),
            Request::Runner(vec!["put", "base", "d1"])
        );
        assert_eq!(read("rm -rf /"), Request::Other);
    }
}
