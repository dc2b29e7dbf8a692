//! The command reference as Markdown, written from the command line's own definition.

use clap::{Arg, Command, CommandFactory};

use super::args::Cli;
use super::exit;

/// The reference of every command, option and exit code.
pub fn reference() -> String {
    let mut whole = Cli::command();
    whole.build();
    let mut page = String::from(
        "# Commands\n\n<!-- Written by tests/cli_docs.rs from the command line's own definition: do not edit. -->\n\n",
    );
    page.push_str(&format!(
        "{}\n\n",
        text(whole.get_long_about().or(whole.get_about()))
    ));
    page.push_str("## Options that every command takes\n\n");
    options(
        &mut page,
        whole.get_arguments().filter(|arg| arg.is_global_set()),
    );
    for command in whole
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        section(&mut page, command, "roboinfra", 2);
    }
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in exit::ALL {
        page.push_str(&format!("| {code} | {meaning} |\n"));
    }
    page.push_str("\nWhere several hold, the first of 130, 4, 7, 6 is reported.\n");
    page
}

fn section(page: &mut String, command: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", command.get_name());
    let places = command.get_positionals().map(|arg| {
        let value = arg.get_id().as_str().to_uppercase();
        if arg.is_required_set() {
            format!(" {value}")
        } else {
            format!(" [{value}]")
        }
    });
    let usage: String = places.collect();
    page.push_str(&format!("\n{} `{name}{usage}`\n\n", "#".repeat(level)));
    page.push_str(&format!(
        "{}\n\n",
        text(command.get_long_about().or(command.get_about()))
    ));
    options(
        page,
        command.get_arguments().filter(|arg| !arg.is_global_set()),
    );
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        section(page, inner, &name, level + 1);
    }
}

fn options<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let shown = arguments.filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()));
    for argument in shown {
        let mut names = Vec::new();
        names.extend(argument.get_short().map(|short| format!("-{short}")));
        names.extend(argument.get_long().map(|long| format!("--{long}")));
        let name = if names.is_empty() {
            argument.get_id().as_str().to_uppercase()
        } else {
            names.join(", ")
        };
        let takes = argument.get_action().takes_values() && !names.is_empty();
        let value = argument
            .get_value_names()
            .and_then(|names| names.first())
            .filter(|_| takes);
        let value = value.map(|value| format!(" {value}")).unwrap_or_default();
        page.push_str(&format!(
            "- `{name}{value}`: {}\n",
            text(argument.get_long_help().or(argument.get_help()))
        ));
    }
}

fn text(styled: Option<&clap::builder::StyledStr>) -> String {
    styled
        .map(|text| text.to_string().trim().to_owned())
        .unwrap_or_default()
}
