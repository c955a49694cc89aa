//! What of a topology a process runs: all of it, or parts of it by their names (`run --only`).

use super::{Input, SubTopology, Topology};
use crate::yaml::suggest;
use std::collections::BTreeSet;

/// Sub-topologies, by the topics that they read, and feeds. Whatever is left out runs in another process, in the same group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    topics: BTreeSet<String>,
    feeds: BTreeSet<String>,
    tables: BTreeSet<usize>,
}

impl Selection {
    /// The whole topology.
    pub fn all(topology: &Topology) -> Self {
        let mut selection = Self::default();
        selection
            .feeds
            .extend(topology.feeds.iter().map(|feed| feed.name.clone()));
        let graph = topology.graph();
        graph.subtopologies.iter().for_each(|sub| selection.add(sub));
        selection
    }

    /// What these names stand for: a feed is itself; a source, processor or sink is the sub-topology that it is in.
    ///
    /// # Errors
    /// A name that is none of the topology's, with what there is.
    pub fn of(topology: &Topology, names: &[String]) -> Result<Self, String> {
        let mut selection = Self::default();
        let graph = topology.graph();
        for name in names {
            if topology.feeds.iter().any(|feed| feed.name == *name) {
                selection.feeds.insert(name.clone());
                continue;
            }
            let mut found = graph
                .subtopologies
                .iter()
                .filter(|sub| has(topology, sub, name))
                .peekable();
            if found.peek().is_none() {
                let near = suggest(name, known(topology));
                let help = near.map_or_else(
                    || format!("there are: {}", known(topology).collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(format!("no feed, source, processor or sink is named `{name}`; {help}"));
            }
            found.for_each(|sub| selection.add(sub));
        }
        Ok(selection)
    }

    /// Whether a topic is read through the consumer group.
    pub fn reads(&self, topic: &str) -> bool {
        self.topics.contains(topic)
    }

    pub fn runs_feed(&self, name: &str) -> bool {
        self.feeds.contains(name)
    }

    /// Whether anything in it looks a table up, by its index.
    pub fn looks_up(&self, table: usize) -> bool {
        self.tables.contains(&table)
    }

    /// Nothing is processed.
    pub fn is_feeds_only(&self) -> bool {
        self.topics.is_empty()
    }

    fn add(&mut self, sub: &SubTopology) {
        self.topics.extend(sub.topics().map(str::to_owned));
        self.tables.extend(&sub.tables);
    }
}

fn known(topology: &Topology) -> impl Iterator<Item = &str> {
    let feeds = topology.feeds.iter().map(|feed| feed.name.as_str());
    let sources = topology.sources.iter().map(|source| source.name.as_str());
    let processors = topology.processors.iter().map(|node| node.name.as_str());
    let sinks = topology.sinks.iter().map(|sink| sink.name.as_str());
    feeds.chain(sources).chain(processors).chain(sinks)
}

/// Whether a part of that name is in the sub-topology.
fn has(topology: &Topology, sub: &SubTopology, name: &str) -> bool {
    let source = |input: Input| matches!(input, Input::Source(_)) && topology.input_name(input) == name;
    let processor = |index: &usize| topology.processors.get(*index).is_some_and(|node| node.name == name);
    let sink = |index: &usize| topology.sinks.get(*index).is_some_and(|sink| sink.name == name);
    sub.entries.iter().any(|entry| source(entry.input))
        || sub.processors.iter().any(processor)
        || sub.sinks.iter().any(sink)
}
