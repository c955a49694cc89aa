//! The plan: every topic that a topology needs, with the settings that matter, and the difference to what is there.
//!
//! What each kind of topic gets, and why:
//! - **sources and tables** are somebody else's and must be there: creating one would hide a misspelt name.
//! - **sinks and dead letters** are created where they are missing, as wide as the widest topic read, with the cluster's
//!   settings. One that is there is never changed.
//! - **through** (repartition topics): deleted by time, never compacted, as two records of one key are two events. Kafka
//!   Streams keeps them for ever and deletes what was read; we keep them for a week, so that the stage after can be read again
//!   and others may read along, and a stage that nobody runs can't fill the disk. Its timestamps are the records' own: the
//!   window of a dedupe counts by them.
//! - **kept tables** (of `table` processors): compacted, and never deleted by time or size.
//! - **changelogs**: of values, as kept tables; of ids, `compact,delete` as Kafka Streams has it for windowed stores, kept for the window and a day more, with small
//!   segments: only a closed segment is compacted or deleted, so with Kafka's defaults a changelog would grow for a week.
//! - **marks of dead letters** are in a plan of their own: they are created by the first `dead-letters replay` or `drop`, as most
//!   applications never need them. Compacted, as one that was deleted by time would let a record be replayed twice.

mod compare;

pub use compare::{Action, Verdict, Wrong, compare};

use super::{Topology, names};
use crate::state::StoreKind;
use std::collections::BTreeMap;

/// What a topology needs of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The consumer group, of all stages wherever they run: offsets stay when a stage moves to a process of its own.
    pub group: String,
    /// Each topic once.
    pub topics: Vec<PlannedTopic>,
}

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTopic {
    pub name: String,
    pub role: Role,
    /// Whose it is, for messages: the source's, processor's, sink's name.
    pub of: String,
    pub missing: Missing,
    pub partitions: Partitions,
    pub settings: Vec<Setting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Source,
    Table,
    Through,
    /// Where a `table` processor keeps the latest value of every key.
    Kept,
    Changelog,
    Sink,
    DeadLetters,
    /// Which dead letters were replayed or dropped.
    Marks,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Source => "source",
            Role::Table => "table",
            Role::Through => "through",
            Role::Kept => "kept table",
            Role::Changelog => "changelog",
            Role::Sink => "sink",
            Role::DeadLetters => "dead letters",
            Role::Marks => "marks of dead letters",
        }
    }
}

/// What to do when the topic is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Refuse,
    Create,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// As many as there are.
    Any,
    /// So many, whether it is created or there.
    Exactly(i32),
    /// As many as that topic, whether it is created or there.
    Same(String),
    /// Created with as many as the widest of these; fine with any number.
    Widest(Vec<String>),
}

/// A setting that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    /// What it is created with.
    pub value: String,
    pub expected: Expected,
}

/// What is asked of the setting of a topic that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The same words, in any order.
    Same,
    /// A number at least as large; -1 is without limit.
    AtLeast,
    /// Nothing: it is only for what we create.
    Anything,
}

const DAY_MS: u128 = 86_400_000;
const THROUGH_RETENTION_MS: u128 = 7 * DAY_MS;

