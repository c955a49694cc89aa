//! Reading by assignment, and topics.

use super::cluster::failure;
use super::consumer::offset;
use super::groups::MemberState;
use super::log::Stored;
use super::{MemoryBroker, Operation};
use crate::broker::{Admin, BrokerError, GroupMember, Position, Reaction, Reader, TopicPartition, TopicState};
use crate::record::RawRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct MemoryReader {
    broker: MemoryBroker,
    positions: BTreeMap<TopicPartition, i64>,
}

impl MemoryReader {
    pub fn new(broker: MemoryBroker) -> MemoryReader {
        MemoryReader {
            broker,
            positions: BTreeMap::new(),
        }
    }
}

impl Reader for MemoryReader {
    fn assign(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        self.broker.call(Operation::Assign, |cluster| {
            positions
                .iter()
                .try_for_each(|(p, _)| cluster.log(Operation::Assign, p).map(|_| ()))
        })?;
        self.positions = positions
            .iter()
            .map(|(partition, start)| (partition.clone(), offset(*start)))
            .collect();
        Ok(())
    }

    fn poll(&mut self, timeout: Duration, max: usize, each: &mut dyn FnMut(RawRecord<'_>)) -> Result<(), BrokerError> {
        let Self { broker, positions } = self;
        let polled = broker.wait(timeout, || {
            broker.call(Operation::Read, |cluster| {
                let mut fetched: Vec<(TopicPartition, i64, Arc<Stored>)> = Vec::new();
                for (partition, position) in positions.iter_mut() {
                    let log = cluster.log(Operation::Read, partition)?;
                    *position = log.read(*position, max - fetched.len(), &mut |offset, record| {
                        fetched.push((partition.clone(), offset, Arc::clone(record)));
                    });
                }
                Ok((!fetched.is_empty()).then_some(fetched))
            })
        })?;
        for (partition, offset, record) in polled.unwrap_or_default() {
            record.hand(&partition.topic, partition.partition, offset, each);
        }
        Ok(())
    }

    fn offsets(&mut self, partition: &TopicPartition) -> Result<(i64, i64), BrokerError> {
        self.broker.call(Operation::Offsets, |cluster| {
            Ok((0, cluster.log(Operation::Offsets, partition)?.stable()))
        })
    }

    fn end(&mut self, partition: &TopicPartition) -> Result<i64, BrokerError> {
        self.broker.call(Operation::Offsets, |cluster| {
            Ok(cluster.log(Operation::Offsets, partition)?.end())
        })
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Option<i64>, BrokerError> {
        Ok(self.positions.get(partition).copied())
    }
}

pub(super) struct MemoryAdmin {
    broker: MemoryBroker,
}

impl MemoryAdmin {
    pub fn new(broker: MemoryBroker) -> MemoryAdmin {
        MemoryAdmin { broker }
    }
}

impl Admin for MemoryAdmin {
    fn members(&mut self, group: &str) -> Result<Vec<GroupMember>, BrokerError> {
        self.broker.call(Operation::Describe, |cluster| {
            let members = cluster
                .groups
                .get(group)
                .map(|group| group.members())
                .unwrap_or_default();
            let member = |member: MemberState| GroupMember {
                client: member.process,
                partitions: member.assigned,
            };
            Ok(members.into_iter().map(member).collect())
        })
    }

    fn describe(&mut self, topics: &[String]) -> Result<Vec<TopicState>, BrokerError> {
        self.broker.call(Operation::Describe, |cluster| {
            let found = topics.iter().filter_map(|name| {
                let topic = cluster.topics.get(name)?;
                let partitions = i32::try_from(topic.logs.len()).ok()?;
                Some(TopicState {
                    name: name.clone(),
                    partitions,
                    settings: topic.settings.clone(),
                })
            });
            Ok(found.collect())
        })
    }

    fn create(&mut self, topics: &[TopicState]) -> Result<(), BrokerError> {
        self.broker.call(Operation::Create, |cluster| {
            if let Some(bad) = topics.iter().find(|topic| topic.name.is_empty()) {
                let message = format!("a topic of {} partitions has no name", bad.partitions);
                return Err(failure(Operation::Create, Reaction::Fatal, message));
            }
            topics.iter().try_for_each(|topic| cluster.create_topic(topic))
        })
    }
}
