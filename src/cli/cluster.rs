//! What commands that talk to a cluster have in common.

use super::{Output, Terminal, mistakes};
use crate::broker::kafka::KafkaSettings;
use crate::topology::{self, Topology};
use std::io;
use std::path::Path;

/// Reads `NAME=VALUE`, a property of librdkafka.
pub(crate) fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in linger.ms=5")?;
    let refused = || KafkaSettings::refused([(name, value)]).pop().map(|(_, why)| why);
    match topology::reserved_property(name).or_else(refused) {
        Some(reason) => Err(reason),
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Loads a topology that is to meet a cluster. `None`: its mistakes were printed.
pub(crate) fn load(path: &Path, output: Output, terminal: &mut Terminal<'_>) -> io::Result<Option<Topology>> {
    let found = match topology::load(path, terminal.environment) {
        Ok(topology) => {
            let refused = mistakes::refused_properties(&topology);
            if refused.is_empty() {
                return Ok(Some(topology));
            }
            refused
        }
        Err(found) => found,
    };
    mistakes::print(path, &found, output, terminal)?;
    Ok(None)
}

/// The topology's own properties, and over them those of the command line.
pub(crate) fn settings(topology: &Topology, brokers: &str, properties: &[(String, String)]) -> KafkaSettings {
    let own = topology
        .kafka
        .iter()
        .map(|(name, (value, _))| (name.clone(), value.clone()));
    KafkaSettings {
        brokers: brokers.to_owned(),
        properties: own.chain(properties.iter().cloned()).collect(),
    }
}
