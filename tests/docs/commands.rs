//! The pages of the commands: a part of each is made of what clap knows, so that it is what `--help` says.
//!
//! `MILLSTREAM_BLESS=1` writes that part, between two marks; what stands around it is written by hand.

use crate::page::{Page, root};
use clap::{Arg, Command};
use std::fmt::Write as _;

const BEGIN: &str = "<!-- of `--help`: MILLSTREAM_BLESS=1 cargo test --test docs -->\n";
const END: &str = "<!-- end -->\n";

pub fn findings(pages: &[Page]) -> Vec<String> {
    let mut program = millstream::cli::command();
    program.build();
    let bless = std::env::var_os("MILLSTREAM_BLESS").is_some();
    let mut findings = Vec::new();
    for command in program.get_subcommands_mut() {
        let path = format!("docs/commands/{}.md", command.get_name());
        let mut wanted = String::new();
        describe(command, 1, &mut wanted);
        let page = pages
            .iter()
            .find(|page| page.path == path)
            .map(|page| page.text.as_str());
        let parts = page.and_then(|text| {
            let (before, rest) = text.split_once(BEGIN)?;
            let (made, after) = rest.split_once(END)?;
            Some((before, made, after))
        });
        if parts.is_some_and(|(_, made, _)| made == wanted) {
            continue;
        }
        if bless {
            let (before, _, after) = parts.unwrap_or_default();
            let file = root().join(&path);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("written");
        } else {
            findings.push(format!(
                "{path}: does not say what `{} --help` says: run `MILLSTREAM_BLESS=1 cargo test --test docs`",
                command.get_bin_name().unwrap_or_default()
            ));
        }
    }
    for page in pages.iter().filter(|page| page.path.starts_with("docs/commands/")) {
        if program.find_subcommand(page.stem()).is_none() {
            findings.push(format!("{}: there is no command `{}`", page.path, page.stem()));
        }
    }
    findings
}

/// A command and, below it, its own commands.
fn describe(command: &mut Command, level: usize, out: &mut String) {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let about = command
        .get_long_about()
        .or(command.get_about())
        .map(ToString::to_string);
    let usage = command.render_usage().to_string();
    let _ = writeln!(out, "{} {name}\n\n{}\n", "#".repeat(level), about.unwrap_or_default());
    let usage = usage.trim_start_matches("Usage: ");
    let _ = writeln!(out, "```sh\n{usage}\n```\n");
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| argument.get_id() != "help")
        .collect();
    if !arguments.is_empty() {
        let _ = writeln!(
            out,
            "| option | default | from the environment | |\n| --- | --- | --- | --- |"
        );
    }
    for argument in arguments {
        let _ = writeln!(out, "{}", row(argument));
    }
    for command in command.get_subcommands_mut() {
        out.push('\n');
        describe(command, level + 1, out);
    }
}

fn row(argument: &Arg) -> String {
    let quoted = |text: &str| format!("`{}`", text.replace('|', "\\|"));
    let syntax = quoted(&argument.to_string());
    let default: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| quoted(&value.to_string_lossy()))
        .collect();
    let default = match argument.is_required_set() {
        true => "required".to_owned(),
        // a switch's default says nothing
        false if !argument.get_action().takes_values() => String::new(),
        false => default.join(" "),
    };
    let variable = argument
        .get_env()
        .map(|name| quoted(&name.to_string_lossy()))
        .unwrap_or_default();
    let help = argument
        .get_long_help()
        .or(argument.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("{} ({help})", quoted(value.get_name())),
            None => quoted(value.get_name()),
        })
        .collect();
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(": {}", values.join(", "))
    };
    let help = format!("{help}{values}").replace('\n', " ");
    format!(
        "| {syntax} | {default} | {variable} | {} |",
        help.replace('|', "\\|").replace("\\\\|", "\\|")
    )
}
