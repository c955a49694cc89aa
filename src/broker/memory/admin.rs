//! Topics and groups, as a tool sees them.

use super::MemoryBroker;
use super::groups::MemberState;
use super::operation::{Operation, failure};
use crate::broker::{Admin, BrokerError, GroupMember, Reaction, Reset, TopicPartition, TopicState};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use std::time::Duration;

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

    fn create(&mut self, topics: &[TopicState], _: Option<i32>) -> Result<(), BrokerError> {
        self.broker.call(Operation::Create, |cluster| {
            if let Some(bad) = topics.iter().find(|topic| topic.name.is_empty()) {
                let message = format!("a topic of {} partitions has no name", bad.partitions);
                return Err(failure(Operation::Create, Reaction::Fatal, message));
            }
            topics.iter().try_for_each(|topic| cluster.create_topic(topic))
        })
    }

    fn delete(&mut self, topics: &[String]) -> Result<(), BrokerError> {
        self.broker.call(Operation::Delete, |cluster| {
            for topic in topics {
                cluster.topics.remove(topic);
                cluster.groups.values_mut().for_each(|group| group.forget(topic));
            }
            Ok(())
        })
    }

    fn committed(
        &mut self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<i64>>, BrokerError> {
        self.broker.stable_offsets(group, partitions, timeout)
    }

    fn set_offsets(&mut self, group: &str, offsets: &[(TopicPartition, i64)], reset: Reset) -> Result<(), BrokerError> {
        self.broker.call(Operation::SetOffsets, |cluster| {
            for (partition, _) in offsets {
                cluster.log(Operation::SetOffsets, partition)?;
            }
            cluster.group(group).set_offsets(offsets, reset, Operation::SetOffsets)
        })
    }

    fn offsets_at(&mut self, partitions: &[TopicPartition], time: i64) -> Result<Vec<Option<i64>>, BrokerError> {
        self.broker.call(Operation::Offsets, |cluster| {
            let found = partitions.iter().map(|partition| {
                let log = cluster.log(Operation::Offsets, partition)?;
                Ok(log.offset_at(time))
            });
            found.collect()
        })
    }
}

impl MemoryBroker {
    /// What a group has committed, once no transaction that is not over holds any of it.
    pub(super) fn stable_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<i64>>, BrokerError> {
        let offsets = self.wait(timeout, || {
            self.call(Operation::Committed, |cluster| {
                let pending = partitions.iter().any(|p| cluster.is_pending(group, p));
                #[cfg(test)]
                let pending = pending && !sabotaged(Sabotage::UnstableOffsets);
                if pending {
                    return Ok(None);
                }
                let offsets = &cluster.group(group).offsets;
                Ok(Some(partitions.iter().map(|p| offsets.get(p).copied()).collect()))
            })
        })?;
        offsets.ok_or_else(|| {
            let message = "a transaction that is not over holds offsets of these partitions (unstable)".to_owned();
            failure(Operation::Committed, Reaction::Retry, message)
        })
    }
}
