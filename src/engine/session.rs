//! What lives as long as one producer and one consumer: tasks, the open transaction, a pending rebalance.
//!
//! When the producer is fenced or fails for good, the whole session is dropped and a new one built: nothing of it may go on.

use super::batch::{self, Lent};
use super::kit::Kit;
use super::latency::{Times, milliseconds_now};
use super::restore::Restore;
use super::restoring::Restoring;
use super::status::TaskNumbers;
use super::step::{FENCED, Step, StepError};
use super::suspects::Suspects;
use super::task::Task;
use super::trace::Spans;
use super::transaction::Transaction;
use super::wiring::Wiring;
use super::write::write_changelogs;
use crate::broker::{
    BrokerError, Consumer, ConsumerSettings, Position, ProducerSettings, Reaction, Rebalance, TopicPartition,
};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::state::{Mark, StateError};
use std::time::{Duration, Instant};

/// How long one call to the broker may take before other things get their turn.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for restoring before running tasks get theirs.
const RESTORE_SLICE: Duration = Duration::from_millis(20);

pub struct Session {
    /// The worker's, and the transactional id where there are transactions: what log lines say of whose they are.
    worker: usize,
    name: Option<String>,
    consumer: Box<dyn Consumer>,
    transaction: Transaction,
    /// Of what was written in it.
    times: Times,
    /// Of what was read in it.
    spans: Spans,
    /// When its commit was first called.
    commit_since: Option<Instant>,
    tasks: Vec<Task>,
    restoring: Restoring,
    rebalance: Option<Rebalance>,
    /// The group has said which tasks are this worker's.
    assigned: bool,
    /// When the open transaction began.
    since: Option<Duration>,
    /// Records processed in it.
    processed: usize,
    abort: bool,
    suspects: Suspects,
}

impl Session {
    /// Builds the producer first: when it is there, a dead predecessor's transaction has ended.
    pub fn open(kit: &Kit) -> Result<Self, BrokerError> {
        let Kit { shared, settings, .. } = kit;
        let broker = shared.broker.as_ref();
        let guarantee = shared.topology.guarantee;
        let name = kit.transactional_id();
        let transactional_id = name.clone();
        let producer = broker.producer(&ProducerSettings { transactional_id })?;
        let consumer = broker.consumer(&ConsumerSettings {
            group: shared.topology.application.clone(),
            client: settings.instance.clone(),
            instance: settings
                .static_membership
                .then(|| format!("{}-{}", settings.instance, settings.index)),
            topics: shared.wiring.read_topics(),
        })?;
        Ok(Self {
            worker: settings.index,
            name,
            consumer,
            transaction: Transaction::new(producer, guarantee, CALL_TIMEOUT),
            times: Times::default(),
            spans: Spans::new(shared.tracing.traces()),
            commit_since: None,
            tasks: Vec::new(),
            restoring: Restoring::default(),
            rebalance: None,
            assigned: false,
            since: None,
            processed: 0,
            abort: false,
            suspects: Suspects::default(),
        })
    }

    pub fn advance(&mut self, kit: &mut Kit, now: Duration) -> Result<Step, StepError> {
        if self.abort || self.transaction.is_aborting() {
            self.rewind()?;
            return Ok(Step::Wait(Duration::ZERO));
        }
        if self.transaction.is_committing() {
            self.commit(kit)?;
            return Ok(Step::Busy);
        }
        if self.mend(kit)? {
            return Ok(Step::Busy);
        }
        if self.rebalance.is_some() {
            let kind = self.rebalance.as_ref().map_or("", kind_of);
            self.rebalance(kit)?;
            *kit.counts.rebalances.entry(kind).or_default() += 1;
            return Ok(Step::Busy);
        }
        // A commit that could not be begun comes before any other record: a transaction that is meant for one record, to find the
        // one that the broker refuses, must not get a second.
        if self.is_due(kit, now) {
            self.commit(kit)?;
            return Ok(Step::Busy);
        }
        let restoring = self.restore(kit, now)?;
        let step = self.poll(kit, now, restoring)?;
        if self.is_due(kit, now) {
            self.commit(kit)?;
        }
        Ok(if restoring { Step::Busy } else { step })
    }

