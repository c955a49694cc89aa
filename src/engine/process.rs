//! Polls a batch and processes it, record by record. A record succeeds whole or becomes a dead letter whole.

use super::StepError;
use super::chain::{Chain, ChainError, Stop, Surroundings};
use super::counts::Counts;
use super::latency::Times;
use super::output::{Outputs, Sunk};
use super::samples::Part;
use super::session::Session;
use super::tables::TablesView;
use super::task::Task;
use super::trace::Spans;
use super::transaction::Transaction;
use super::wiring::{DEAD_LETTERS, Entry};
use super::worker::{Shared, Worker};
use crate::broker::{BrokerError, Outgoing, Reaction, TopicPartition};
use crate::codec::DecodeError;
use crate::dead_letter::{self, Reason};
use crate::processor::Failure;
use crate::record::{Key, RawRecord, Record};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::{Mark, StateError};
use crate::topology::{OnError, Topology};
use crate::value::Value;
use bumpalo::Bump;
use std::time::{Duration, Instant};

/// Polls once and processes what came, counting it in `session.processed`.
///
/// # Errors
/// The first error of the poll or of writing; what was processed before it is in the open transaction.
pub fn poll(session: &mut Session, worker: &mut Worker, timeout: Duration) -> Result<(), StepError> {
    let max = if session.one_by_one > 0 {
        1
    } else {
        worker.settings.poll_records
    };
    let Worker {
        shared,
        settings,
        chain,
        arena,
        counts,
        outputs,
        marks,
        ..
    } = worker;
    let shared: &Shared = shared;
    let restoring: Vec<TopicPartition> = session
        .tasks
        .iter()
        .map(|t| &t.partition)
        .filter(|p| session.is_restoring(p))
        .cloned()
        .collect();
    let alone = session.one_by_one > 0;
    let Session {
        consumer,
        transaction,
        tasks,
        refused,
        alone: in_transaction,
        times,
        spans,
        ..
    } = session;
    let mut batch = Batch {
        shared,
        tasks,
        transaction,
        times,
        spans,
        counts,
        outputs,
        marks,
        limit: settings.max_record_bytes,
        view: None,
        refused,
        last: 0,
        processed: 0,
        start: None,
    };
    let mut failed = None;
    let rebalance = consumer.poll(timeout, max, &mut |record| {
        if failed.is_some() {
            return;
        }
        let Some(task) = batch.find(&record) else { return };
        if restoring
            .iter()
            .any(|p| p.partition == record.origin.partition && p.topic == record.origin.topic)
        {
            return;
        }
        if alone {
            let partition = TopicPartition {
                topic: record.origin.topic.to_owned(),
                partition: record.origin.partition,
            };
            *in_transaction = Some((partition, record.origin.offset));
        }
        batch.start.get_or_insert_with(Instant::now);
        failed = batch.process(task, &record, chain, arena).err();
        arena.reset();
    });
    let processed = batch.processed;
    batch.counts.busy += batch.start.map_or(Duration::ZERO, |start| start.elapsed());
    drop(batch);
    session.processed += processed;
    let polled = rebalance.map(|rebalance| session.note(rebalance));
    // The consumer is past the record that failed: whatever is to be done, it must be read again.
    let failed = failed.map(|error| match error {
        StepError::Broker(error) if error.reaction == Reaction::Retry => StepError::Broker(BrokerError {
            reaction: Reaction::Abort,
            ..error
        }),
        error => error,
    });
    failed.map_or(Ok(()), Err)?;
    Ok(polled?)
}

struct Batch<'b> {
    shared: &'b Shared,
    tasks: &'b mut Vec<Task>,
    transaction: &'b mut Transaction,
    times: &'b mut Times,
    spans: &'b mut Spans,
    counts: &'b mut Counts,
    outputs: &'b mut Outputs,
    marks: &'b mut Vec<Mark>,
    limit: usize,
    view: Option<TablesView<'b>>,
    refused: &'b [(TopicPartition, i64, String)],
    /// The task of the record before: records come in runs of one partition.
    last: usize,
    processed: usize,
    /// When the first record came.
    start: Option<Instant>,
}

