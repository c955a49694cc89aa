//! What tests and the driver do to a cluster from outside: no faults strike here.

use super::groups::MemberState;
use super::log::Stored;
use super::{Cluster, Faults, MemoryBroker};
use crate::broker::{BrokerError, Outgoing, TopicPartition, TopicState};
use std::sync::Arc;
use std::time::Duration;

/// Longer than sessions, which is what Kafka's own defaults are, so that a dead worker's transaction outlives its membership:
/// nothing that must hold may depend on the order of the two.
const SESSION_TIMEOUT_MS: i64 = 45_000;
const TRANSACTION_TIMEOUT_MS: i64 = 60_000;

/// A committed record, as an outside consumer would get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dumped {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: i64,
}

impl Dumped {
    pub(super) fn of(partition: &TopicPartition, offset: i64, record: &Stored) -> Dumped {
        Dumped {
            topic: partition.topic.clone(),
            partition: partition.partition,
            offset,
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
            timestamp: record.timestamp,
        }
    }
}

impl MemoryBroker {
    /// Creates a topic, unless it is there.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        self.look().create_topic(&TopicState {
            name: name.to_owned(),
            partitions,
            settings: Vec::new(),
        })
    }

    /// Creates a topic with settings, unless it is there.
    pub fn create_topic_with(&self, topic: &TopicState) -> Result<(), BrokerError> {
        self.look().create_topic(topic)
    }

    /// The names of all topics, sorted.
    pub fn topics(&self) -> Vec<String> {
        let mut names: Vec<String> = self.look().topics.keys().cloned().collect();
        names.sort();
        names
    }

    /// Writes a record as an outside producer; returns where it lies.
    pub fn produce(&self, record: &Outgoing<'_>) -> Result<(TopicPartition, i64), BrokerError> {
        let mut cluster = self.look();
        let (partition, stored) = cluster.prepare(record)?;
        cluster.check_limit(&partition, &stored)?;
        let offset = cluster
            .log_mut(super::Operation::Send, &partition)?
            .append(Arc::new(stored), None);
        drop(cluster);
        self.shared.changed.notify_all();
        Ok((partition, offset))
    }

    /// All committed records of a topic, by partition and offset. Empty for a topic that is not there.
    pub fn committed_records(&self, topic: &str) -> Vec<Dumped> {
        let cluster = self.look();
        let mut dump = Vec::new();
        let logs = cluster.topics.get(topic).map(|t| t.logs.as_slice()).unwrap_or_default();
        for (partition, log) in (0..).zip(logs) {
            let topic = topic.to_owned();
            let partition = TopicPartition { topic, partition };
            log.read(0, usize::MAX, &mut |offset, record| {
                dump.push(Dumped::of(&partition, offset, record));
            });
        }
        dump
    }

    /// The offset that a group has committed.
    pub fn committed_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let partition = TopicPartition {
            topic: topic.to_owned(),
            partition,
        };
        self.look().groups.get(group)?.offsets.get(&partition).copied()
    }

    /// Committed records that a group has not moved past yet, in all partitions of these topics.
    pub fn lag(&self, group: &str, topics: &[String]) -> i64 {
        let cluster = self.look();
        let mut lag = 0;
        for partition in cluster.partitions(topics) {
            let offset = cluster
                .groups
                .get(group)
                .and_then(|g| g.offsets.get(&partition))
                .copied();
            if let Ok(log) = cluster.log(super::Operation::Offsets, &partition) {
                log.read(offset.unwrap_or(0), usize::MAX, &mut |_, _| lag += 1);
            }
        }
        lag
    }

    pub fn members(&self, group: &str) -> Vec<MemberState> {
        self.look().groups.get(group).map(|g| g.members()).unwrap_or_default()
    }

    /// Ends a member's session: it is out of the group, and learns of it at its next poll.
    pub fn expire(&self, group: &str, member: &str) {
        self.look().group(group).remove(member);
    }

    /// The transactional ids whose transactions are not over.
    pub fn open_transactions(&self) -> Vec<String> {
        self.look().unsettled()
    }

    /// Sets, or takes away, what decides on faults.
    pub fn set_faults(&self, faults: Option<Box<dyn Faults>>) {
        self.look().faults = faults;
    }

    /// Moves the clock: sessions and transactions that are too old end.
    pub fn advance(&self, by: Duration) {
        let mut cluster = self.look();
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        cluster.now = cluster.now.saturating_add(by);
        let now = cluster.now;
        cluster
            .groups
            .values_mut()
            .for_each(|group| group.expire(now, SESSION_TIMEOUT_MS));
        cluster.time_out_transactions(TRANSACTION_TIMEOUT_MS);
        drop(cluster);
        self.shared.changed.notify_all();
    }

    /// Milliseconds since the epoch, as the cluster has it.
    pub fn now(&self) -> i64 {
        let cluster: &Cluster = &self.look();
        cluster.now
    }
}