    fn poll(&mut self, kit: &mut Kit, now: Duration, restoring: bool) -> Result<Step, StepError> {
        let left = match self.since {
            Some(since) => kit.settings.commit_interval.saturating_sub(now.saturating_sub(since)),
            None => kit.settings.poll_timeout,
        };
        let timeout = if restoring {
            Duration::ZERO
        } else {
            left.min(kit.settings.poll_timeout)
        };
        let lent = Lent {
            consumer: self.consumer.as_mut(),
            tasks: &mut self.tasks,
            restoring: &self.restoring,
            transaction: &mut self.transaction,
            times: &mut self.times,
            spans: &mut self.spans,
            suspects: &mut self.suspects,
        };
        let polled = batch::poll(kit, lent, timeout);
        self.processed += polled.processed;
        if self.processed > 0 && self.since.is_none() {
            self.since = Some(now);
        }
        if polled.rebalance.is_some() {
            self.rebalance = polled.rebalance;
        }
        polled.result?;
        Ok(if polled.processed > 0 || self.rebalance.is_some() {
            Step::Busy
        } else {
            Step::Idle
        })
    }

    fn is_due(&self, kit: &Kit, now: Duration) -> bool {
        let Some(since) = self.since else { return false };
        self.suspects.are_sought()
            || now.saturating_sub(since) >= kit.settings.commit_interval
            || self.transaction.bytes >= kit.settings.commit_bytes
            || matches!(self.rebalance, Some(Rebalance::Revoked(_)))
    }

    /// Commits what was processed, then makes the overlays the stores'.
    fn commit(&mut self, kit: &mut Kit) -> Result<(), StepError> {
        let guarantee = self.transaction.guarantee();
        let offsets: Vec<(TopicPartition, i64)> = self
            .tasks
            .iter()
            .filter_map(|task| Some((task.partition.clone(), task.to_commit()?)))
            .collect();
        if offsets.is_empty() && self.transaction.is_idle() {
            self.ended();
            return Ok(());
        }
        self.transaction.begin()?;
        let since = *self.commit_since.get_or_insert_with(Instant::now);
        #[cfg(test)]
        if sabotaged(Sabotage::StateBeforeCommit) {
            self.tasks.iter_mut().for_each(|task| task.committed(guarantee));
        }
        let tasks = &mut self.tasks;
        self.transaction
            .commit(self.consumer.as_mut(), &offsets, |transaction| {
                let marks = |task: &Task| vec![Mark::BEGINNING; task.stores.len()];
                let mut tasks = tasks.iter_mut();
                tasks.try_for_each(|task| write_changelogs(&kit.shared, transaction, task, &marks(task)))
            })?;
        let counts = &mut kit.counts;
        for task in &mut self.tasks {
            task.committed(guarantee);
        }
        counts.commits += 1;
        tracing::debug!(
            worker = self.worker,
            transaction = self.name,
            tasks = offsets.len(),
            records = self.processed,
            "committed"
        );
        counts.commit_seconds.record(since.elapsed().as_secs_f64(), 1);
        self.times.committed(milliseconds_now(), counts);
        self.spans.committed();
        self.ended();
        self.suspects.committed(&offsets);
        self.disks_took_it()
    }

