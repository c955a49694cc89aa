//! A topology as the engine runs it: for every topic read, where its records go; for every processor, what follows.
//!
//! Computed once from the checked topology, shared by all workers, without names to be looked up on the way of a record.

use crate::broker::TopicPartition;
use crate::codec::{CodecError, Codecs, Reader, Writer};
use crate::expression::Expression;
use crate::registry::Registry;
use crate::state::{StoreId, StoreSpec};
use crate::topology::{Condition, Input, OnError, Selection, Sink, TemplatePart, Topology};
use ahash::AHashMap;
use std::sync::Arc;

/// Where a record goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Processor(usize),
    /// Sinks that are tried in turn, by index into [`Wiring::routes`].
    Route(usize),
    /// The topic in the middle of a processor, by the processor's index.
    Through(usize),
}

/// A topic that workers read: a source's, or one in the middle.
#[derive(Debug)]
pub struct Entry {
    /// The source's or the repartition processor's name.
    pub name: String,
    pub topic: String,
    /// The name of the sub-topology that it leads into.
    pub sub_topology: String,
    pub reader: Reader,
    /// Whether a record without a value is processed, as `null`.
    pub tombstones: bool,
    pub on_error: OnError,
    pub next: Vec<Next>,
    /// Indices into [`Wiring::stores`] of what a task of it owns.
    pub stores: Vec<usize>,
}

/// A topic that a processor writes: index into [`Wiring::topics`], and how.
#[derive(Debug)]
pub struct WrittenTopic {
    pub topic: usize,
    pub writer: Writer,
}

/// A store of a processor.
#[derive(Debug)]
pub struct StoreWiring {
    pub spec: StoreSpec,
    pub changelog: String,
}

impl StoreWiring {
    /// The store of the task that reads `partition`.
    pub fn id(&self, partition: &TopicPartition) -> StoreId {
        StoreId {
            store: self.spec.name.clone(),
            topic: partition.topic.clone(),
            partition: partition.partition,
        }
    }
}

/// A sink's topics: one for every combination of its parameters' allowed values.
#[derive(Debug)]
pub struct SinkWiring {
    parameters: Vec<(Expression, Vec<String>)>,
    topics: Vec<WrittenTopic>,
}

impl SinkWiring {
    pub fn parameters(&self) -> &[(Expression, Vec<String>)] {
        &self.parameters
    }

    /// The topic for the values at these positions of the allowed lists.
    pub fn topic(&self, positions: impl Iterator<Item = usize>) -> Option<&WrittenTopic> {
        let index = self
            .parameters
            .iter()
            .zip(positions)
            .fold(0, |index, ((_, allowed), p)| index * allowed.len() + p);
        self.topics.get(index)
    }
}

#[derive(Debug)]
pub struct Wiring {
    pub entries: Vec<Entry>,
    /// By processor.
    pub next: Vec<Vec<Next>>,
    /// Sinks by index, in the order in which they are tried.
    pub routes: Vec<Vec<usize>>,
    pub sinks: Vec<SinkWiring>,
    pub stores: Vec<StoreWiring>,
    /// By processor: the topic that it passes its records through.
    pub through: Vec<Option<WrittenTopic>>,
    /// By processor: the topic in which it keeps a table.
    pub kept: Vec<Option<WrittenTopic>>,
    /// By processor: the first of its stores within the task's.
    pub first_store: Vec<usize>,
    /// Every topic written, dead letters' first.
    pub topics: Vec<String>,
    by_topic: AHashMap<String, usize>,
    /// What of it this process runs.
    selection: Selection,
}

/// Index of the dead letters' topic in [`Wiring::topics`].
pub const DEAD_LETTERS: usize = 0;

