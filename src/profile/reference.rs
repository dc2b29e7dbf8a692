//! The reference of the profile as Markdown, from the table of keys and the list of codes.

use super::codes::{ALL, Severity};
use super::keys::PROFILE;
use super::shape::{Key, Section, Shape};

/// A profile with every section and nearly every key.
pub(super) const EXAMPLE: &str = include_str!("example.toml");

const INTRODUCTION: &str = "\
# The lab profile

A lab is described by one TOML file, `lab.toml` unless `--file` names another. This page is made from the program's
own table of keys; `docs/lab.schema.json` is the same as a JSON Schema, for editors.

`roboinfra validate` reports every problem in the file at once: where it is, what is wrong, and how to mend it.
`roboinfra init` writes a profile to start from.

How values are written:

- Names of nodes, ports, volumes, stacks and edge hosts are a small letter, then small letters, digits and hyphens, 1 to 31
  characters in all.
- Durations are `90s`, `45m`, `12h`, `7d`, or several together: `1h30m`.
- Address blocks are `203.0.113.0/24` or `2001:db8::/32`; one address is `203.0.113.7/32`.
- Sizes are in the unit that their key names. Money is in US dollars.
";

/// The reference, as it stands in `docs/profile.md`.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## An example with everything\n\n```toml\n");
    page.push_str(EXAMPLE);
    page.push_str("```\n");
    for section in PROFILE.descend() {
        describe(section, &mut page);
    }
    page.push_str("\n## Problems\n\n");
    page.push_str("Errors stop the profile from being used; warnings do not. A code never changes its meaning.\n\n");
    page.push_str("| code | | what it stands for |\n|---|---|---|\n");
    for code in ALL {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        page.push_str(&format!(
            "| {} | {severity} | {} |\n",
            code.id,
            cell(code.about)
        ));
    }
    page
}

fn describe(section: &'static Section, page: &mut String) {
    let title = match section.path {
        "" => "The top of the file".to_owned(),
        "moved" => "`[[moved]]`".to_owned(),
        path => format!("`[{}]`", path.replace('*', "NAME")),
    };
    page.push_str(&format!("\n## {title}\n\n{}\n\n", section.doc));
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in section.keys {
        page.push_str(&row(key));
    }
}

fn row(key: &Key) -> String {
    let value = match key.shape {
        Shape::Table(section) | Shape::Named(section) | Shape::Rows(section) => {
            format!("[a section](#{})", anchor(section))
        }
        shape => shape.what(),
    };
    let default = match (key.required, key.default) {
        (true, _) => "required".to_owned(),
        (false, "") => "none".to_owned(),
        (false, default) => format!("`{default}`"),
    };
    let example = if key.example.is_empty() {
        String::new()
    } else {
        format!(" Example: `{}`.", key.example)
    };
    format!(
        "| `{}` | {} | {} | {}{} |\n",
        key.name,
        cell(&value),
        cell(&default),
        cell(key.doc),
        cell(&example)
    )
}

/// The anchor that Markdown renderers give a section's title.
fn anchor(section: &Section) -> String {
    section.path.replace('*', "name").replace('.', "")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_code_is_in_it() {
        let page = reference();
        for section in PROFILE.descend() {
            for key in section.keys {
                assert!(
                    page.contains(&format!("| `{}` |", key.name)),
                    "{}",
                    key.name
                );
            }
        }
        for code in ALL {
            assert!(page.contains(&format!("| {} |", code.id)), "{}", code.id);
        }
    }

    #[test]
    fn no_line_breaks_a_table() {
        for line in reference().lines().filter(|line| line.starts_with('|')) {
            let bars = line.replace("\\|", "").matches('|').count();
            assert!(bars == 4 || bars == 5, "{line}");
        }
    }
}
