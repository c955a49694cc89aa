//! Looking into the stores of an instance that does not run: one key, or all of them.
//!
//! A store is opened as the next start would open it, and nothing is put into it. What is handed out goes where the caller
//! prints it, and never to a log.

mod keys;

pub use keys::{shown_id, shown_key};

use crate::broker::TopicPartition;
use crate::codec::Codec;
use crate::processor::Definition;
use crate::state::{IdStore as _, StateError, Stopped, StoreId, StoreKind, StoreSpec};
use crate::topology::{Input, Topology};
use std::path::Path;
use std::sync::Arc;

/// A store of a topology, in all its partitions.
#[derive(Clone)]
pub struct Store {
    pub spec: StoreSpec,
    /// The topic whose partitions it has.
    pub topic: String,
    /// Of its keys, unless the topology has none for that topic.
    pub key_codec: Option<Codec>,
    definition: Arc<dyn Definition>,
}

/// What lies in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'e> {
    /// An id of a time (ms since the epoch) before `until`, where its segment ends.
    Id {
        id: u128,
        until: i64,
    },
    Value {
        key: &'e [u8],
        value: &'e [u8],
    },
}

/// What is looked for in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Id(u128),
    Key(Vec<u8>),
}

#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    Key(String),
    #[error("can't print: {0}")]
    Print(#[from] std::io::Error),
}

/// The stores of a topology, in the order of its sub-topologies.
pub fn stores(topology: &Topology) -> Vec<Store> {
    let mut stores = Vec::new();
    for sub in topology.graph().subtopologies {
        // a sub-topology with stores reads exactly one topic
        let Some(entry) = sub.entries.first() else { continue };
        for (index, spec) in sub.stores {
            let Some(node) = topology.processors.get(index) else {
                continue;
            };
            stores.push(Store {
                spec,
                topic: entry.topic.clone(),
                key_codec: key_codec(topology, entry.input),
                definition: Arc::clone(&node.definition),
            });
        }
    }
    stores
}

fn key_codec(topology: &Topology, input: Input) -> Option<Codec> {
    match input {
        Input::Source(index) => topology.sources.get(index)?.format.key_codec(),
        Input::Processor(index) => topology.processors.get(index)?.definition.through()?.codec.key,
    }
}

/// The store of that name.
///
/// # Errors
/// There is none; with the names that there are.
pub fn named(stores: &[Store], name: &str) -> Result<Store, LookError> {
    let found = stores.iter().find(|store| store.spec.name == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = stores.iter().map(|store| store.spec.name.as_str()).collect();
        LookError::Unknown(match names.as_slice() {
            [] => format!("there is no store `{name}`: the topology keeps no state"),
            names => format!("there is no store `{name}` in the topology, only {}", names.join(", ")),
        })
    })
}

/// Locks the state of an instance; where none is named, of the only one there is.
///
/// # Errors
/// None is there, several are and none is named, or a process runs as it.
pub fn open(root: &Path, application: &str, instance: Option<&str>) -> Result<Stopped, LookError> {
    let there = Stopped::instances(root, application)?;
    let instance = match (instance, there.as_slice()) {
        (Some(instance), _) => instance,
        (None, [only]) => only,
        (None, []) => "",
        (None, several) => {
            return Err(LookError::Unknown(format!(
                "several instances have state in {}: name one by --instance: {}",
                root.display(),
                several.join(", ")
            )));
        }
    };
    Stopped::open(root, application, instance)?.ok_or_else(|| {
        let of = if instance.is_empty() {
            String::new()
        } else {
            format!(" of the instance `{instance}`")
        };
        let there = if there.is_empty() {
            String::new()
        } else {
            format!(", only of {}", there.join(", "))
        };
        LookError::Unknown(format!(
            "there is no state{of} of {application} in {}{there}: say by --state-dir and --instance where it is",
            root.display()
        ))
    })
}

