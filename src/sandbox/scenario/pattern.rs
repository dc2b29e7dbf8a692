//! Patterns with `*` and `?`, as EC2's filters have them (API Reference, Filter).

/// Whether `text` matches `pattern`: `*` is any run of characters, `?` any one, `\` takes the next as it is.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
                continue;
            }
            None if t == text.len() => return true,
            Some('?') if t < text.len() => {
                p += 1;
                t += 1;
                continue;
            }
            Some(c) if t < text.len() => {
                let (literal, width) = match (c, pattern.get(p + 1)) {
                    ('\\', Some(next)) => (next, 2),
                    _ => (c, 1),
                };
                if *literal == text[t] {
                    p += width;
                    t += 1;
                    continue;
                }
            }
            _ => {}
        }
        match retry {
            Some((star, at)) if at < text.len() => {
                retry = Some((star, at + 1));
                p = star + 1;
                t = at + 1;
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("g5.*", "g5.xlarge", true),
            ("g5.*", "g6.xlarge", false),
            ("g?.xlarge", "g5.xlarge", true),
            ("*a*b", "xxaxxab", true),
            ("*a*b", "xxaxxa", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
