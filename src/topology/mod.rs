//! YAML -> checked -> plan. Pure: no Kafka, no clock, no threads.
//!
//! [`load`] reads a folder, [`Topology::graph`] cuts it into sub-topologies, [`Plan`] says which topics and groups it needs
//! and what is to be done about the topics that are there.
//!
//! Invariants:
//! - a [`Topology`] can't be wrong: it is made by [`load`] and its like only, which refuse every mistake of a folder at once;
//! - every index in it is in range, and processors come after what they read;
//! - every topic that it can ever write to is known before it starts;
//! - a sub-topology with stores reads exactly one topic.

mod api;
mod check;
mod draft;
mod expressions;
mod extends;
mod feeds;
mod file;
mod fingerprint;
mod formats;
mod from;
mod graph;
mod links;
mod names;
mod order;
mod parts;
mod plan;
mod routes;
mod schema_registry;
mod selection;
mod sinks;
#[cfg(test)]
mod tests;
mod topics;
mod written;

pub use crate::yaml::Secret;
pub use api::{ApiInfo, CorrelationId};
pub use feeds::{
    Feed, FeedKey, FeedKind, QueueType, Rabbitmq, Sqs, Webhook, WebhookAuth, WebhookTls, types as feed_types,
};
pub use fingerprint::fingerprint;
pub use graph::{Entry, Graph, SubTopology};
pub use plan::{Action, Expected, Missing, Partitions, Plan, PlannedTopic, Role, Setting, Verdict, Wrong, compare};
pub use selection::Selection;
pub use written::{WrittenPart, written};

use crate::codec::Format;
use crate::expression::Expression;
use crate::processor::Definition;
use crate::registry;
use crate::value::SecretNames;
use crate::yaml::{self, Mistake, Mistakes, Place, Unset};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

/// What becomes of a record that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    #[default]
    DeadLetter,
    Drop,
    Fail,
}

/// How stores are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSettings {
    pub stores: StoresIn,
    /// Bytes of memory for all stores on disk of a process together: caches, write buffers, filters.
    pub memory: u64,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            stores: StoresIn::Disk,
            memory: 64_000_000,
        }
    }
}

/// Where stores are kept, beside their changelogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoresIn {
    /// Files in the state folder: after a crash, only what one transaction wrote is restored.
    Disk,
    /// Memory: restored whole from the changelogs at every start.
    Memory,
}

pub struct Source {
    pub name: String,
    pub topic: String,
    pub format: Format,
    /// Whether a record without a value is processed, as `null`; else it fails.
    pub tombstones: bool,
    pub on_error: OnError,
    /// For people.
    pub description: Option<String>,
}

pub struct Table {
    pub name: String,
    pub topic: String,
    pub format: Format,
}

pub struct ProcessorNode {
    pub name: String,
    pub from: Vec<Input>,
    pub on_error: OnError,
    pub definition: Arc<dyn Definition>,
    pub place: Place,
}

/// What a processor or sink reads: by index into the topology's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    Source(usize),
    Processor(usize),
}

pub struct Sink {
    pub name: String,
    pub from: Vec<Input>,
    pub topic: TopicTemplate,
    pub condition: Condition,
    pub key: Option<Expression>,
    pub headers: Vec<(String, Expression)>,
    /// When the event was, for the metrics.
    pub event_time: Option<Expression>,
    pub format: Format,
    /// For people.
    pub description: Option<String>,
    pub place: Place,
}

/// Which records of a route a sink takes. Sinks of one `from` are tried in the order of the file.
pub enum Condition {
    Always,
    Where(Expression),
    Otherwise,
}

/// A sink's topic: text with parameters in it.
pub struct TopicTemplate {
    pub parts: Vec<TemplatePart>,
    /// As written: `integration-{env}`.
    pub text: String,
}

pub enum TemplatePart {
    Text(String),
    /// With its number among the sink's parameters.
    Parameter(usize, Arc<Parameter>),
}

pub struct Parameter {
    pub name: String,
    pub value: Expression,
    /// The only values it may take: so every topic is known before the start.
    pub allowed: Vec<String>,
    /// For people.
    pub description: Option<String>,
}

pub struct Topology {
    pub application: String,
    pub guarantee: Guarantee,
    pub commit_interval: Duration,
    pub workers: usize,
    pub state: StateSettings,
    /// How many other instances keep a warm copy of each store.
    pub standby_replicas: usize,
    /// Properties of librdkafka, each with its place.
    pub kafka: BTreeMap<String, (String, Place)>,
    pub secrets: SecretNames,
    /// Who knows the schemas of topics.
    pub schema_registry: Option<registry::Settings>,
    pub api: Option<ApiInfo>,
    /// What fills sources' topics from outside of Kafka.
    pub feeds: Vec<Feed>,
    pub sources: Vec<Source>,
    pub tables: Vec<Table>,
    /// In an order in which every processor comes after what it reads.
    pub processors: Vec<ProcessorNode>,
    pub sinks: Vec<Sink>,
    pub dead_letters: String,
}

