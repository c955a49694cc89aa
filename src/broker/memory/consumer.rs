//! A member of a consumer group.
//!
//! Joining, heartbeats and assignments happen in `poll` only, so a test decides when each of them does.

use super::MemoryBroker;
use super::member::{Fetched, MemberView};
use super::operation::{Operation, failure};
use crate::broker::{
    BrokerError, Consumer, ConsumerSettings, GroupMetadata, Position, Reaction, Rebalance, TopicPartition,
    reset_is_unfinished,
};
use crate::record::RawRecord;
use std::time::Duration;

pub(super) struct MemoryConsumer {
    broker: MemoryBroker,
    topics: Vec<String>,
    state: MemberView,
    closed: bool,
}

enum Polled {
    Rebalance(Rebalance),
    Records(Fetched),
}

impl MemoryConsumer {
    pub fn new(broker: MemoryBroker, settings: &ConsumerSettings) -> MemoryConsumer {
        let state = MemberView::new(&broker.process.name, settings);
        MemoryConsumer {
            broker,
            topics: settings.topics.clone(),
            state,
            closed: false,
        }
    }

    fn open(&self, operation: Operation) -> Result<(), BrokerError> {
        match self.closed {
            false => Ok(()),
            true => Err(failure(operation, Reaction::Fatal, "the consumer is closed".to_owned())),
        }
    }
}

pub(super) fn offset(position: Position) -> i64 {
    match position {
        Position::Beginning => 0,
        Position::Offset(offset) => offset,
    }
}

impl Consumer for MemoryConsumer {
    fn poll(
        &mut self,
        timeout: Duration,
        max: usize,
        each: &mut dyn FnMut(RawRecord<'_>),
    ) -> Result<Option<Rebalance>, BrokerError> {
        self.open(Operation::Poll)?;
        let Self {
            broker, topics, state, ..
        } = self;
        let polled = broker.wait(timeout, || {
            broker.call(Operation::Poll, |cluster| {
                if state.pending.is_none()
                    && let Some(rebalance) = state.attend(cluster, topics)?
                {
                    state.pending = Some(rebalance.clone());
                    return Ok(Some(Polled::Rebalance(rebalance)));
                }
                let fetched = state.fetch(cluster, max)?;
                Ok((!fetched.is_empty()).then_some(Polled::Records(fetched)))
            })
        })?;
        match polled {
            None => Ok(None),
            Some(Polled::Rebalance(rebalance)) => Ok(Some(rebalance)),
            Some(Polled::Records(fetched)) => {
                for (partition, offset, record) in fetched {
                    record.hand(&partition.topic, partition.partition, offset, each);
                }
                Ok(None)
            }
        }
    }

    fn complete(&mut self, rebalance: Rebalance, start: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        self.open(Operation::Complete)?;
        let state = &mut self.state;
        self.broker.call(Operation::Complete, |_| {
            if state.pending.as_ref() != Some(&rebalance) {
                let message = "this rebalance is not the one that is pending".to_owned();
                return Err(failure(Operation::Complete, Reaction::Fatal, message));
            }
            match &rebalance {
                Rebalance::Assigned(partitions) => {
                    for partition in partitions {
                        let Some((_, position)) = start.iter().find(|(p, _)| p == partition) else {
                            let (topic, number) = (&partition.topic, partition.partition);
                            let message = format!("partition {number} of {topic} was given no position to start at");
                            return Err(failure(Operation::Complete, Reaction::Fatal, message));
                        };
                        state.positions.insert(partition.clone(), offset(*position));
                    }
                }
                Rebalance::Revoked(partitions) | Rebalance::Lost(partitions) => {
                    for partition in partitions {
                        state.positions.remove(partition);
                        state.paused.remove(partition);
                    }
                }
            }
            state.pending = None;
            Ok(())
        })
    }

    fn committed(&mut self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>, BrokerError> {
        self.open(Operation::Committed)?;
        let group = &self.state.membership.group;
        let offsets = self.broker.stable_offsets(group, partitions, timeout)?;
        if self.broker.look().group(group).is_reset_unfinished(partitions) {
            return Err(reset_is_unfinished(Operation::Committed.name(), group));
        }
        Ok(offsets)
    }

    fn seek(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        self.open(Operation::Seek)?;
        let state = &mut self.state;
        self.broker.call(Operation::Seek, |_| {
            for (partition, position) in positions {
                state.owned(Operation::Seek, partition)?;
                state.positions.insert(partition.clone(), offset(*position));
            }
            Ok(())
        })
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.open(Operation::Pause)?;
        let state = &mut self.state;
        self.broker.call(Operation::Pause, |_| {
            partitions.iter().try_for_each(|p| state.owned(Operation::Pause, p))?;
            state.paused.extend(partitions.iter().cloned());
            Ok(())
        })
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.open(Operation::Resume)?;
        let state = &mut self.state;
        self.broker.call(Operation::Resume, |_| {
            state.paused.retain(|p| !partitions.contains(p));
            Ok(())
        })
    }

    fn commit(&mut self, offsets: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        self.open(Operation::CommitOffsets)?;
        let state = &mut self.state;
        self.broker.call(Operation::CommitOffsets, |cluster| {
            let membership = state.current_membership(cluster);
            let group = cluster.group(&membership.group);
            group.check(&membership, Operation::CommitOffsets)?;
            for (partition, offset) in offsets {
                group.commit(partition.clone(), *offset);
            }
            Ok(())
        })
    }

    fn group(&self) -> Result<GroupMetadata, BrokerError> {
        self.open(Operation::Group)?;
        self.broker.call(Operation::Group, |cluster| {
            let membership = self.state.current_membership(cluster);
            Ok(GroupMetadata(Box::new(membership)))
        })
    }

    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) || !self.broker.is_alive() {
            return;
        }
        let membership = &self.state.membership;
        if membership.instance.is_none() {
            self.broker.look().group(&membership.group).remove(&membership.member);
            self.broker.shared.changed.notify_all();
        }
    }
}
