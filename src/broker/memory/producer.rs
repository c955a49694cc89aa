//! A producer: queues records, writes them in small batches, and is as strict about the order of calls as a client is.
//!
//! Records reach the log when a batch is full, those of one partition before those of others, or with `flush`; a commit with anything queued is refused, as the caller
//! must know that everything was acknowledged before it commits.

use super::MemoryBroker;
use super::cluster::Cluster;
use super::groups::Membership;
use super::log::Stored;
use super::operation::{Operation, failure};
use super::transactional::Identity;
use crate::broker::{BrokerError, GroupMetadata, Outgoing, Producer, Reaction, TopicPartition};
use std::sync::Arc;
use std::time::Duration;

/// Small, so that tests see batches both written and lost.
const BATCH: usize = 4;

pub(super) struct MemoryProducer {
    broker: MemoryBroker,
    state: ProducerState,
}

struct ProducerState {
    identity: Option<Identity>,
    phase: Phase,
    queue: Vec<(TopicPartition, Arc<Stored>)>,
    /// The coordinator has heard of the transaction.
    known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ready,
    Open,
    /// Something failed: only an abort helps.
    Failed,
    /// A commit was asked for, its outcome is not known: only the same again helps.
    Committing,
    Aborting,
    /// Fenced or fatal: of no more use.
    Dead,
}

impl MemoryProducer {
    pub fn new(broker: MemoryBroker, identity: Option<Identity>) -> MemoryProducer {
        let state = ProducerState {
            identity,
            phase: Phase::Ready,
            queue: Vec::new(),
            known: false,
        };
        MemoryProducer { broker, state }
    }

    /// One call, allowed in `phases`: does it and notes what an error makes of the producer.
    fn call<T>(
        &mut self,
        operation: Operation,
        phases: &[Phase],
        act: impl FnOnce(&mut ProducerState, &mut Cluster) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let state = &mut self.state;
        state.check(operation, phases)?;
        let result = self.broker.call(operation, |cluster| act(state, cluster));
        if let Err(error) = &result {
            state.note(error.reaction);
        }
        result
    }
}

impl ProducerState {
    fn check(&self, operation: Operation, phases: &[Phase]) -> Result<(), BrokerError> {
        if phases.contains(&self.phase) {
            return Ok(());
        }
        let (reaction, message) = match self.phase {
            Phase::Dead => (
                Reaction::Rebuild,
                "the producer failed before and is of no more use".to_owned(),
            ),
            Phase::Failed => (
                Reaction::Abort,
                "the transaction failed before and must be aborted".to_owned(),
            ),
            phase => (
                Reaction::Fatal,
                format!("not allowed while the transaction is {phase:?}").to_lowercase(),
            ),
        };
        Err(failure(operation, reaction, message))
    }

    fn note(&mut self, reaction: Reaction) {
        match reaction {
            Reaction::Abort => {
                self.queue.clear();
                if self.identity.is_some() {
                    self.phase = Phase::Failed;
                }
            }
            Reaction::Rebuild | Reaction::Fatal => {
                self.queue.clear();
                self.phase = Phase::Dead;
            }
            Reaction::Retry | Reaction::DeadLetter => {}
        }
    }