    /// What a disk refuses ends the worker; what is damaged is mended by the next step.
    fn disks_took_it(&mut self) -> Result<(), StepError> {
        let refused = |task: &&mut Task| !matches!(task.failed, None | Some(StateError::Damaged { .. }));
        let error = self.tasks.iter_mut().find(refused).and_then(|task| task.failed.take());
        error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The next step aborts. A record that the broker refused is sought out by committing the same records one by one.
    /// `false`: there is no way on, as even the dead letter was refused.
    pub fn abort_next(&mut self, error: &StepError) -> bool {
        self.abort = true;
        if let StepError::Broker(error) = error
            && error.reaction == Reaction::DeadLetter
        {
            return self.suspects.are_met(self.processed, &error.message);
        }
        true
    }

    /// Aborts, forgets and seeks back to the committed offsets.
    fn rewind(&mut self) -> Result<(), StepError> {
        self.transaction.abort()?;
        for task in &mut self.tasks {
            task.discard();
        }
        let leaving: &[TopicPartition] = match &self.rebalance {
            Some(Rebalance::Revoked(partitions) | Rebalance::Lost(partitions)) => partitions,
            _ => &[],
        };
        let positions: Vec<(TopicPartition, Position)> = self
            .tasks
            .iter()
            .filter(|task| !leaving.contains(&task.partition))
            .filter(|task| !self.restoring.is_of(&task.partition.topic, task.partition.partition))
            .map(|task| (task.partition.clone(), task.start()))
            .collect();
        #[cfg(test)]
        let positions = if sabotaged(Sabotage::NoSeek) {
            Vec::new()
        } else {
            positions
        };
        self.consumer.seek(&positions)?;
        self.abort = false;
        self.ended();
        Ok(())
    }

    fn ended(&mut self) {
        self.since = None;
        self.suspects.ended();
        self.processed = 0;
        self.commit_since = None;
        self.times.clear();
        self.spans.clear();
    }

    /// Something was processed that is not committed.
    pub(super) fn is_open(&self) -> bool {
        self.since.is_some()
    }

    fn rebalance(&mut self, kit: &mut Kit) -> Result<(), StepError> {
        match self.rebalance.clone() {
            Some(Rebalance::Assigned(partitions)) => self.assigned(kit, &partitions),
            Some(Rebalance::Revoked(partitions)) => {
                // The transaction is the whole worker's: all its tasks commit, then those that leave are closed.
                if self.since.is_some() {
                    self.commit(kit)?;
                }
                self.leave(&partitions, Rebalance::Revoked(partitions.clone()))
            }
            Some(Rebalance::Lost(partitions)) => {
                if self.since.is_some() {
                    kit.counts.aborted(FENCED);
                    self.rewind()?;
                }
                self.assigned = false;
                self.leave(&partitions, Rebalance::Lost(partitions.clone()))
            }
            None => Ok(()),
        }
    }

    /// Committed offsets first, stable; only then the stores, up to what is stable after that.
    fn assigned(&mut self, kit: &Kit, partitions: &[TopicPartition]) -> Result<(), StepError> {
        let offsets = self.consumer.committed(partitions, CALL_TIMEOUT)?;
        let mut tasks = Vec::with_capacity(partitions.len());
        let mut paused = Vec::new();
        let mut restoring = Vec::new();
        let mut spare = None;
        for (partition, offset) in partitions.iter().zip(offsets) {
            let Some(entry) = kit.shared.wiring.entry_of(&partition.topic) else {
                continue;
            };
            let shared = &kit.shared;
            let mut task = Task::open(partition.clone(), entry, offset, shared)?;
            if !task.stores.is_empty() {
                let restore = Restore::start(shared.broker.as_ref(), &mut task, &shared.wiring, &mut spare)?;
                paused.push(partition.clone());
                restoring.push(restore);
            }
            tasks.push(task);
        }
        let start: Vec<(TopicPartition, Position)> = tasks
            .iter()
            .map(|task| (task.partition.clone(), task.start()))
            .collect();
        self.consumer
            .complete(Rebalance::Assigned(partitions.to_vec()), &start)?;
        self.rebalance = None;
        self.assigned = true;
        self.tell(tasks.iter(), "tasks are assigned", "the task is assigned");
        self.tasks.extend(tasks);
        for (partition, restore) in paused.iter().zip(restoring) {
            self.restoring.add(partition.clone(), restore);
        }
        if !paused.is_empty() {
            self.consumer.pause(&paused)?;
        }
        Ok(())
    }

    fn leave(&mut self, partitions: &[TopicPartition], rebalance: Rebalance) -> Result<(), StepError> {
        #[cfg(test)]
        let partitions = match rebalance {
            Rebalance::Revoked(_) if sabotaged(Sabotage::KeepRevoked) => &[],
            Rebalance::Lost(_) if sabotaged(Sabotage::KeepLost) => &[],
            _ => partitions,
        };
        let leaving = self.tasks.iter().filter(|task| partitions.contains(&task.partition));
        self.tell(leaving, "tasks are given up", "the task is given up");
        self.tasks.retain(|task| !partitions.contains(&task.partition));
        self.suspects.leave(partitions);
        self.restoring.forget(partitions);
        self.consumer.complete(rebalance, &[])?;
        self.rebalance = None;
        Ok(())
    }

    /// A rebalance in one line, and each of its tasks for those who look closely: there may be hundreds.
    fn tell<'t>(&self, tasks: impl Iterator<Item = &'t Task>, all: &'static str, each: &'static str) {
        let mut count = 0_usize;
        for task in tasks {
            count += 1;
            tracing::debug!(
                worker = self.worker,
                transaction = self.name,
                task = task.id(),
                sub_topology = task.sub_topology,
                topic = task.partition.topic,
                partition = task.partition.partition,
                "{each}"
            );
        }
        if count > 0 {
            tracing::info!(worker = self.worker, transaction = self.name, tasks = count, "{all}");
        }
    }

