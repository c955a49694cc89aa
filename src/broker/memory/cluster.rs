//! The state of the cluster, behind one lock: topics, groups, transactional ids, the clock.

use super::faults::{Faults, Random};
use super::groups::Group;
use super::log::{Log, Stored};
use super::operation::{Operation, failure};
use super::transactional::Transactional;
use crate::broker::partition::partition_of;
use crate::broker::{BrokerError, Outgoing, Reaction, TopicPartition, TopicState};
use std::collections::{BTreeMap, HashMap};

/// Kafka's default for `max.message.bytes`.
const MAX_MESSAGE_BYTES: usize = 1_048_588;
/// librdkafka's default for `message.max.bytes`.
const CLIENT_LIMIT: usize = 1_000_000;

pub(super) struct Topic {
    pub settings: Vec<(String, String)>,
    pub max_message_bytes: usize,
    pub logs: Vec<Log>,
}

pub(super) struct Cluster {
    pub topics: HashMap<String, Topic>,
    pub groups: BTreeMap<String, Group>,
    pub transactionals: BTreeMap<String, Transactional>,
    pub next_transaction: u64,
    /// Milliseconds since the epoch. Stands still unless moved.
    pub now: i64,
    /// Counts calls, for what happens a little later.
    pub calls: u64,
    /// For the next transaction that ends: how many calls later its markers come.
    pub late_markers: u32,
    pub random: Random,
    pub faults: Option<Box<dyn Faults>>,
}

impl Cluster {
    pub fn new(seed: u64) -> Cluster {
        Cluster {
            topics: HashMap::new(),
            groups: BTreeMap::new(),
            transactionals: BTreeMap::new(),
            next_transaction: 0,
            now: 1_700_000_000_000,
            calls: 0,
            late_markers: 0,
            random: Random::new(seed),
            faults: None,
        }
    }

    pub fn create_topic(&mut self, topic: &TopicState) -> Result<(), BrokerError> {
        if topic.partitions < 1 {
            let message = format!("topic {} must have at least one partition", topic.name);
            return Err(failure(Operation::Create, Reaction::Fatal, message));
        }
        if self.topics.contains_key(&topic.name) {
            return Ok(());
        }
        let setting = |name: &str| topic.settings.iter().find(|(n, _)| n == name).map(|(_, value)| value);
        let max_message_bytes = match setting("max.message.bytes") {
            None => MAX_MESSAGE_BYTES,
            Some(text) => text.parse().map_err(|_| {
                let message = format!("max.message.bytes of topic {} is not a number: {text}", topic.name);
                failure(Operation::Create, Reaction::Fatal, message)
            })?,
        };
        let logs = (0..topic.partitions).map(|_| Log::default()).collect();
        let settings = topic.settings.clone();
        self.topics.insert(
            topic.name.clone(),
            Topic {
                settings,
                max_message_bytes,
                logs,
            },
        );
        Ok(())
    }

    pub fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    pub fn log(&self, operation: Operation, partition: &TopicPartition) -> Result<&Log, BrokerError> {
        let log = self
            .topics
            .get(&partition.topic)
            .and_then(|t| t.logs.get(usize::try_from(partition.partition).ok()?));
        log.ok_or_else(|| no_partition(operation, partition))
    }

    pub fn log_mut(&mut self, operation: Operation, partition: &TopicPartition) -> Result<&mut Log, BrokerError> {
        let topic = self.topics.get_mut(&partition.topic);
        let log = topic.and_then(|t| t.logs.get_mut(usize::try_from(partition.partition).ok()?));
        log.ok_or_else(|| no_partition(operation, partition))
    }

    /// Checks a record and chooses its partition.
    pub fn prepare(&mut self, record: &Outgoing<'_>) -> Result<(TopicPartition, Stored), BrokerError> {
        let Some(topic) = self.topics.get(record.topic) else {
            let message = format!("there is no topic {}", record.topic);
            return Err(failure(Operation::Send, Reaction::Fatal, message));
        };
        let stored = Stored {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .iter()
                .map(|h| (h.name.to_owned(), h.value.map(<[u8]>::to_vec)))
                .collect(),
            timestamp: record.timestamp.unwrap_or(self.now),
        };
        check_size(stored.size(), CLIENT_LIMIT, "a client")?;
        let partitions = topic.logs.len() as i32;
        let partition = match (record.partition, record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_of(key, partitions),
            (None, None) => self.random.below(partitions as u64) as i32,
        };
        let partition = TopicPartition {
            topic: record.topic.to_owned(),
            partition,
        };
        self.log(Operation::Send, &partition)?;
        Ok((partition, stored))
    }

    /// What the broker holds against a record that reaches it: the topic's limit.
    pub fn check_limit(&self, partition: &TopicPartition, record: &Stored) -> Result<(), BrokerError> {
        match self.topics.get(&partition.topic) {
            Some(topic) => check_size(
                record.size(),
                topic.max_message_bytes,
                &format!("topic {}", partition.topic),
            ),
            None => Ok(()),
        }
    }

    /// All partitions of those of `topics` that exist, in order.
    pub fn partitions(&self, topics: &[String]) -> Vec<TopicPartition> {
        let mut partitions: Vec<TopicPartition> = topics
            .iter()
            .filter_map(|name| self.topics.get(name).map(|topic| (name, topic.logs.len() as i32)))
            .flat_map(|(name, count)| {
                (0..count).map(|partition| TopicPartition {
                    topic: name.clone(),
                    partition,
                })
            })
            .collect();
        partitions.sort();
        partitions.dedup();
        partitions
    }
}

fn check_size(size: usize, limit: usize, of: &str) -> Result<(), BrokerError> {
    if size <= limit {
        return Ok(());
    }
    let message = format!("a record of {size} bytes is larger than the {limit} that {of} allows");
    Err(failure(Operation::Send, Reaction::DeadLetter, message))
}

fn no_partition(operation: Operation, partition: &TopicPartition) -> BrokerError {
    let message = format!(
        "there is no partition {} of a topic {}",
        partition.partition, partition.topic
    );
    failure(operation, Reaction::Fatal, message)
}
