//! `millstream graph`: the topology drawn.

mod dot;
mod json;
mod mermaid;
mod terminal;
#[cfg(test)]
mod tests;
mod words;

use super::{Outcome, Output, Terminal, mistakes};
use crate::topology;
use clap::ValueEnum;
use std::io;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Boxes and lines, for the terminal
    #[default]
    Terminal,
    /// A Mermaid flowchart, for Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// Nodes and sub-topologies as data
    Json,
}

/// Draw a topology: its sub-topologies, topics, stores, tables and routes
#[derive(clap::Args)]
pub(crate) struct GraphCommand {
    /// The topology's folder, or the file in it
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// What to draw it as
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// `json` is the same as `--format json`
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl GraphCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let format = if self.output == Output::Json {
            Format::Json
        } else {
            self.format
        };
        let (topology, _) = match topology::inspect(&self.path, terminal.environment) {
            Ok(topology) => topology,
            Err(found) => {
                let output = if format == Format::Json {
                    Output::Json
                } else {
                    Output::Text
                };
                return mistakes::print(&self.path, &found, output, terminal).map(|()| Outcome::Failed);
            }
        };
        let drawing = match format {
            Format::Terminal => terminal::draw(&topology, terminal.width),
            Format::Mermaid => mermaid::draw(&topology),
            Format::Dot => dot::draw(&topology),
            Format::Json => json::draw(&topology),
        };
        terminal.out.write_all(drawing.as_bytes())?;
        Ok(Outcome::Fine)
    }
}