    /// Opens the stores of a task anew after one failed, and restores them. The transaction it was met in is gone by now.
    fn mend(&mut self, kit: &Kit) -> Result<bool, StepError> {
        let Some(task) = self.tasks.iter_mut().find(|task| task.failed.is_some()) else {
            return Ok(false);
        };
        let shared = &kit.shared;
        // Until it is being restored the task has failed: whatever goes wrong here is tried again, all of it.
        task.reopen_stores(shared)?;
        #[cfg(test)]
        if sabotaged(Sabotage::ForgetDamage) {
            task.failed = None;
            return Ok(true);
        }
        let partition = task.partition.clone();
        self.consumer.pause(std::slice::from_ref(&partition))?;
        let restore = Restore::start(shared.broker.as_ref(), task, &shared.wiring, &mut None)?;
        task.failed = None;
        self.restoring.forget(std::slice::from_ref(&partition));
        self.restoring.add(partition, restore);
        Ok(true)
    }

    /// A slice of restoring; `true` while there is more.
    fn restore(&mut self, kit: &mut Kit, now: Duration) -> Result<bool, StepError> {
        let slice = RESTORE_SLICE.min(kit.settings.poll_timeout);
        kit.counts.restored += self
            .restoring
            .step(&mut self.tasks, self.consumer.as_mut(), slice, now)?;
        Ok(!self.restoring.is_empty())
    }

    /// The last commit. Nothing may be processed after it was called.
    pub fn finish(&mut self, kit: &mut Kit) -> Result<(), StepError> {
        if self.abort || self.transaction.is_aborting() {
            return Ok(self.transaction.abort()?);
        }
        if matches!(self.rebalance, Some(Rebalance::Lost(_))) {
            return Ok(self.transaction.abort()?);
        }
        self.commit(kit)?;
        self.consumer.close();
        Ok(())
    }

    /// A last attempt to leave no open transaction behind; the broker ends it after its time-out otherwise.
    pub fn give_up(&mut self) {
        if let Err(error) = self.transaction.abort() {
            tracing::debug!(worker = self.worker, transaction = self.name, %error, "the open transaction is left to time out");
        }
        self.consumer.close();
    }

    pub fn numbers(&self, wiring: &Wiring) -> TaskNumbers {
        let mut store_entries = vec![0; wiring.stores.len()];
        for task in &self.tasks {
            let wired = wiring
                .entries
                .get(task.entry)
                .map(|entry| entry.stores.as_slice())
                .unwrap_or_default();
            for (index, store) in wired.iter().zip(&task.stores) {
                if let Some(entries) = store_entries.get_mut(*index) {
                    *entries += store.store.len();
                }
            }
        }
        let restoring = self.restoring.progress();
        TaskNumbers {
            assigned: self.assigned,
            running: self.tasks.len().saturating_sub(restoring.tasks),
            restoring,
            stands: self.tasks.iter().map(Task::stand).collect(),
            store_entries,
        }
    }
}

/// A label of metrics.
fn kind_of(rebalance: &Rebalance) -> &'static str {
    match rebalance {
        Rebalance::Assigned(_) => "assigned",
        Rebalance::Revoked(_) => "revoked",
        Rebalance::Lost(_) => "lost",
    }
}
