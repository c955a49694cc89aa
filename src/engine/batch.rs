//! Polls a batch and processes it, record by record. A record succeeds whole or becomes a dead letter whole.

use super::chain::{Chain, Surroundings};
use super::counts::Counts;
use super::kit::Kit;
use super::latency::Times;
use super::output::{Outputs, Sunk};
use super::restoring::Restoring;
use super::shared::Shared;
use super::step::StepError;
use super::suspects::Suspects;
use super::tables::TablesView;
use super::task::Task;
use super::through::{Ended, Failed, run};
use super::trace::Spans;
use super::transaction::Transaction;
use super::write::{bytes, fail, write};
use crate::broker::{BrokerError, Consumer, Reaction, Rebalance};
use crate::record::RawRecord;
use crate::state::{Mark, StateError};
use bumpalo::Bump;
use std::time::{Duration, Instant};

/// What a session lends for one poll.
pub struct Lent<'s> {
    pub consumer: &'s mut dyn Consumer,
    pub tasks: &'s mut [Task],
    pub restoring: &'s Restoring,
    pub transaction: &'s mut Transaction,
    pub times: &'s mut Times,
    pub spans: &'s mut Spans,
    pub suspects: &'s mut Suspects,
}

/// What came of a poll.
pub struct Polled {
    /// Records that were processed: they are in the open transaction, also where an error ended it.
    pub processed: usize,
    pub rebalance: Option<Rebalance>,
    /// The first error of the poll or of writing.
    pub result: Result<(), StepError>,
}

/// Polls once and processes what came.
pub fn poll(kit: &mut Kit, lent: Lent<'_>, timeout: Duration) -> Polled {
    let Kit {
        shared,
        settings,
        chain,
        arena,
        counts,
        outputs,
        marks,
    } = kit;
    let Lent {
        consumer,
        tasks,
        restoring,
        transaction,
        times,
        spans,
        suspects,
    } = lent;
    let max = if suspects.are_sought() {
        1
    } else {
        settings.poll_records
    };
    let mut batch = Batch {
        shared,
        tasks,
        transaction,
        times,
        spans,
        suspects,
        counts,
        outputs,
        marks,
        limit: settings.max_record_bytes,
        view: None,
        last: 0,
        processed: 0,
        start: None,
    };
    let mut failed = None;
    let polled = consumer.poll(timeout, max, &mut |record| {
        if failed.is_some() || restoring.is_of(record.origin.topic, record.origin.partition) {
            return;
        }
        let Some(task) = batch.find(&record) else { return };
        batch.start.get_or_insert_with(Instant::now);
        failed = batch.process(task, &record, chain, arena).err();
        arena.reset();
    });
    let (processed, start) = (batch.processed, batch.start);
    drop(batch);
    counts.busy += start.map_or(Duration::ZERO, |start| start.elapsed());
    let (rebalance, polled) = match polled {
        Ok(rebalance) => (rebalance, Ok(())),
        Err(error) => (None, Err(error.into())),
    };
    Polled {
        processed,
        rebalance,
        result: failed.map_or(polled, |error| Err(read_again(error))),
    }
}

/// The consumer is past the record that failed: whatever is to be done, it must be read again.
fn read_again(error: StepError) -> StepError {
    match error {
        StepError::Broker(error) if error.reaction == Reaction::Retry => StepError::Broker(BrokerError {
            reaction: Reaction::Abort,
            ..error
        }),
        error => error,
    }
}

struct Batch<'b> {
    shared: &'b Shared,
    tasks: &'b mut [Task],
    transaction: &'b mut Transaction,
    times: &'b mut Times,
    spans: &'b mut Spans,
    suspects: &'b mut Suspects,
    counts: &'b mut Counts,
    outputs: &'b mut Outputs,
    marks: &'b mut Vec<Mark>,
    limit: usize,
    view: Option<TablesView<'b>>,
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
        self.suspects.enters(&task.partition, record.origin.offset);
        let result = match self.suspects.refused(&task.partition, record.origin.offset) {
            Some(why) => Err(Ended::Failed(Failed::too_large(why.to_owned(), REFUSED_LIMIT))),
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
                run(record, chain, arena, around, &mut self.view).and_then(|()| Ok(fit(self.outputs, self.limit)?))
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

/// Whether all that came out may be written.
fn fit(outputs: &Outputs, limit: usize) -> Result<(), Failed> {
    let largest = outputs.largest();
    if largest <= limit {
        return Ok(());
    }
    Err(Failed::too_large(
        format!("an output of {largest} bytes is larger than the {limit} that may be written"),
        limit,
    ))
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
