//! One record through the processors that are fused behind its topic: a call chain with no topic, copy or parse in between.

use super::counts::{Counts, bump, more};
use super::output::{Outputs, Sunk, Unwritable, Written};
use super::samples::{Part, Samples};
use super::tables::{Tables, TablesView};
use super::task::Task;
use super::wiring::{Next, Wiring, WrittenTopic};
use crate::codec::{Choice, ChoiceError};
use crate::expression::{Expression, ExpressionError, Scope};
use crate::processor::{Context, Failure, Processor, kind};
use crate::record::{Key, Record};
use crate::state::{Remembered, StateError, TaskStore};
use crate::topology::{Condition, Sink, Topology};
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use std::time::Instant;

/// Why a record's way ended before its end.
#[derive(Debug)]
pub enum Stop {
    Failed(ChainError),
    /// A store of the task could not be used ([`Task::failed`]): nothing that came of the record counts.
    Store,
}

impl From<ChainError> for Stop {
    fn from(error: ChainError) -> Self {
        Self::Failed(error)
    }
}

/// Why a record failed, and in which processor or sink.
#[derive(Debug)]
pub struct ChainError {
    pub failure: Failure,
    /// Index of the processor; `None`: in a sink.
    pub processor: Option<usize>,
    pub name: String,
}

impl ChainError {
    fn of_processor(topology: &Topology, index: usize, failure: Failure) -> Self {
        let name = topology.processors.get(index).map(|node| node.name.clone());
        Self {
            failure,
            processor: Some(index),
            name: name.unwrap_or_default(),
        }
    }
}

/// The running processors of one worker.
pub struct Chain {
    processors: Vec<Box<dyn Processor>>,
}

/// What a record's way through the chain may touch.
pub struct Surroundings<'c, 't> {
    pub topology: &'c Topology,
    pub wiring: &'c Wiring,
    pub tables: &'t Tables,
    pub task: &'c mut Task,
    pub outputs: &'c mut Outputs,
    pub counts: &'c mut Counts,
    /// `None`: nobody looks.
    pub samples: Option<&'c Samples>,
}

impl Chain {
    pub fn build(topology: &Topology) -> Self {
        Self {
            processors: topology.processors.iter().map(|node| node.definition.build()).collect(),
        }
    }