impl Batch<'_> {
    fn find(&mut self, record: &RawRecord<'_>) -> Option<usize> {
        let origin = record.origin;
        let is = |task: &Task| task.partition.partition == origin.partition && task.partition.topic == origin.topic;
        if !self.tasks.get(self.last).is_some_and(is) {
            self.last = self.tasks.iter().position(is)?;
        }
        Some(self.last)
    }

    fn process(
        &mut self,
        task: usize,
        record: &RawRecord<'_>,
        chain: &mut Chain,
        arena: &Bump,
    ) -> Result<(), StepError> {
        let Some(task) = self.tasks.get_mut(task) else {
            return Ok(());
        };
        self.transaction.begin()?;
        self.counts.consumed(task.entry, bytes(record.key, record.value));
        task.reads(record.timestamp);
        let mut traced = self.shared.tracing.begin(task.entry, record);
        self.outputs.begin(traced.as_ref());
        task.marks(self.marks);
        let refused = self
            .refused
            .iter()
            .find(|(partition, offset, _)| *partition == task.partition && *offset == record.origin.offset);
        let result = match refused {
            Some((_, _, message)) => Err(Ended::Failed(Failed::too_large(message.clone(), REFUSED_LIMIT))),
            None => {
                let around = Surroundings {
                    topology: &self.shared.topology,
                    wiring: &self.shared.wiring,
                    tables: &self.shared.tables,
                    task: &mut *task,
                    outputs: &mut *self.outputs,
                    counts: &mut *self.counts,
                    samples: self.shared.samples.wanted(),
                };
                run(record, chain, arena, around, &mut self.view).and_then(|()| Ok(self.outputs.fit(self.limit)?))
            }
        };
        match result {
            Ok(()) => {
                write(
                    self.shared,
                    self.transaction,
                    self.outputs,
                    task,
                    self.marks,
                    self.counts,
                )?;
                let note = |sunk: Sunk| self.times.note(sunk.index, record.timestamp, sunk.event_time);
                self.outputs.sunk().for_each(note);
            }
            Err(Ended::Store) => return Err(store_failed(task)),
            // Nothing of the record is done: it is read again.
            Err(Ended::Away(why)) => return Err(StepError::Registry(why)),
            Err(Ended::Failed(failed)) => {
                task.undo_to(self.marks);
                if let Some(traced) = &mut traced {
                    traced.failed(&failed.reason);
                }
                fail(self.shared, self.transaction, record, failed, self.limit, self.counts)?;
            }
        }
        self.spans.end(traced);
        task.advance(record.origin.offset);
        self.processed += 1;
        Ok(())
    }
}

/// How much of a record that the broker refused is kept in its dead letter.
const REFUSED_LIMIT: usize = 64 * 1024;

/// Why a record did not get through its chain.
enum Ended {
    Failed(Failed),
    /// A store of its task failed.
    Store,
    /// The schema registry does not answer what must be known to read it.
    Away(String),
}

impl From<Failed> for Ended {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// A damaged store is mended once the transaction is aborted; of another failure a person must hear.
fn store_failed(task: &mut Task) -> StepError {
    match task.failed.take() {
        Some(error @ StateError::Damaged { .. }) => {
            let message = error.to_string();
            task.failed = Some(error);
            StepError::Store(message)
        }
        Some(error) => error.into(),
        None => StateError::Refused("a store failed and did not say why".into()).into(),
    }
}

/// A record that failed, and what is to become of it.
struct Failed {
    on_error: OnError,
    reason: Reason,
    /// Of the dead letter, where it must be smaller than usual.
    limit: Option<usize>,
}

impl Failed {
    fn too_large(message: String, limit: usize) -> Self {
        let reason = Reason {
            kind: "too_large",
            message,
            detail: None,
            processor: String::new(),
        };
        Self {
            on_error: OnError::DeadLetter,
            reason,
            limit: Some(limit),
        }
    }
}

impl Outputs {
    fn fit(&self, limit: usize) -> Result<(), Failed> {
        let largest = self.largest();
        if largest <= limit {
            return Ok(());
        }
        Err(Failed::too_large(
            format!("an output of {largest} bytes is larger than the {limit} that may be written"),
            limit,
        ))
    }
}

/// Decodes the record and runs it through its chain.
fn run<'c, 't: 'c>(
    record: &RawRecord<'_>,
    chain: &mut Chain,
    arena: &Bump,
    around: Surroundings<'c, 't>,
    view: &'c mut Option<TablesView<'t>>,
) -> Result<(), Ended> {
    let (topology, wiring, index) = (around.topology, around.wiring, around.task.entry);
    let Some(entry) = wiring.entries.get(index) else {
        return Ok(());
    };
    // What comes back from a topic in the middle was seen when it left.
    let samples = around.samples.filter(|_| index < topology.sources.len());
    let (key, value) = decode(entry, record, arena).map_err(|undecoded| match undecoded {
        Undecoded::Away(why) => Ended::Away(why),
        Undecoded::Wrong(kind, message) => {
            if let Some(samples) = samples {
                samples.unreadable(Part::Source(index), record, &message);
            }
            Ended::Failed(Failed {
                on_error: entry.on_error,
                reason: Reason {
                    kind,
                    message,
                    detail: None,
                    processor: entry.name.clone(),
                },
                limit: None,
            })
        }
    })?;
    let decoded = Record {
        key,
        value,
        headers: record.headers,
        timestamp: record.timestamp,
        origin: record.origin,
    };
    if let Some(samples) = samples {
        samples.passed(Part::Source(index), &decoded);
    }
    chain.run(decoded, arena, around, view).map_err(|stop| match stop {
        Stop::Store => Ended::Store,
        Stop::Failed(error) if error.failure.kind == Failure::REGISTRY_AWAY => Ended::Away(error.failure.message),
        Stop::Failed(error) => Ended::Failed(failed(error, topology)),
    })
}

