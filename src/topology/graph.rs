//! The topology cut at its topics: sub-topologies, what each reads, keeps and writes.
//!
//! A sub-topology is what remains connected when the topology is cut at the topics that processors pass their records
//! through. A processor that does so ends one sub-topology; whoever reads from it belongs to another, which reads the topic.

use super::{Input, Topology};
use crate::state::StoreSpec;
use crate::yaml::Mistakes;
use std::collections::{BTreeMap, BTreeSet};

/// The sub-topologies, each after those whose topics it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    pub subtopologies: Vec<SubTopology>,
}

/// What runs fused: a record goes through all of it in one call chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubTopology {
    /// The name of the first entry: the first source that it reads in the order of the file, else the processor whose
    /// topic it reads. It stays the same when sources, processors or sinks are added after it.
    pub name: String,
    /// What it reads through the consumer group.
    pub entries: Vec<Entry>,
    /// Its processors, by index, in an order in which each comes after what it reads.
    pub processors: Vec<usize>,
    /// Its sinks, by index, in the order of the file.
    pub sinks: Vec<usize>,
    /// Its stores, each with the index of its processor, in the order of [`crate::processor::Definition::stores`].
    pub stores: Vec<(usize, StoreSpec)>,
    /// The tables that it looks up, by index.
    pub tables: Vec<usize>,
}

/// A topic that a sub-topology reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub topic: String,
    /// What the topic's records come out of: whoever has this in its `from` gets them. A source, or the processor that passes
    /// its records through the topic (and runs in another sub-topology).
    pub input: Input,
}

impl Graph {
    /// The position of the sub-topology that reads a topic.
    pub fn reader_of(&self, topic: &str) -> Option<usize> {
        self.subtopologies
            .iter()
            .position(|sub| sub.entries.iter().any(|entry| entry.topic == topic))
    }
}

impl SubTopology {
    /// The topics that it reads.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.topic.as_str())
    }
}

pub(super) fn graph(topology: &Topology) -> Graph {
    let cut = Cut::of(topology);
    let mut parts: BTreeMap<usize, SubTopology> = BTreeMap::new();
    let mut order: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (position, (input, topic, depth)) in cut.entries.iter().enumerate() {
        let group = cut.groups.find(cut.exit(*input));
        let sub = parts
            .entry(group)
            .or_insert_with(|| SubTopology::named(topology.input_name(*input)));
        sub.entries.push(Entry {
            topic: topic.clone(),
            input: *input,
        });
        let place = order.entry(group).or_insert((usize::MAX, position));
        place.0 = place.0.min(*depth);
    }
    for (index, processor) in topology.processors.iter().enumerate() {
        let Some(sub) = parts.get_mut(&cut.groups.find(cut.processor(index))) else {
            continue;
        };
        sub.processors.push(index);
        sub.stores
            .extend(processor.definition.stores().into_iter().map(|store| (index, store)));
        for (name, _) in processor.definition.tables() {
            sub.tables
                .extend(topology.tables.iter().position(|table| table.name == name));
        }
    }
    for index in 0..topology.sinks.len() {
        if let Some(sub) = parts.get_mut(&cut.groups.find(cut.sink(index))) {
            sub.sinks.push(index);
        }
    }
    let mut subtopologies: Vec<_> = parts.into_iter().collect();
    subtopologies.sort_by_key(|(group, _)| order.get(group).copied());
    let mut subtopologies: Vec<_> = subtopologies.into_iter().map(|(_, sub)| sub).collect();
    for sub in &mut subtopologies {
        sub.tables.sort_unstable();
        sub.tables.dedup();
    }
    Graph { subtopologies }
}

impl SubTopology {
    fn named(name: &str) -> SubTopology {
        let name = name.to_owned();
        SubTopology {
            name,
            entries: Vec::new(),
            processors: Vec::new(),
            sinks: Vec::new(),
            stores: Vec::new(),
            tables: Vec::new(),
        }
    }
}

/// The topology as sets of what is connected. A processor that passes its records through a topic is two nodes: itself, and
/// what comes out of its topic.
struct Cut {
    groups: Groups,
    sources: usize,
    processors: usize,
    through: Vec<bool>,
    /// What is read from a topic: sources, then processors with a topic; the topic; how many topics come before it.
    entries: Vec<(Input, String, usize)>,
}

