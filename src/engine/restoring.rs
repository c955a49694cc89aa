//! The tasks of a worker that are being restored, one after the other, and how far that has come.

use super::restore::{Restore, Restored};
use super::step::StepError;
use super::task::Task;
use crate::broker::{Consumer, TopicPartition};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::StateError;
use std::time::Duration;

/// How often the progress of a long restoration is told.
const TELL: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Restoring {
    open: Vec<(TopicPartition, Restore)>,
    /// When it began, after there was nothing to restore.
    since: Option<Duration>,
    /// What was restored since by those that are done.
    done: Restored,
    told: Duration,
    now: Duration,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub tasks: usize,
    /// Since there was last nothing to restore.
    pub restored: Restored,
    /// Changelog offsets still to go.
    pub remaining: u64,
    pub time: Duration,
}

impl Restoring {
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether this partition's task is being restored.
    pub fn is_of(&self, topic: &str, partition: i32) -> bool {
        let mut open = self.open.iter();
        open.any(|(of, _)| of.partition == partition && of.topic == topic)
    }

    pub fn add(&mut self, partition: TopicPartition, restore: Restore) {
        self.open.push((partition, restore));
    }

    /// Those of tasks that leave are given up.
    pub fn forget(&mut self, partitions: &[TopicPartition]) {
        self.open.retain(|(partition, _)| !partitions.contains(partition));
    }

    /// Restores for about `slice`, and lets a task that is done read on; with how many records were read.
    pub fn step(
        &mut self,
        tasks: &mut [Task],
        consumer: &mut dyn Consumer,
        slice: Duration,
        now: Duration,
    ) -> Result<u64, StepError> {
        self.now = now;
        let Some((partition, restore)) = self.open.first_mut() else {
            self.since = None;
            self.done = Restored::default();
            return Ok(0);
        };
        if self.since.is_none() {
            (self.since, self.told) = (Some(now), now);
        }
        let Some(task) = tasks.iter_mut().find(|task| task.partition == *partition) else {
            self.open.remove(0);
            return Ok(0);
        };
        let (before, _) = restore.progress();
        let done = match restore.step(&mut task.stores, slice) {
            // What was read is gone with the store: the next step begins anew.
            Err(StepError::State(error @ StateError::Damaged { .. })) => {
                task.failed = Some(error);
                return Ok(0);
            }
            done => done?,
        };
        #[cfg(test)]
        let done = done || sabotaged(Sabotage::StartUnrestored);
        let (restored, _) = restore.progress();
        if done {
            self.done.add(restored);
            if restored.records > 0 {
                let (id, sub_topology) = (task.id(), &task.sub_topology);
                let TopicPartition { topic, partition } = &task.partition;
                let records = restored.records;
                tracing::info!(
                    task = id,
                    sub_topology,
                    topic,
                    partition,
                    restored = records,
                    "state restored"
                );
            }
            consumer.resume(std::slice::from_ref(&task.partition))?;
            consumer.seek(&[(task.partition.clone(), task.start())])?;
            self.open.remove(0);
            if self.is_empty() && self.done.records > 0 {
                tracing::info!(progress = %self.progress(), "all state restored");
            }
        }
        if now >= self.told + TELL && !self.is_empty() {
            self.told = now;
            tracing::info!(progress = %self.progress(), "restoring");
        }
        Ok(restored.records - before.records)
    }

    pub fn progress(&self) -> Progress {
        let mut progress = Progress {
            tasks: self.open.len(),
            restored: self.done,
            remaining: 0,
            time: self
                .since
                .map_or(Duration::ZERO, |since| self.now.saturating_sub(since)),
        };
        for (_, restore) in &self.open {
            let (done, rest) = restore.progress();
            progress.restored.add(done);
            progress.remaining += rest;
        }
        progress
    }
}

/// For people: `3 tasks, 1200000 records (57 MB) done, 800000 to go, 650000 records/s, about 1 s left`, and at the end
/// `2000000 records (95 MB) in 3.1 s, 650000 records/s`.
#[expect(clippy::cast_precision_loss, reason = "for people")]
impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Restored { records, bytes } = self.restored;
        let megabytes = bytes / 1_000_000;
        let seconds = self.time.as_secs_f64();
        let rate = records as f64 / seconds.max(0.001);
        if self.tasks == 0 {
            return write!(
                f,
                "{records} records ({megabytes} MB) in {seconds:.1} s, {rate:.0} records/s"
            );
        }
        let (tasks, remaining) = (self.tasks, self.remaining);
        write!(
            f,
            "{tasks} tasks, {records} records ({megabytes} MB) done, {remaining} to go"
        )?;
        if records == 0 {
            return Ok(());
        }
        write!(f, ", {rate:.0} records/s, about {:.0} s left", remaining as f64 / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_fast_it_goes_and_how_long_it_will_take() {
        let progress = Progress {
            tasks: 3,
            restored: Restored {
                records: 1_200_000,
                bytes: 57_600_000,
            },
            remaining: 800_000,
            time: Duration::from_secs(2),
        };
        assert_eq!(
            progress.to_string(),
            "3 tasks, 1200000 records (57 MB) done, 800000 to go, 600000 records/s, about 1 s left"
        );
        let begun = Progress {
            restored: Restored::default(),
            ..progress
        };
        assert_eq!(begun.to_string(), "3 tasks, 0 records (0 MB) done, 800000 to go");
        let done = Progress {
            tasks: 0,
            remaining: 0,
            ..progress
        };
        assert_eq!(done.to_string(), "1200000 records (57 MB) in 2.0 s, 600000 records/s");
    }
}