/// The file of a topology's folder that everything starts from.
pub const FILE: &str = "topology.yaml";

/// Reads, checks and compiles the topology at `path`: a folder with a [`FILE`] in it, or another file of such a folder.
/// `environment` answers `${NAME}`.
///
/// # Errors
/// Every mistake found, in the order of files and lines.
pub fn load(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Topology, Vec<Mistake>> {
    from_tree(read(path)?, folder_of(path), environment, &mut Unset::Refuse)
}

/// As [`load`], of a text in place of the folder's file.
///
/// # Errors
/// Every mistake found, in the order of files and lines.
pub fn load_text(
    text: &str,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Topology, Vec<Mistake>> {
    from_tree(yaml::read_text(text, FILE)?, folder, environment, &mut Unset::Refuse)
}

/// As [`load`], for looking at a topology without running it: variables that are not set are no mistake but noted, and their
/// names stand in for them. So a topology can be checked where its secrets are not.
///
/// # Errors
/// Every mistake found, in the order of files and lines.
pub fn inspect(
    path: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Topology, BTreeSet<String>), Vec<Mistake>> {
    let mut unset = BTreeSet::new();
    let topology = from_tree(read(path)?, folder_of(path), environment, &mut Unset::Note(&mut unset))?;
    Ok((topology, unset))
}

/// The folder of the topology at `path`, which may be the folder itself or a file in it: what places are relative to.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if path.is_file() => parent,
        _ => path,
    }
}

fn read(path: &Path) -> Result<yaml::Node, Vec<Mistake>> {
    match path.file_name() {
        Some(name) if path.is_file() => extends::read(folder_of(path), &name.to_string_lossy()),
        _ => extends::read(path, FILE),
    }
}

fn from_tree(
    mut root: yaml::Node,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
    unset: &mut Unset<'_>,
) -> Result<Topology, Vec<Mistake>> {
    let mut mistakes = Mistakes::new();
    yaml::substitute(&mut root, environment, unset, &mut mistakes);
    let topology = file::read(&root, folder, &mut mistakes).and_then(|draft| check::check(draft, &mut mistakes));
    mistakes.or(topology)
}

/// Why a librdkafka property can't be set by users; `None`: it can.
pub fn reserved_property(name: &str) -> Option<String> {
    names::OURS
        .iter()
        .find(|(ours, _)| *ours == name)
        .map(|(ours, why)| format!("{ours} is set by millstream: {why}"))
}

impl Topology {
    /// The name of a source or processor.
    pub fn input_name(&self, input: Input) -> &str {
        match input {
            Input::Source(index) => self.sources.get(index).map_or("", |source| &source.name),
            Input::Processor(index) => self.processors.get(index).map_or("", |processor| &processor.name),
        }
    }

    /// Cuts the topology at its topics.
    pub fn graph(&self) -> Graph {
        graph::graph(self)
    }

    /// What the topology needs of a cluster.
    pub fn plan(&self) -> Plan {
        plan::plan(self)
    }

    /// What `dead-letters replay` and `drop` need of a cluster beside that: the topic of their marks.
    pub fn marks_plan(&self) -> Plan {
        plan::marks(self)
    }

    /// The topic with the marks of dead letters that were replayed or dropped.
    pub fn marks(&self) -> String {
        names::marks(&self.application)
    }

    /// The JSON Schema that a source's records must match, as the only processor behind it validates them.
    pub fn validated(&self, source: &Source) -> Option<serde_json::Value> {
        let index = self.sources.iter().position(|other| other.name == source.name)?;
        let behind = |from: &[Input]| from.contains(&Input::Source(index));
        let mut readers = self.processors.iter().filter(|node| behind(&node.from));
        let only = readers.next().filter(|_| readers.next().is_none())?;
        let sinks = self.sinks.iter().any(|sink| behind(&sink.from));
        only.definition.validates().filter(|_| !sinks)
    }

    /// The topic of a store's changelog.
    pub fn changelog(&self, store: &str) -> String {
        names::changelog(&self.application, store)
    }
}

impl TopicTemplate {
    /// Every topic that it can become.
    pub fn topics(&self) -> Vec<String> {
        let mut topics = vec![String::new()];
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => topics.iter_mut().for_each(|topic| topic.push_str(text)),
                TemplatePart::Parameter(_, parameter) => {
                    topics = topics
                        .iter()
                        .flat_map(|topic| parameter.allowed.iter().map(move |value| format!("{topic}{value}")))
                        .collect();
                }
            }
        }
        topics
    }
}
