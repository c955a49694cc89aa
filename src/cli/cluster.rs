//! What commands that talk to a cluster have in common.

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
    /// Where the cluster is: host:port, several separated by commas
    #[arg(long, value_name = "HOSTS", env = "MILLSTREAM_BROKERS")]
    pub brokers: String,
    /// A property of librdkafka, over the topology's `kafka:`; may be given several times
    #[arg(long = "kafka", value_name = "NAME=VALUE", value_parser = property)]
    pub properties: Vec<(String, String)>,
}

/// Reads `NAME=VALUE`, a property of librdkafka.
pub(crate) fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in linger.ms=5")?;
    let refused = || KafkaSettings::refused([(name, value)]).pop().map(|(_, why)| why);
    match topology::reserved_property(name).or_else(refused) {
        Some(reason) => Err(reason),
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

impl Cluster {
    /// Loads the topology. `None`: its mistakes were printed.
    pub(crate) fn load(&self, output: Output, terminal: &mut Terminal<'_>) -> io::Result<Option<Topology>> {
        let found = match topology::load(&self.topology, terminal.environment) {
            Ok(topology) => {
                let refused = mistakes::refused_properties(&topology);
                if refused.is_empty() {
                    return Ok(Some(topology));
                }
                refused
            }
            Err(found) => found,
        };
        mistakes::print(&self.topology, &found, output, terminal)?;
        Ok(None)
    }

    /// The topology's own properties, and over them those of the command line.
    pub(crate) fn settings(&self, topology: &Topology) -> KafkaSettings {
        let own = topology
            .kafka
            .iter()
            .map(|(name, (value, _))| (name.clone(), value.clone()));
        KafkaSettings {
            brokers: self.brokers.clone(),
            properties: own.chain(self.properties.iter().cloned()).collect(),
        }
    }
}