    /// Writes what is queued for some partitions: the others' records may come later, as a client's do.
    fn deliver(
        &mut self,
        cluster: &mut Cluster,
        operation: Operation,
        now: impl Fn(&TopicPartition) -> bool,
    ) -> Result<(), BrokerError> {
        let queue = std::mem::take(&mut self.queue);
        let (queue, later): (Vec<_>, Vec<_>) = queue.into_iter().partition(|(to, _)| now(to));
        self.queue = later;
        let mut refused = None;
        for (partition, record) in queue {
            let fits = cluster.check_limit(&partition, &record);
            match (&self.identity, fits) {
                (Some(_), Err(error)) => {
                    // The rest of the queue is gone with the record, as the transaction is: it can't be committed any more.
                    self.phase = Phase::Failed;
                    return Err(error);
                }
                (None, Err(error)) => {
                    refused.get_or_insert(error);
                }
                (Some(identity), Ok(())) => {
                    cluster.append_in_transaction(identity, operation, &partition, record)?;
                    self.known = true;
                }
                (None, Ok(())) => {
                    cluster.log_mut(operation, &partition)?.append(record, None);
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn end(&mut self, cluster: &mut Cluster, operation: Operation, commit: bool) -> Result<(), BrokerError> {
        match &self.identity {
            Some(identity) if self.known => cluster.end_transaction(identity, operation, commit),
            _ => Ok(()),
        }
    }

    fn transactional(&self, operation: Operation) -> Result<(), BrokerError> {
        match &self.identity {
            Some(_) => Ok(()),
            None => Err(failure(
                operation,
                Reaction::Fatal,
                "the producer has no transactional id".to_owned(),
            )),
        }
    }
}

impl Producer for MemoryProducer {
    fn begin(&mut self) -> Result<(), BrokerError> {
        if self.state.identity.is_none() {
            return Ok(());
        }
        self.call(Operation::Begin, &[Phase::Ready], |state, _| {
            state.phase = Phase::Open;
            state.known = false;
            Ok(())
        })
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<(), BrokerError> {
        let phase = if self.state.identity.is_some() {
            Phase::Open
        } else {
            Phase::Ready
        };
        self.call(Operation::Send, &[phase], |state, cluster| {
            let (partition, stored) = cluster.prepare(&record)?;
            state.queue.push((partition.clone(), Arc::new(stored)));
            if state.queue.len() >= BATCH {
                state.deliver(cluster, Operation::Send, |to| *to == partition)?;
            }
            Ok(())
        })
    }

    fn flush(&mut self, _timeout: Duration) -> Result<(), BrokerError> {
        self.call(Operation::Flush, &[Phase::Ready, Phase::Open], |state, cluster| {
            state.deliver(cluster, Operation::Flush, |_| true)
        })
    }

    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, i64)],
        group: &GroupMetadata,
        _timeout: Duration,
    ) -> Result<(), BrokerError> {
        self.state.transactional(Operation::SendOffsets)?;
        let Some(membership) = group.0.downcast_ref::<Membership>() else {
            let message = "the group metadata is of another broker".to_owned();
            return Err(failure(Operation::SendOffsets, Reaction::Fatal, message));
        };
        self.call(Operation::SendOffsets, &[Phase::Open], |state, cluster| {
            if let Some(identity) = &state.identity
                && !offsets.is_empty()
            {
                cluster.add_offsets(identity, offsets, membership)?;
                state.known = true;
            }
            Ok(())
        })
    }

    fn commit(&mut self, _timeout: Duration) -> Result<(), BrokerError> {
        self.state.transactional(Operation::Commit)?;
        self.state.check(Operation::Commit, &[Phase::Open, Phase::Committing])?;
        if !self.state.queue.is_empty() {
            let message = "records are queued still: flush before the commit".to_owned();
            return Err(failure(Operation::Commit, Reaction::Fatal, message));
        }
        self.state.phase = Phase::Committing;
        self.call(Operation::Commit, &[Phase::Committing], |state, cluster| {
            state.end(cluster, Operation::Commit, true)
        })?;
        self.state.phase = Phase::Ready;
        Ok(())
    }

    fn abort(&mut self, _timeout: Duration) -> Result<(), BrokerError> {
        if self.state.identity.is_none() {
            return self.call(Operation::Abort, &[Phase::Ready], |state, cluster| {
                // What is refused is of no interest any more.
                let _ = state.deliver(cluster, Operation::Abort, |_| true);
                Ok(())
            });
        }
        let phases = [Phase::Open, Phase::Failed, Phase::Aborting];
        self.state.check(Operation::Abort, &phases)?;
        self.state.phase = Phase::Aborting;
        self.state.queue.clear();
        self.call(Operation::Abort, &phases, |state, cluster| {
            state.end(cluster, Operation::Abort, false)
        })?;
        self.state.phase = Phase::Ready;
        Ok(())
    }
}