fn failed(error: ChainError, topology: &Topology) -> Failed {
    let node = error.processor.and_then(|index| topology.processors.get(index));
    Failed {
        on_error: node.map_or(OnError::DeadLetter, |node| node.on_error),
        reason: Reason {
            kind: error.failure.kind,
            message: error.failure.message,
            detail: error.failure.detail,
            processor: error.name,
        },
        limit: None,
    }
}

/// Why a record was not decoded.
enum Undecoded {
    /// The kind of failure, and the message.
    Wrong(&'static str, String),
    Away(String),
}

fn decode<'a>(
    entry: &Entry,
    record: &RawRecord<'a>,
    arena: &'a Bump,
) -> Result<(Option<Key<'a>>, Value<'a>), Undecoded> {
    let undecoded = |part: &str, error| match error {
        DecodeError::Wrong(error) => Undecoded::Wrong("decode", format!("{part}{error}")),
        DecodeError::Away(why) => Undecoded::Away(why),
    };
    let key = record.key.map(|key| entry.reader.key(key, arena)).transpose();
    let key = key.map_err(|error| undecoded("the key is ", error))?;
    let value = match record.value {
        Some(value) => entry.reader.value(value, arena).map_err(|error| undecoded("", error))?,
        None if entry.tombstones => Value::Null,
        None => {
            let message = "the record has no value (a tombstone)".to_owned();
            return Err(Undecoded::Wrong("null_value", message));
        }
    };
    Ok((key, value))
}

fn bytes(key: Option<&[u8]>, value: Option<&[u8]>) -> usize {
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)
}

/// Hands the outputs and the changelog of a record that succeeded to the transaction.
fn write(
    shared: &Shared,
    transaction: &mut Transaction,
    outputs: &Outputs,
    task: &mut Task,
    marks: &[Mark],
    counts: &mut Counts,
) -> Result<(), BrokerError> {
    outputs.each(|output, headers| {
        counts.produced(output.topic, bytes(output.key, output.value));
        let topic = shared
            .wiring
            .topics
            .get(output.topic)
            .map(String::as_str)
            .unwrap_or_default();
        let timestamp = (output.timestamp >= 0).then_some(output.timestamp);
        transaction.send(Outgoing {
            topic,
            partition: None,
            key: output.key,
            value: output.value,
            headers,
            timestamp,
        })
    })?;
    let wired = shared
        .wiring
        .entries
        .get(task.entry)
        .map(|entry| entry.stores.as_slice())
        .unwrap_or_default();
    for ((owned, mark), index) in task.stores.iter_mut().zip(marks).zip(wired) {
        let Some(wired) = shared.wiring.stores.get(*index) else {
            continue;
        };
        #[cfg(test)]
        if sabotaged(Sabotage::NoChangelog) {
            continue;
        }
        let mut records = 0;
        owned.store.each_written(*mark, |key, value| {
            records += 1;
            transaction.send(Outgoing {
                topic: &wired.changelog,
                partition: Some(task.partition.partition),
                key: Some(key),
                value,
                headers: &[],
                timestamp: None,
            })
        })?;
        owned.wrote(records);
    }
    Ok(())
}

/// Does with a failed record what its processor says.
fn fail(
    shared: &Shared,
    transaction: &mut Transaction,
    record: &RawRecord<'_>,
    failed: Failed,
    limit: usize,
    counts: &mut Counts,
) -> Result<(), BrokerError> {
    let Failed {
        on_error,
        reason,
        limit: own_limit,
    } = failed;
    if on_error != OnError::Fail {
        shared.failures.note(&record.origin, &reason);
    }
    match on_error {
        OnError::DeadLetter => {
            *counts
                .dead_letters
                .entry((reason.processor.clone(), reason.kind))
                .or_default() += 1;
            let topic = &shared.topology.dead_letters;
            dead_letter::write(record, &reason, topic, own_limit.unwrap_or(limit), |letter| {
                counts.produced(DEAD_LETTERS, bytes(letter.key, letter.value));
                transaction.send(letter)
            })
        }
        OnError::Drop => {
            *counts.dropped.entry(reason.processor).or_default() += 1;
            Ok(())
        }
        OnError::Fail => {
            let RawRecord { origin, .. } = record;
            Err(BrokerError {
                operation: "process",
                message: format!(
                    "{} partition {} offset {}: {} failed and has `on_error: fail`: {}",
                    origin.topic, origin.partition, origin.offset, reason.processor, reason.message
                ),
                reaction: Reaction::Fatal,
            })
        }
    }
}
