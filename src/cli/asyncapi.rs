//! `millstream asyncapi`: what a topology sends and receives, for others to read.

use super::{Outcome, Output, Terminal, mistakes};
use crate::asyncapi::{Examples, document};
use crate::testkit::case;
use crate::topology;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Describe what a topology sends and receives, as an AsyncAPI 3.0 document
///
/// Channels are its topics, messages those of its schemas, examples what its own cases make. The document is JSON, which is YAML
/// too. Nothing is asked of Kafka or of a registry.
#[derive(clap::Args)]
pub(crate) struct AsyncApi {
    /// The topology's folder, or the file in it
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// Without examples: the cases beside the topology are not run
    #[arg(long)]
    no_examples: bool,
}

impl AsyncApi {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let topology = match topology::inspect(&self.path, terminal.environment) {
            Ok((topology, _)) => Arc::new(topology),
            Err(found) => {
                return mistakes::print(&self.path, &found, Output::Text, terminal).map(|()| Outcome::Failed);
            }
        };
        let examples = if self.no_examples {
            Examples::default()
        } else {
            match case::read_folder(topology::folder_of(&self.path), &topology) {
                Ok(cases) => Examples::of_cases(&topology, &cases),
                Err(found) => {
                    return mistakes::print(&self.path, &found, Output::Text, terminal).map(|()| Outcome::Failed);
                }
            }
        };
        let document = document(&topology, &examples);
        writeln!(terminal.out, "{document:#}")?;
        Ok(Outcome::Fine)
    }
}
