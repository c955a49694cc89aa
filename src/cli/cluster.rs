//! What commands that talk to a cluster have in common.

use super::connection::Connection;
use super::{Output, Terminal, mistakes};
use crate::broker::kafka::KafkaSettings;
use crate::topology::{self, Topology};
use std::io;
use std::path::PathBuf;

/// A topology, and the cluster that it is for.
#[derive(clap::Args)]
pub(crate) struct Cluster {
    /// The topology's folder, or the file in it
    #[arg(long, value_name = "DIR", env = "MILLSTREAM_TOPOLOGY")]
    pub topology: PathBuf,
    #[command(flatten)]
    pub connection: Connection,
}

impl Cluster {
    /// Loads the topology, and says how its cluster is reached. `None`: what is wrong was printed.
    pub(crate) fn load(
        &self,
        output: Output,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Option<(Topology, KafkaSettings)>> {
        let found = match topology::load(&self.topology, terminal.environment) {
            Ok(topology) => {
                let refused = mistakes::refused_properties(&topology);
                if refused.is_empty() {
                    let own = topology.kafka.iter();
                    let own = own.map(|(name, (value, _))| (name.clone(), value.clone()));
                    let settings = self.connection.settings(own, terminal)?;
                    return Ok(settings.map(|settings| (topology, settings)));
                }
                refused
            }
            Err(found) => found,
        };
        mistakes::print(&self.topology, &found, output, terminal)?;
        Ok(None)
    }
}
