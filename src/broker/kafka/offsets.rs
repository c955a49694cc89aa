//! A group's offsets from outside: read, set, and looked up by time.
//!
//! An offset of a reset that has not finished carries [`UNFINISHED`] as its metadata, which the group's next commit replaces.

use super::config::KafkaSettings;
use super::errors::classify;
use super::list;
use crate::broker::{BrokerError, Reaction, Reset, TopicPartition};
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

const UNFINISHED: &str = "millstream reset has begun";
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that knows the group and never joins it.
pub struct Outsider {
    consumer: BaseConsumer,
}

impl Outsider {
    /// # Errors
    /// `Fatal` for properties that librdkafka refuses.
    pub fn new(kafka: &KafkaSettings, group: &str) -> Result<Self, BrokerError> {
        let mut config = kafka.consumer();
        config.set("group.id", group);
        let consumer = config
            .create()
            .map_err(|error| classify("create a client of the group", error))?;
        Ok(Self { consumer })
    }

    /// # Errors
    /// `Retry` while a transaction holds some of them.
    pub fn committed(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>, BrokerError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self
            .consumer
            .committed_offsets(list(partitions), timeout)
            .map_err(|error| classify("fetch committed offsets", error))?;
        offsets_of(&answer, partitions, "fetch committed offsets")
    }

    /// Reads back what it set: librdkafka says nothing of partitions that failed beside others that did not.
    ///
    /// # Errors
    /// When the broker has not taken all of them; the group has members, most likely.
    pub fn set(&self, offsets: &[(TopicPartition, i64)], reset: Reset) -> Result<(), BrokerError> {
        const OPERATION: &str = "set the group's offsets";
        if offsets.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            let mut element = list.add_partition(&partition.topic, partition.partition);
            element
                .set_offset(Offset::Offset(*offset))
                .map_err(|error| classify(OPERATION, error))?;
            if reset == Reset::Begun {
                element.set_metadata(UNFINISHED);
            }
        }
        self.consumer
            .commit(&list, CommitMode::Sync)
            .map_err(|error| classify(OPERATION, error))?;
        let partitions: Vec<TopicPartition> = offsets.iter().map(|(partition, _)| partition.clone()).collect();
        let taken = self.committed(&partitions, TIMEOUT)?;
        match offsets
            .iter()
            .zip(taken)
            .find(|((_, wanted), taken)| *taken != Some(*wanted))
        {
            None => Ok(()),
            Some(((partition, offset), _)) => Err(BrokerError {
                operation: OPERATION,
                message: format!(
                    "the broker has not taken offset {offset} of {} partition {}",
                    partition.topic, partition.partition
                ),
                reaction: Reaction::Retry,
            }),
        }
    }

    /// # Errors
    /// `Retry` while a partition has no leader.
    pub fn at(&self, partitions: &[TopicPartition], time: i64) -> Result<Vec<Option<i64>>, BrokerError> {
        const OPERATION: &str = "look up offsets by time";
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let times = partitions
            .iter()
            .map(|partition| (partition, Offset::Offset(time.max(0))));
        let times = super::list_at(OPERATION, times)?;
        let answer = self
            .consumer
            .offsets_for_times(times, TIMEOUT)
            .map_err(|error| classify(OPERATION, error))?;
        offsets_of(&answer, partitions, OPERATION)
    }
}

/// The offset of each partition, where the answer has one.
pub fn offsets_of(
    answer: &TopicPartitionList,
    partitions: &[TopicPartition],
    operation: &'static str,
) -> Result<Vec<Option<i64>>, BrokerError> {
    let offset = |partition: &TopicPartition| {
        let element = answer.find_partition(&partition.topic, partition.partition)?;
        let offset = element.error().map(|()| match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        });
        offset.map_err(|error| classify(operation, error)).transpose()
    };
    partitions
        .iter()
        .map(|partition| offset(partition).transpose())
        .collect()
}

/// Whether some of the offsets are of a reset that has not finished. The binding's own call would panic over metadata that is not
/// UTF-8.
pub fn is_reset_unfinished(answer: &TopicPartitionList) -> bool {
    // SAFETY: the list is alive, and nothing changes it meanwhile.
    let elements = unsafe {
        let list = &*answer.ptr();
        super::members::slice(list.elems, list.cnt)
    };
    elements.iter().any(|element: &bindings::rd_kafka_topic_partition_t| {
        let size = i32::try_from(element.metadata_size).unwrap_or(0);
        // SAFETY: librdkafka gave so many bytes with the element.
        let metadata = unsafe { super::members::slice(element.metadata.cast::<u8>(), size) };
        metadata == UNFINISHED.as_bytes()
    })
}
