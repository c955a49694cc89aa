//! Restoring a task's stores from their changelogs, in slices, so that the worker's other tasks go on meanwhile.
//!
//! The end is the end of the log, not the last stable offset: a worker that died may have left a transaction open on the
//! changelog, and what its successor committed since lies behind the last stable offset until the dead one's time is over.
//! Who stopped there would forget that, so restoring waits for it, as Kafka Streams does.

use super::step::StepError;
use super::task::{OwnedStore, Task};
use super::wiring::Wiring;
use crate::broker::{Broker, BrokerError, Position, Reaction, Reader, TopicPartition};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::StateError;
use std::time::Duration;

const BATCH: usize = 5_000;

/// The rest of a task's restoration: one changelog after the other.
pub struct Restore {
    open: Vec<Changelog>,
    done: Restored,
}

/// What was read of changelogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub records: u64,
    /// Of keys and values.
    pub bytes: u64,
}

impl Restored {
    pub fn add(&mut self, other: Restored) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

struct Changelog {
    /// Index into the task's stores.
    store: usize,
    partition: TopicPartition,
    reader: Box<dyn Reader>,
    /// The end of the log when the task was assigned: all that its predecessors committed lies before it.
    end: i64,
    /// The last stable offset, as last looked up: what can be read now.
    stable: i64,
    position: i64,
}

impl Changelog {
    /// A transaction is open still: reads on where it has ended.
    fn look_further(&mut self) -> Result<(), BrokerError> {
        let (_, stable) = self.reader.offsets(&self.partition)?;
        if stable > self.stable {
            self.stable = stable;
            self.reader
                .assign(&[(self.partition.clone(), Position::Offset(self.position))])?;
        }
        Ok(())
    }
}

impl Restore {
    /// Looks up how far each changelog goes. Must be called after the committed offsets were fetched stable. `spare` is a
    /// reader that an empty changelog left for the next: connecting one costs a start more than anything else.
    pub fn start(
        broker: &dyn Broker,
        task: &mut Task,
        wiring: &Wiring,
        spare: &mut Option<Box<dyn Reader>>,
    ) -> Result<Self, StepError> {
        let mut open = Vec::new();
        let stores = wiring
            .entries
            .get(task.entry)
            .map(|entry| entry.stores.as_slice())
            .unwrap_or_default();
        for (store, (wired, owned)) in stores
            .iter()
            .filter_map(|i| wiring.stores.get(*i))
            .zip(&mut task.stores)
            .enumerate()
        {
            let partition = TopicPartition {
                topic: wired.changelog.clone(),
                partition: owned.id.partition,
            };
            let mut reader = match spare.take() {
                Some(reader) => reader,
                None => broker.reader()?,
            };
            let end = reader.end(&partition)?;
            let (first, stable) = reader.offsets(&partition)?;
            #[cfg(test)]
            let end = if sabotaged(Sabotage::RestoreToStable) {
                stable
            } else {
                end
            };
            let checkpoint = owned.store.checkpoint();
            // A transaction's marker may be counted before it is written.
            if let Some(ahead) = checkpoint.filter(|checkpoint| *checkpoint > end + 1) {
                return Err(StateError::Refused(format!(
                    "the store `{}` of {} partition {} stands at offset {ahead} of its changelog {}, which ends at {end}: the topic was \
                     deleted, or lost what it had. Bring the topic back, or begin anew with `millstream reset`",
                    wired.spec.name, owned.id.topic, owned.id.partition, wired.changelog
                ))
                .into());
            }
            let position = checkpoint.unwrap_or(first).max(first);
            if position < end {
                reader.assign(&[(partition.clone(), Position::Offset(position))])?;
                open.push(Changelog {
                    store,
                    partition,
                    reader,
                    end,
                    stable,
                    position,
                });
            } else {
                owned.stands_at(position);
                *spare = Some(reader);
            }
        }
        Ok(Self {
            open,
            done: Restored::default(),
        })
    }

    /// Restores for about `slice`; `true` when done.
    pub fn step(&mut self, stores: &mut [OwnedStore], slice: Duration) -> Result<bool, StepError> {
        let Some(changelog) = self.open.last_mut() else {
            return Ok(true);
        };
        let Some(owned) = stores.get_mut(changelog.store) else {
            return Ok(true);
        };
        let mut foreign = None;
        let mut read = Restored::default();
        changelog.reader.poll(slice, BATCH, &mut |record| {
            read.records += 1;
            read.bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
            if let Err(error) = owned.store.restore(record.key, record.value) {
                foreign = Some(format!("{}: {error}", record.origin.topic));
            }
        })?;
        if let Some(message) = foreign {
            return Err(StepError::Broker(BrokerError {
                operation: "restore",
                message,
                reaction: Reaction::Fatal,
            }));
        }
        let position = changelog.reader.position(&changelog.partition)?;
        self.done.add(read);
        if let Some(position) = position.filter(|position| *position > changelog.position) {
            changelog.position = position;
            owned.restored(position)?;
        }
        if changelog.position >= changelog.end {
            self.open.pop();
        } else if changelog.position >= changelog.stable {
            changelog.look_further()?;
        }
        Ok(self.open.is_empty())
    }

    /// What was restored so far, and how many offsets are still to go.
    pub fn progress(&self) -> (Restored, u64) {
        let rest = self
            .open
            .iter()
            .map(|changelog| (changelog.end - changelog.position).max(0).unsigned_abs())
            .sum();
        (self.done, rest)
    }
}
