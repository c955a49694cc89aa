//! What becomes of a record, in the open transaction: its outputs and its changelog, or what its processor does with a failure.

use super::counts::Counts;
use super::output::Outputs;
use super::shared::Shared;
use super::task::Task;
use super::through::Failed;
use super::transaction::Transaction;
use super::wiring::DEAD_LETTERS;
use crate::broker::{BrokerError, Outgoing, Reaction};
use crate::dead_letter;
use crate::record::RawRecord;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::Mark;
use crate::topology::OnError;

/// Hands the outputs and the changelog of a record that succeeded to the transaction.
pub fn write(
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
    if transaction.defers_state() {
        return Ok(());
    }
    write_changelogs(shared, transaction, task, marks)
}

/// Hands to the transaction what a task's stores were told since `marks`, one of each.
pub fn write_changelogs(
    shared: &Shared,
    transaction: &mut Transaction,
    task: &mut Task,
    marks: &[Mark],
) -> Result<(), BrokerError> {
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
pub fn fail(
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

/// Of a key and a value.
pub fn bytes(key: Option<&[u8]>, value: Option<&[u8]>) -> usize {
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)
}