    /// Runs `record` through everything behind `entry`; what comes out is in `around.outputs`.
    pub fn run<'a, 'c, 't: 'c>(
        &mut self,
        record: Record<'a>,
        arena: &'a Bump,
        around: Surroundings<'c, 't>,
        view: &'c mut Option<TablesView<'t>>,
    ) -> Result<(), Stop> {
        let Surroundings {
            topology,
            wiring,
            tables,
            task,
            outputs,
            counts,
            samples,
        } = around;
        let mut open: ArenaVec<'a, (Next, &'a Record<'a>)> = ArenaVec::new_in(arena);
        let record: &'a Record<'a> = arena.alloc(record);
        if let Some(entry) = wiring.entries.get(task.entry) {
            open.extend(entry.next.iter().map(|next| (*next, record)));
        }
        let mut pass = Pass {
            arena,
            topology,
            wiring,
            tables,
            view,
            task,
            outputs,
            counts,
            processor: 0,
            record_time: 0,
            forwarded: ArenaVec::new_in(arena),
            first_store: 0,
        };
        let mut at = 0;
        while let Some((next, record)) = open.get(at).copied() {
            at += 1;
            match next {
                Next::Processor(index) => {
                    let Some(processor) = self.processors.get_mut(index) else {
                        continue;
                    };
                    pass.processor = index;
                    pass.record_time = record.timestamp;
                    pass.first_store = wiring.first_store.get(index).copied().unwrap_or(0);
                    let start = pass.counts.processes(index).then(Instant::now);
                    let processed = processor.process(record, &mut pass);
                    if let Some(start) = start {
                        pass.counts.took(index, start.elapsed());
                    }
                    if pass.task.failed.is_some() {
                        return Err(Stop::Store);
                    }
                    processed.map_err(|failure| ChainError::of_processor(topology, index, failure))?;
                    let following = wiring.next.get(index).map(Vec::as_slice).unwrap_or_default();
                    more(&mut pass.counts.forwarded, index, pass.forwarded.len());
                    for forwarded in pass.forwarded.drain(..) {
                        if let Some(samples) = samples {
                            samples.passed(Part::Processor(index), &forwarded);
                        }
                        let forwarded: &'a Record<'a> = arena.alloc(forwarded);
                        open.extend(following.iter().map(|next| (*next, forwarded)));
                    }
                }
                Next::Through(index) => {
                    let Some(Some(through)) = wiring.through.get(index) else {
                        continue;
                    };
                    let written = pass.written(through, record.key, Some(record.value), record.timestamp);
                    let pushed = pass.outputs.push(&written, [].into_iter());
                    pushed.map_err(|error| ChainError::of_processor(topology, index, unwritable(&error)))?;
                }
                Next::Route(index) => {
                    let sink = route(topology, wiring, index, record, arena, pass.outputs, pass.counts)?;
                    if let Some(samples) = samples {
                        samples.passed(Part::Sink(sink), record);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Gives a record to the first sink that takes it, and says which.
fn route<'a>(
    topology: &Topology,
    wiring: &Wiring,
    index: usize,
    record: &'a Record<'a>,
    arena: &'a Bump,
    outputs: &mut Outputs,
    counts: &mut Counts,
) -> Result<usize, ChainError> {
    let scope = Scope::new(arena, record);
    let mut names = Vec::new();
    for index in wiring.routes.get(index).map(Vec::as_slice).unwrap_or_default() {
        let Some(sink) = topology.sinks.get(*index) else {
            continue;
        };
        let taken = match &sink.condition {
            Condition::Always | Condition::Otherwise => true,
            Condition::Where(condition) => condition.evaluate_bool(&scope).map_err(|error| failed(sink, error))?,
        };
        if taken {
            bump(&mut counts.sinks, *index);
            take(topology, wiring, *index, sink, record, &scope, outputs)?;
            return Ok(*index);
        }
        names.push(sink.name.as_str());
    }
    Err(ChainError {
        failure: Failure {
            kind: "no_route",
            message: format!(
                "no sink takes the record: the conditions of {} do not hold",
                names.join(", ")
            ),
            detail: None,
        },
        processor: None,
        name: names.join(","),
    })
}

fn take<'a>(
    topology: &Topology,
    wiring: &Wiring,
    index: usize,
    sink: &Sink,
    record: &'a Record<'a>,
    scope: &Scope<'a>,
    outputs: &mut Outputs,
) -> Result<(), ChainError> {
    let Some(wired) = wiring.sinks.get(index) else {
        return Ok(());
    };
    let mut positions = Vec::new();
    for (expression, allowed) in wired.parameters() {
        let value = expression.evaluate_text(scope).map_err(|error| failed(sink, error))?;
        let position = value.and_then(|value| allowed.iter().position(|allowed| allowed == value));
        positions.push(position.ok_or_else(|| unknown_parameter(sink, value, allowed))?);
    }
    let Some(topic) = wired.topic(positions.into_iter()) else {
        return Ok(());
    };
    let key = match &sink.key {
        None => record.key,
        Some(key) => key.evaluate_key(scope).map_err(|error| failed(sink, error))?,
    };
    let mut headers = Vec::new();
    for (name, value) in &sink.headers {
        if let Some(value) = value.evaluate_text(scope).map_err(|error| failed(sink, error))? {
            headers.push((name.as_str(), value));
        }
    }
    let written = Written {
        topic: topic.topic,
        sink: Some(Sunk {
            index,
            event_time: sink.event_time.as_ref().and_then(|time| event_time(time, scope)),
        }),
        writer: &topic.writer,
        choice: topic.writer.choose(scope).map_err(|error| no_schema(sink, error))?,
        secrets: &topology.secrets,
        arena: scope.arena,
        key,
        value: Some(record.value),
        timestamp: record.timestamp,
    };
    outputs.push(&written, headers.into_iter()).map_err(|error| ChainError {
        failure: unwritable(&error),
        processor: None,
        name: sink.name.clone(),
    })
}

/// When the event was. It is for the metrics only: what is no time does not make the record fail.
fn event_time(time: &Expression, scope: &Scope<'_>) -> Option<i64> {
    time.evaluate(scope).ok()??.as_milliseconds()
}

fn unwritable(error: &Unwritable) -> Failure {
    Failure {
        kind: kind::ENCODE,
        message: error.to_string(),
        detail: None,
    }
}

fn no_schema(sink: &Sink, error: ChoiceError) -> ChainError {
    match error {
        ChoiceError::Expression(error) => failed(sink, error),
        error @ ChoiceError::Unknown(_) => ChainError {
            failure: Failure {
                kind: "unknown_schema",
                message: error.to_string(),
                detail: None,
            },
            processor: None,
            name: sink.name.clone(),
        },
    }
}

fn unknown_parameter(sink: &Sink, value: Option<&str>, allowed: &[String]) -> ChainError {
    let found = value.map_or_else(
        || "nothing".to_owned(),
        |value| format!("\"{}\"", value.chars().take(64).collect::<String>()),
    );
    ChainError {
        failure: Failure {
            kind: "unknown_topic",
            message: format!("topic {}: {found} is none of {}", sink.topic.text, allowed.join(", ")),
            detail: None,
        },
        processor: None,
        name: sink.name.clone(),
    }
}

fn failed(sink: &Sink, error: ExpressionError) -> ChainError {
    ChainError {
        failure: Failure {
            kind: "expression",
            message: error.to_string(),
            detail: Some(format!("{} `{}`", error.place, error.expression)),
        },
        processor: None,
        name: sink.name.clone(),
    }
}

/// What the processors see of the engine.
struct Pass<'c, 't, 'a> {
    arena: &'a Bump,
    topology: &'c Topology,
    wiring: &'c Wiring,
    tables: &'t Tables,
    view: &'c mut Option<TablesView<'t>>,
    task: &'c mut Task,
    outputs: &'c mut Outputs,
    counts: &'c mut Counts,
    processor: usize,
    record_time: i64,
    first_store: usize,
    forwarded: ArenaVec<'a, Record<'a>>,
}

impl<'c, 'a> Pass<'c, '_, 'a> {
    /// A store of the processor that runs.
    fn store(&mut self, store: usize) -> Option<&mut TaskStore> {
        let owned = self.task.stores.get_mut(self.first_store + store);
        owned.map(|owned| &mut owned.store)
    }

    fn written(
        &self,
        to: &'c WrittenTopic,
        key: Option<Key<'a>>,
        value: Option<Value<'a>>,
        timestamp: i64,
    ) -> Written<'c, 'a> {
        Written {
            topic: to.topic,
            sink: None,
            writer: &to.writer,
            choice: Choice::default(),
            secrets: &self.topology.secrets,
            arena: self.arena,
            key,
            value,
            timestamp,
        }
    }
}

/// Never, if a processor uses only what it declares: to go on without state would be worse than to stop.
fn no_store(number: usize) -> StateError {
    StateError::Refused(format!(
        "the processor has no store {number} of that kind: this is a bug of millstream"
    ))
}

impl<'a> Context<'a> for Pass<'_, '_, 'a> {
    fn arena(&self) -> &'a Bump {
        self.arena
    }

