//! `millstream state`: what lies in the stores of an instance that does not run.

use super::list::{List, time};
use super::{Outcome, Output, Terminal, mistakes};
use crate::broker::TopicPartition;
use crate::codec::{Codec, NAMES};
use crate::ops::state::{self, Entry, LookError, Store, shown_id, shown_key};
use crate::state::Stopped;
use crate::topology::{self, Topology};
use serde_json::json;
use std::io;
use std::path::PathBuf;

/// Look into the stores of an instance that does not run
///
/// Reads the state folder of a stopped instance, or a copy of it; one that a running process has is refused. Stores are opened as
/// the next start opens them, and nothing is changed in them.
#[derive(clap::Args)]
pub(crate) struct StateCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Get(Get),
    Dump(Dump),
}

/// Show one entry of a store: whether an id is remembered, or the value of a key
///
/// Exit code 1 where there is no such entry.
#[derive(clap::Args)]
struct Get {
    /// The store: it has the name of its processor
    store: String,
    /// The key; or an id as it is in the events, part by part where it has several (`~`: a part that is absent). One that
    /// begins with a hyphen comes after `--`
    #[arg(required = true, allow_negative_numbers = true)]
    key: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// Show every entry of a store, or of all stores
///
/// One entry a line: store, partition, key and value, or id and the end of the segment of event time that it is of, separated by
/// tabs. In no order.
#[derive(clap::Args)]
struct Dump {
    /// The store: it has the name of its processor. Default: all of them
    store: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
struct Place {
    /// The topology's folder, or the file in it
    #[arg(long, value_name = "DIR", env = "MILLSTREAM_TOPOLOGY")]
    topology: PathBuf,
    /// Where state is kept
    #[arg(
        long,
        value_name = "DIR",
        env = "MILLSTREAM_STATE_DIR",
        default_value = "millstream-state"
    )]
    state_dir: PathBuf,
    /// The instance whose state it is. Default: the only one in the state folder
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Only this partition
    #[arg(long, value_name = "N")]
    partition: Option<i32>,
    /// What keys are: string, int32, int64, double, json, raw. Default: what the topology says, or string
    #[arg(long, value_name = "CODEC", value_parser = codec)]
    key_codec: Option<Codec>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn codec(text: &str) -> Result<Codec, String> {
    let named = NAMES.iter().find(|(name, _)| *name == text);
    named.map(|(_, codec)| *codec).ok_or_else(|| {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is no such codec, only {}", names.join(", "))
    })
}

impl StateCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let place = match &self.command {
            Command::Get(get) => &get.place,
            Command::Dump(dump) => &dump.place,
        };
        let topology = match topology::inspect(&place.topology, terminal.environment) {
            Ok((topology, _)) => topology,
            Err(found) => {
                return mistakes::print(&place.topology, &found, place.output, terminal).map(|()| Outcome::Failed);
            }
        };
        let ended = match &self.command {
            Command::Get(get) => get.run(&topology, terminal),
            Command::Dump(dump) => dump.run(&topology, terminal).map(|()| Outcome::Fine),
        };
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(LookError::Print(error)) => Err(error),
            Err(error) => {
                writeln!(terminal.err, "error: {error}")?;
                Ok(Outcome::Failed)
            }
        }
    }
}

impl Place {
    fn open(&self, topology: &Topology) -> Result<Stopped, LookError> {
        state::open(&self.state_dir, &topology.application, self.instance.as_deref())
    }
}

impl Get {
    fn run(&self, topology: &Topology, terminal: &mut Terminal<'_>) -> Result<Outcome, LookError> {
        let place = &self.place;
        let store = state::named(&state::stores(topology), &self.store)?;
        let wanted = store.wanted(&self.key, place.key_codec)?;
        let stopped = place.open(topology)?;
        let mut list = List::new(terminal.out);
        let found = store.get(
            &stopped,
            &wanted,
            place.partition,
            &mut |at, entry| match place.output {
                Output::Json => list.add(&as_json(&store, at, entry, place.key_codec)),
                Output::Text => match entry {
                    Entry::Id { until, .. } => {
                        let (partition, until) = (at.partition, time(until));
                        writeln!(
                            list.out,
                            "remembered in partition {partition}, of a time before {until}"
                        )
                    }
                    Entry::Value { value, .. } => writeln!(list.out, "{}", shown_key(value, Codec::Json)),
                },
            },
        )?;
        if place.output == Output::Json {
            list.end()?;
        }
        if found {
            return Ok(Outcome::Fine);
        }
        if place.output == Output::Text {
            let folder = stopped.path().display();
            writeln!(terminal.err, "not in the store `{}` in {folder}", self.store)?;
        }
        Ok(Outcome::Failed)
    }
}

impl Dump {
    fn run(&self, topology: &Topology, terminal: &mut Terminal<'_>) -> Result<(), LookError> {
        let place = &self.place;
        let stores = state::stores(topology);
        let stores = match &self.store {
            Some(name) => vec![state::named(&stores, name)?],
            None => stores,
        };
        let stopped = place.open(topology)?;
        let mut list = List::new(terminal.out);
        for store in &stores {
            let name = &store.spec.name;
            store.dump(&stopped, place.partition, &mut |at, entry| match place.output {
                Output::Json => list.add(&as_json(store, at, entry, place.key_codec)),
                Output::Text => {
                    let (key, value) = match entry {
                        Entry::Id { id, until } => (shown_id(id), time(until)),
                        Entry::Value { key, value } => (
                            shown_key(key, store.codec(place.key_codec)),
                            shown_key(value, Codec::Json),
                        ),
                    };
                    writeln!(list.out, "{name}\t{}\t{key}\t{value}", at.partition)
                }
            })?;
        }
        if place.output == Output::Json {
            list.end()?;
        }
        Ok(())
    }
}

fn as_json(store: &Store, at: &TopicPartition, entry: Entry<'_>, codec: Option<Codec>) -> serde_json::Value {
    let mut object = json!({"store": store.spec.name, "topic": at.topic, "partition": at.partition});
    let members = match entry {
        Entry::Id { id, until } => [("id", json!(shown_id(id))), ("before", json!(time(until)))],
        Entry::Value { key, value } => {
            let value = serde_json::from_slice(value).unwrap_or_else(|_| json!(shown_key(value, Codec::Raw)));
            [("key", json!(shown_key(key, store.codec(codec)))), ("value", value)]
        }
    };
    for (name, value) in members {
        object[name] = value;
    }
    object
}

#[cfg(test)]
mod tests;
