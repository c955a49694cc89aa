//! A consumer group as the brokers keep it: its generation, which counts its rebalances.
//!
//! No client can ask for it, so it is read where the group coordinator keeps it: the topic `__consumer_offsets`.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const TOPIC: &str = "__consumer_offsets";
const LIMIT: Duration = Duration::from_secs(30);

/// The generation that the group's coordinator last wrote. `None`: it never wrote one.
pub fn generation(brokers: &str, group: &str) -> Option<i32> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "millstream-test-verifier")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // What pending transactions hold back is no business of the group's.
        .set("isolation.level", "read_uncommitted")
        .set("log_level", "3")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(TOPIC), LIMIT).expect("metadata");
    let mut assignment = TopicPartitionList::new();
    let mut open = 0;
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        let added = assignment.add_partition_offset(TOPIC, partition.id(), Offset::Beginning);
        added.expect("a partition");
        open += 1;
    }
    consumer.assign(&assignment).expect("an assignment");
    let mut found = None;
    let mut last = Instant::now();
    while open > 0 {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                last = Instant::now();
                let of_group = message.key().and_then(group_of) == Some(group);
                if let Some(value) = message.payload().filter(|_| of_group) {
                    found = Some(generation_in(value).expect("a group's metadata"));
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            other => assert!(last.elapsed() < LIMIT, "reading {TOPIC}: {:?}", other.map(|_| ())),
        }
    }
    found
}

/// The group that a key of version 2 (a group's metadata) names; other keys are offsets.
fn group_of(key: &[u8]) -> Option<&str> {
    let rest = key.strip_prefix(&[0, 2])?;
    let (length, name) = rest.split_first_chunk::<2>()?;
    std::str::from_utf8(name.get(..usize::from(u16::from_be_bytes(*length)))?).ok()
}

/// `version: i16, protocol type: string, generation: i32, …`; from version 4 on strings are compact.
fn generation_in(value: &[u8]) -> Option<i32> {
    let (version, rest) = value.split_first_chunk::<2>()?;
    let after = if i16::from_be_bytes(*version) >= 4 {
        let (length, rest) = rest.split_first()?;
        rest.get(usize::from(*length).checked_sub(1)?..)?
    } else {
        let (length, rest) = rest.split_first_chunk::<2>()?;
        rest.get(usize::from(u16::from_be_bytes(*length))..)?
    };
    after
        .first_chunk::<4>()
        .map(|generation| i32::from_be_bytes(*generation))
}

#[test]
fn a_generation_is_found_behind_the_protocols_name() {
    let key = [&[0, 2, 0, 5][..], b"group"].concat();
    assert_eq!(group_of(&key), Some("group"));
    assert_eq!(group_of(&[&[0, 1, 0, 5][..], b"group"].concat()), None);
    let value = [&[0, 3, 0, 8][..], b"consumer", &[0, 0, 1, 2, 9]].concat();
    assert_eq!(generation_in(&value), Some(258));
    let compact = [&[0, 4, 9][..], b"consumer", &[0, 0, 1, 2, 9]].concat();
    assert_eq!(generation_in(&compact), Some(258));
}