    fn forward(&mut self, record: Record<'a>) {
        self.forwarded.push(record);
    }

    fn row(&mut self, table: &str, key: Key<'a>) -> Result<Option<Value<'a>>, Failure> {
        let tables = self.tables;
        self.view
            .get_or_insert_with(|| tables.view())
            .row(table, key, self.arena)
    }

    fn keep(&mut self, key: Key<'a>, value: Option<Value<'a>>) -> Result<(), Failure> {
        let Some(Some(kept)) = self.wiring.kept.get(self.processor) else {
            return Ok(());
        };
        let written = self.written(kept, Some(key), value, self.record_time);
        let pushed = self.outputs.push(&written, [].into_iter());
        pushed.map_err(|error| unwritable(&error))
    }

    fn remember(&mut self, store: usize, id: u128, event_time: i64) -> Remembered {
        let record_time = self.record_time;
        let remembered = match self.store(store) {
            Some(TaskStore::Ids(ids)) => ids.remember(id, event_time, record_time),
            _ => Err(no_store(store)),
        };
        remembered.unwrap_or_else(|error| {
            self.task.failed.get_or_insert(error);
            Remembered::Duplicate
        })
    }

    fn get(&mut self, store: usize, key: &[u8]) -> Option<&'a [u8]> {
        let arena = self.arena;
        let found = match self.store(store) {
            Some(TaskStore::Values(values)) => {
                values.get(key, |value| value.map(|value| &*arena.alloc_slice_copy(value)))
            }
            _ => Err(no_store(store)),
        };
        found.unwrap_or_else(|error| {
            self.task.failed.get_or_insert(error);
            None
        })
    }

    fn put(&mut self, store: usize, key: &[u8], value: Option<&[u8]>) {
        match self.store(store) {
            Some(TaskStore::Values(values)) => values.put(key, value),
            _ => {
                self.task.failed.get_or_insert(no_store(store));
            }
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.counted.entry((self.processor, what)).or_default() += 1;
    }

    fn branch(&mut self, index: usize) {
        *self.counts.branches.entry((self.processor, index)).or_default() += 1;
    }
}