pub(super) fn plan(topology: &Topology) -> Plan {
    let graph = topology.graph();
    let mut topics = Topics::default();
    for source in &topology.sources {
        topics.add(Role::Source, &source.topic, &source.name, Partitions::Any, Vec::new());
    }
    for table in &topology.tables {
        topics.add(Role::Table, &table.topic, &table.name, Partitions::Any, Vec::new());
    }
    for sub in &graph.subtopologies {
        let read: Vec<String> = sub.topics().map(str::to_owned).collect();
        for processor in sub
            .processors
            .iter()
            .filter_map(|index| topology.processors.get(*index))
        {
            if let Some(through) = processor.definition.through() {
                let partitions = through
                    .partitions
                    .map_or_else(|| Partitions::Widest(read.clone()), Partitions::Exactly);
                topics.add(
                    Role::Through,
                    &through.topic,
                    &processor.name,
                    partitions,
                    through_settings(),
                );
            }
        }
        for processor in sub
            .processors
            .iter()
            .filter_map(|index| topology.processors.get(*index))
        {
            if let Some(kept) = processor.definition.keeps() {
                // as wide as what it comes from, so that both can be read side by side
                let partitions = match read.as_slice() {
                    [topic] => Partitions::Same(topic.clone()),
                    _ => Partitions::Widest(read.clone()),
                };
                let settings = changelog_settings(&StoreKind::Values);
                topics.add(Role::Kept, &kept.topic, &processor.name, partitions, settings);
            }
        }
        for (_, store) in &sub.stores {
            // a sub-topology with stores reads exactly one topic
            let same = read
                .first()
                .map_or(Partitions::Any, |topic| Partitions::Same(topic.clone()));
            topics.add(
                Role::Changelog,
                &topology.changelog(&store.name),
                &store.name,
                same,
                changelog_settings(&store.kind),
            );
        }
        for sink in sub.sinks.iter().filter_map(|index| topology.sinks.get(*index)) {
            for topic in sink.topic.topics() {
                topics.add(
                    Role::Sink,
                    &topic,
                    &sink.name,
                    Partitions::Widest(read.clone()),
                    Vec::new(),
                );
            }
        }
    }
    let sources = topology.sources.iter().map(|source| source.topic.clone()).collect();
    topics.add(
        Role::DeadLetters,
        &topology.dead_letters,
        "dead_letters",
        Partitions::Widest(sources),
        Vec::new(),
    );
    Plan {
        group: topology.application.clone(),
        topics: topics.into_list(),
    }
}

pub(super) fn marks(topology: &Topology) -> Plan {
    let mut topics = Topics::default();
    topics.add(
        Role::Marks,
        &names::marks(&topology.application),
        "dead_letters",
        Partitions::Any,
        vec![setting("cleanup.policy", "compact", Expected::Same)],
    );
    Plan {
        group: topology.application.clone(),
        topics: topics.into_list(),
    }
}

/// Topics by name, each with its first role; a topic that a sink or table of ours writes is created even where it is read.
#[derive(Default)]
struct Topics {
    list: Vec<PlannedTopic>,
    positions: BTreeMap<String, usize>,
}

impl Topics {
    fn add(&mut self, role: Role, name: &str, of: &str, partitions: Partitions, settings: Vec<Setting>) {
        let missing = if matches!(role, Role::Source | Role::Table) {
            Missing::Refuse
        } else {
            Missing::Create
        };
        if let Some(there) = self
            .positions
            .get(name)
            .and_then(|position| self.list.get_mut(*position))
        {
            if missing == Missing::Create && there.missing == Missing::Refuse {
                there.missing = Missing::Create;
                there.partitions = partitions;
                there.settings = settings;
            }
            return;
        }
        self.positions.insert(name.to_owned(), self.list.len());
        let (name, of) = (name.to_owned(), of.to_owned());
        self.list.push(PlannedTopic {
            name,
            role,
            of,
            missing,
            partitions,
            settings,
        });
    }

    fn into_list(mut self) -> Vec<PlannedTopic> {
        self.list.sort_by_key(|topic| topic.role);
        self.list
    }
}

fn setting(name: &'static str, value: impl ToString, expected: Expected) -> Setting {
    Setting {
        name,
        value: value.to_string(),
        expected,
    }
}

fn through_settings() -> Vec<Setting> {
    vec![
        setting("cleanup.policy", "delete", Expected::Same),
        setting("message.timestamp.type", "CreateTime", Expected::Same),
        setting("retention.ms", THROUGH_RETENTION_MS, Expected::Anything),
    ]
}

fn changelog_settings(kind: &StoreKind) -> Vec<Setting> {
    const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
    const SEGMENT_MS: u64 = 3_600_000;
    let mut settings = match kind {
        StoreKind::Ids { window } => vec![
            setting("cleanup.policy", "compact,delete", Expected::Same),
            setting(
                "retention.ms",
                window.as_millis().saturating_add(DAY_MS),
                Expected::AtLeast,
            ),
        ],
        StoreKind::Values => vec![setting("cleanup.policy", "compact", Expected::Same)],
    };
    settings.extend([
        setting("message.timestamp.type", "CreateTime", Expected::Same),
        // a topic-wide limit by bytes would delete what the window still needs
        setting("retention.bytes", -1, Expected::AtLeast),
        setting("segment.bytes", SEGMENT_BYTES, Expected::Anything),
        setting("segment.ms", SEGMENT_MS, Expected::Anything),
        setting("min.cleanable.dirty.ratio", "0.2", Expected::Anything),
    ]);
    settings
}