impl Store {
    /// What to look for, by what the user says: the parts of an id (`~`: an absent part), or a key.
    ///
    /// # Errors
    /// These are no id or key of this store.
    pub fn wanted(&self, key: &[String], codec: Option<Codec>) -> Result<Wanted, LookError> {
        match self.spec.kind {
            StoreKind::Ids { .. } => {
                let last = key.len().saturating_sub(1);
                let part = |(index, part): (usize, &'_ String)| (index == last || part != "~").then(|| part.clone());
                let parts: Vec<Option<String>> = key.iter().enumerate().map(part).collect();
                let parts: Vec<Option<&str>> = parts.iter().map(Option::as_deref).collect();
                let id = self.definition.id(&parts).map_err(LookError::Key)?;
                Ok(Wanted::Id(id))
            }
            StoreKind::Values => match key {
                [key] => Ok(Wanted::Key(keys::read(key, self.codec(codec)).map_err(LookError::Key)?)),
                several => Err(LookError::Key(format!(
                    "`{}` has one key an entry, and here are {}",
                    self.spec.name,
                    several.len()
                ))),
            },
        }
    }

    /// The codec of its keys: the one that was asked for, else the topology's, else text.
    pub fn codec(&self, asked: Option<Codec>) -> Codec {
        asked.or(self.key_codec).unwrap_or(Codec::String)
    }

    /// Hands over the entry that is wanted, of the partition that has it; of `partition` only, if one is given. Whether there is any.
    ///
    /// # Errors
    /// When a store can't be read, or what `each` answers.
    pub fn get(
        &self,
        stopped: &Stopped,
        wanted: &Wanted,
        partition: Option<i32>,
        each: &mut dyn FnMut(&TopicPartition, Entry<'_>) -> std::io::Result<()>,
    ) -> Result<bool, LookError> {
        let mut found = false;
        for id in self.partitions(stopped, partition)? {
            let at = at(&id);
            match (wanted, &self.spec.kind) {
                (Wanted::Id(wanted), StoreKind::Ids { window }) => {
                    if let Some(until) = stopped.ids(&id, *window)?.until(*wanted)? {
                        each(&at, Entry::Id { id: *wanted, until })?;
                        found = true;
                    }
                }
                (Wanted::Key(key), _) => {
                    if let Some(value) = stopped.values(&id)?.get(key)? {
                        each(&at, Entry::Value { key, value: &value })?;
                        found = true;
                    }
                }
                (Wanted::Id(_), StoreKind::Values) => {}
            }
        }
        Ok(found)
    }

    /// Hands over every entry; of `partition` only, if one is given.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn dump(
        &self,
        stopped: &Stopped,
        partition: Option<i32>,
        each: &mut dyn FnMut(&TopicPartition, Entry<'_>) -> std::io::Result<()>,
    ) -> Result<(), LookError> {
        for id in self.partitions(stopped, partition)? {
            let at = at(&id);
            let mut printed = Ok(());
            let mut hand = |entry: Entry<'_>| {
                if printed.is_ok() {
                    printed = each(&at, entry);
                }
            };
            match self.spec.kind {
                StoreKind::Ids { window } => {
                    let ids = stopped.ids(&id, window)?;
                    let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
                    let horizon = ids.stream_time().saturating_sub(window);
                    ids.each(|id, until| {
                        // what is forgotten may be in its files still
                        if until > horizon {
                            hand(Entry::Id { id, until });
                        }
                    })?;
                }
                StoreKind::Values => stopped
                    .values(&id)?
                    .each(&mut |key, value| hand(Entry::Value { key, value }))?,
            }
            printed?;
        }
        Ok(())
    }

    fn partitions(&self, stopped: &Stopped, partition: Option<i32>) -> Result<Vec<StoreId>, LookError> {
        let name = &self.spec.name;
        let mut there = match self.spec.kind {
            StoreKind::Ids { .. } => stopped.partitions_of_ids(&self.topic, name)?,
            StoreKind::Values => stopped.partitions_of_values(&self.topic, name)?,
        };
        if let Some(partition) = partition {
            if !there.contains(&partition) {
                let has = match there.as_slice() {
                    [] => "no partition".to_owned(),
                    there => {
                        let there: Vec<String> = there.iter().map(ToString::to_string).collect();
                        format!("partition {}", there.join(", "))
                    }
                };
                return Err(LookError::Unknown(format!(
                    "there is no partition {partition} of `{name}` in {}: this instance has {has}",
                    stopped.path().display()
                )));
            }
            there = vec![partition];
        }
        let id = |partition| StoreId {
            store: name.clone(),
            topic: self.topic.clone(),
            partition,
        };
        Ok(there.into_iter().map(id).collect())
    }
}

fn at(id: &StoreId) -> TopicPartition {
    TopicPartition {
        topic: id.topic.clone(),
        partition: id.partition,
    }
}