impl Cut {
    fn of(topology: &Topology) -> Cut {
        let (sources, processors) = (topology.sources.len(), topology.processors.len());
        let through: Vec<_> = topology
            .processors
            .iter()
            .map(|processor| processor.definition.through())
            .collect();
        let mut cut = Cut {
            groups: Groups::of(sources + 2 * processors + topology.sinks.len()),
            sources,
            processors,
            through: through.iter().map(Option::is_some).collect(),
            entries: Vec::new(),
        };
        let sources = topology.sources.iter().enumerate();
        cut.entries = sources
            .map(|(index, source)| (Input::Source(index), source.topic.clone(), 0))
            .collect();
        let mut depths = vec![0; processors];
        for (index, (processor, through)) in topology.processors.iter().zip(&through).enumerate() {
            let before = processor.from.iter().map(|input| match input {
                Input::Source(_) => 0,
                Input::Processor(before) => depths.get(*before).copied().unwrap_or(0),
            });
            let depth = before.max().unwrap_or(0) + usize::from(through.is_some());
            if let Some(own) = depths.get_mut(index) {
                *own = depth;
            }
            if let Some(through) = through {
                cut.entries
                    .push((Input::Processor(index), through.topic.clone(), depth));
            }
            for input in &processor.from {
                cut.groups.join(cut.exit(*input), cut.processor(index));
            }
        }
        for (index, sink) in topology.sinks.iter().enumerate() {
            for input in &sink.from {
                cut.groups.join(cut.exit(*input), cut.sink(index));
            }
        }
        cut
    }

    /// Where records come out of an input: the far side of its topic, if it has one.
    fn exit(&self, input: Input) -> usize {
        match input {
            Input::Source(index) => index,
            Input::Processor(index) if self.through.get(index) == Some(&true) => self.sources + self.processors + index,
            Input::Processor(index) => self.processor(index),
        }
    }

    fn processor(&self, index: usize) -> usize {
        self.sources + index
    }

    fn sink(&self, index: usize) -> usize {
        self.sources + 2 * self.processors + index
    }
}

/// Disjoint sets of nodes.
struct Groups(Vec<usize>);

impl Groups {
    fn of(count: usize) -> Groups {
        Groups((0..count).collect())
    }

    fn find(&self, node: usize) -> usize {
        let mut node = node;
        while let Some(above) = self.0.get(node).copied().filter(|above| *above != node) {
            node = above;
        }
        node
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        if let Some(above) = self.0.get_mut(one.max(other)) {
            *above = one.min(other);
        }
    }
}

/// What can only be seen of whole sub-topologies.
pub(super) fn check(topology: &Topology, mistakes: &mut Mistakes) {
    let graph = graph(topology);
    for sub in graph.subtopologies.iter().filter(|sub| sub.entries.len() > 1) {
        let Some(processor) = sub
            .stores
            .first()
            .and_then(|(index, _)| topology.processors.get(*index))
        else {
            continue;
        };
        let entries: Vec<_> = sub
            .entries
            .iter()
            .map(|entry| format!("`{}`", topology.input_name(entry.input)))
            .collect();
        let message = format!(
            "`{}` keeps state, and its sub-topology reads more than one topic, through {}",
            processor.name,
            entries.join(", ")
        );
        let from: Vec<_> = processor.from.iter().map(|input| topology.input_name(*input)).collect();
        let help = format!(
            "merge them into one topic first: add a processor {{type: repartition, from: [{}], key: = ..., topic: ...}} and take from that one",
            from.join(", ")
        );
        mistakes.add(&processor.place, message, help);
    }
    let mut stores: BTreeSet<&str> = BTreeSet::new();
    for (index, store) in graph.subtopologies.iter().flat_map(|sub| &sub.stores) {
        let Some(processor) = topology.processors.get(*index) else {
            continue;
        };
        if !stores.insert(&store.name) {
            let message = format!(
                "the store `{}` of `{}` has the name of another store",
                store.name, processor.name
            );
            mistakes.add(&processor.place, message, "give the processor another name");
        }
    }
}
