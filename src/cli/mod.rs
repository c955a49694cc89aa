//! The command line: one file a command, each thin.
//!
//! Invariants: data goes to the standard output and everything said about it to the standard error; every command that prints
//! data has `--output json`; exit codes are 0 (fine), 1 (failed), 2 (wrong usage); a reader that goes away ends a command
//! quietly.

mod asking;
mod asyncapi;
mod canary;
mod check;
mod cluster;
mod connection;
mod dead_letters;
mod demo;
mod graph;
mod list;
mod mistakes;
mod page;
mod reset;
mod run;
mod schemas;
mod send;
mod state;
mod test;
mod topics;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "millstream", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(name = "asyncapi")]
    AsyncApi(asyncapi::AsyncApi),
    Canary(canary::Canary),
    Check(check::Check),
    DeadLetters(dead_letters::DeadLettersCommand),
    Demo(demo::Demo),
    Graph(graph::GraphCommand),
    Reset(reset::ResetCommand),
    Run(run::Run),
    Schemas(schemas::SchemasCommand),
    Send(send::Send),
    State(state::StateCommand),
    Test(test::Test),
    Topics(topics::TopicsCommand),
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    Failed,
}

/// Where a command prints, and what it knows of its surroundings.
pub(crate) struct Terminal<'t> {
    pub out: &'t mut dyn Write,
    pub err: &'t mut dyn Write,
    /// Columns to draw in.
    pub width: usize,
    /// Whether the standard output shows colours: it is a terminal, and nobody asked for none.
    pub colours: bool,
    pub environment: &'t dyn Fn(&str) -> Option<String>,
    /// All variables of the environment whose names and values are text.
    pub variables: &'t dyn Fn() -> Vec<(String, String)>,
}

/// Runs the program's own command line.
pub fn main() -> ExitCode {
    let environment = |name: &str| std::env::var(name).ok();
    let columns = environment("COLUMNS").and_then(|columns| columns.parse().ok());
    let variables = || {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        std::env::vars_os().filter_map(text).collect()
    };
    let mut terminal = Terminal {
        // not locked: other threads write logs meanwhile
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        width: columns.unwrap_or(100),
        colours: io::stdout().is_terminal() && environment("NO_COLOR").is_none_or(|value| value.is_empty()),
        environment: &environment,
        variables: &variables,
    };
    run(std::env::args_os(), &mut terminal)
}

/// The command line as clap knows it, for the pages about it.
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(arguments: impl IntoIterator<Item = OsString>, terminal: &mut Terminal<'_>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no errors and go to the standard output: clap knows which
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match &cli.command {
        Command::AsyncApi(command) => command.run(terminal),
        Command::Canary(command) => command.run(terminal),
        Command::Check(command) => command.run(terminal),
        Command::DeadLetters(command) => command.run(terminal),
        Command::Demo(command) => command.run(terminal),
        Command::Graph(command) => command.run(terminal),
        Command::Reset(command) => command.run(terminal),
        Command::Run(command) => command.run(terminal),
        Command::Schemas(command) => command.run(terminal),
        Command::Send(command) => command.run(terminal),
        Command::State(command) => command.run(terminal),
        Command::Test(command) => command.run(terminal),
        Command::Topics(command) => command.run(terminal),
    };
    match outcome.and_then(|outcome| terminal.out.flush().map(|()| outcome)) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        // whoever read has seen enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(terminal.err, "millstream: can't print: {error}");
            ExitCode::from(1)
        }
    }
}

/// Reads a header, `NAME=VALUE`.
fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, as in env=dev".to_owned()),
    }
}

/// One and many: `1 sink`, `3 sinks`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_would_be_ignored_is_wrong_usage() {
        assert!(Cli::try_parse_from(["millstream", "demo", "--rate", "5"]).is_err());
        assert!(Cli::try_parse_from(["millstream", "demo", "--keep", "--rate", "5"]).is_ok());
        assert!(Cli::try_parse_from(["millstream", "demo", "--keep"]).is_ok());
        assert!(Cli::try_parse_from(["millstream", "demo"]).is_ok());
    }
}