impl Wiring {
    /// The whole topology.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn new(topology: &Topology, registry: &Arc<dyn Registry>) -> Result<Self, CodecError> {
        Self::of(topology, Selection::all(topology), registry)
    }

    /// # Errors
    /// A schema that can't be used.
    pub fn of(topology: &Topology, selection: Selection, registry: &Arc<dyn Registry>) -> Result<Self, CodecError> {
        let mut topics = Interner::default();
        topics.index(&topology.dead_letters);
        let sinks = topology.sinks.iter().map(|sink| sink_wiring(sink, &mut topics));
        let sinks = sinks.collect::<Result<_, _>>()?;
        let mut through = Vec::with_capacity(topology.processors.len());
        let mut kept = Vec::with_capacity(topology.processors.len());
        for node in &topology.processors {
            through.push(node.definition.through().map(|through| WrittenTopic {
                topic: topics.index(&through.topic),
                writer: Writer::plain(through.codec),
            }));
            kept.push(node.definition.keeps().map(|kept| WrittenTopic {
                topic: topics.index(&kept.topic),
                writer: Writer::plain(Codecs {
                    key: None,
                    value: kept.codec,
                }),
            }));
        }
        let mut routes = Vec::new();
        let next = (0..topology.processors.len())
            .map(|index| match through.get(index) {
                Some(Some(_)) => vec![Next::Through(index)],
                _ => following(topology, Input::Processor(index), &mut routes),
            })
            .collect::<Vec<_>>();
        let graph = topology.graph();
        let sub_topology = |topic: &str| {
            let found = graph.reader_of(topic).and_then(|index| graph.subtopologies.get(index));
            found.map_or_else(String::new, |sub| sub.name.clone())
        };
        let mut entries = Vec::with_capacity(topology.sources.len());
        for (index, source) in topology.sources.iter().enumerate() {
            entries.push(Entry {
                name: source.name.clone(),
                topic: source.topic.clone(),
                sub_topology: sub_topology(&source.topic),
                reader: Reader::new(&source.format, registry)?,
                tombstones: source.tombstones,
                on_error: source.on_error,
                next: following(topology, Input::Source(index), &mut routes),
                stores: Vec::new(),
            });
        }
        for (index, node) in topology.processors.iter().enumerate() {
            if let Some(through) = node.definition.through() {
                entries.push(Entry {
                    name: node.name.clone(),
                    sub_topology: sub_topology(&through.topic),
                    topic: through.topic,
                    reader: Reader::plain(through.codec),
                    tombstones: false,
                    on_error: node.on_error,
                    next: following(topology, Input::Processor(index), &mut routes),
                    stores: Vec::new(),
                });
            }
        }
        let (stores, first_store) = wire_stores(topology, &next, &mut entries);
        let by_topic = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.topic.clone(), index))
            .collect();
        Ok(Self {
            entries,
            next,
            routes,
            sinks,
            stores,
            through,
            kept,
            first_store,
            topics: topics.names,
            by_topic,
            selection,
        })
    }

    /// What writes to sinks' topics, whose schemas may have to be known to a registry.
    pub fn sink_writers(&self) -> impl Iterator<Item = &Writer> {
        let topics = self.sinks.iter().flat_map(|sink| &sink.topics);
        topics.map(|topic| &topic.writer)
    }

    /// What of the topology this process runs.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    pub fn entry_of(&self, topic: &str) -> Option<usize> {
        self.by_topic.get(topic).copied()
    }

    /// The stores of an entry's tasks.
    pub fn stores_of(&self, entry: usize) -> impl Iterator<Item = &StoreWiring> {
        let stores = self.entries.get(entry).map(|entry| entry.stores.as_slice());
        let stores = stores.unwrap_or_default().iter();
        stores.filter_map(|store| self.stores.get(*store))
    }

    /// The topics to subscribe to.
    pub fn read_topics(&self) -> Vec<String> {
        let topics = self.entries.iter().map(|entry| &entry.topic);
        topics.filter(|topic| self.selection.reads(topic)).cloned().collect()
    }
}

/// What reads `input`: every processor that names it, and the route of the sinks that do.
fn following(topology: &Topology, input: Input, routes: &mut Vec<Vec<usize>>) -> Vec<Next> {
    let mut next: Vec<Next> = topology
        .processors
        .iter()
        .enumerate()
        .filter(|(_, node)| node.from.contains(&input))
        .map(|(index, _)| Next::Processor(index))
        .collect();
    let mut route: Vec<usize> = topology
        .sinks
        .iter()
        .enumerate()
        .filter(|(_, sink)| sink.from.contains(&input))
        .map(|(index, _)| index)
        .collect();
    // `otherwise` takes the rest, wherever it stands in the file.
    route.sort_by_key(|index| {
        topology
            .sinks
            .get(*index)
            .is_some_and(|s| !matches!(s.condition, Condition::Where(_)))
    });
    if !route.is_empty() {
        next.push(Next::Route(routes.len()));
        routes.push(route);
    }
    next
}

/// Gives every store to the tasks of the one topic from which its processor is reached.
fn wire_stores(topology: &Topology, next: &[Vec<Next>], entries: &mut [Entry]) -> (Vec<StoreWiring>, Vec<usize>) {
    let mut stores = Vec::new();
    let mut first_store = vec![0; topology.processors.len()];
    for entry in entries {
        let mut seen = vec![false; topology.processors.len()];
        let mut open = entry.next.clone();
        while let Some(step) = open.pop() {
            let Next::Processor(index) = step else { continue };
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            open.extend(&next[index]);
        }
        for (index, _) in seen.iter().enumerate().filter(|(_, seen)| **seen) {
            let specs = topology.processors[index].definition.stores();
            if !specs.is_empty() {
                first_store[index] = entry.stores.len();
            }
            for spec in specs {
                entry.stores.push(stores.len());
                let changelog = topology.changelog(&spec.name);
                stores.push(StoreWiring { spec, changelog });
            }
        }
    }
    (stores, first_store)
}

fn sink_wiring(sink: &Sink, topics: &mut Interner) -> Result<SinkWiring, CodecError> {
    let parameters: Vec<(Expression, Vec<String>)> = sink
        .topic
        .parts
        .iter()
        .filter_map(|part| match part {
            TemplatePart::Parameter(_, parameter) => Some((parameter.value.clone(), parameter.allowed.clone())),
            TemplatePart::Text(_) => None,
        })
        .collect();
    let names = sink.topic.topics();
    let written = names.iter().map(|name| {
        Ok(WrittenTopic {
            topic: topics.index(name),
            writer: Writer::new(&sink.format, name)?,
        })
    });
    Ok(SinkWiring {
        topics: written.collect::<Result<_, CodecError>>()?,
        parameters,
    })
}

/// Gives every topic name one index.
#[derive(Default)]
struct Interner {
    names: Vec<String>,
}

impl Interner {
    fn index(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}
