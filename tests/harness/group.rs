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

/// For a failure's message: of every partition of the topics that begin with `prefix`, the last stable offset,
/// the end, and what the group has committed. Only partitions that have anything.
pub fn describe(brokers: &str, group: &str, prefix: &str) -> String {
    const SHORT: Duration = Duration::from_secs(5);
    let consumer = |isolation: &str| -> BaseConsumer {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("isolation.level", isolation)
            .set("log_level", "0");
        config.create().expect("a consumer")
    };
    let (stable, all) = (consumer("read_committed"), consumer("read_uncommitted"));
    let Ok(metadata) = all.fetch_metadata(None, SHORT) else {
        return "the brokers don't answer".to_owned();
    };
    let mut text = String::from("topic [partition]: last stable offset, end; committed by the group\n");
    for topic in metadata
        .topics()
        .iter()
        .filter(|topic| topic.name().starts_with(prefix))
    {
        let _ = stable.fetch_metadata(Some(topic.name()), SHORT);
        for partition in topic.partitions() {
            let id = partition.id();
            let ends = (
                stable.fetch_watermarks(topic.name(), id, SHORT),
                all.fetch_watermarks(topic.name(), id, SHORT),
            );
            let (stable, end) = match ends {
                (Ok((_, _)), Ok((_, 0))) => continue,
                (Ok((_, stable)), Ok((_, end))) => (stable.to_string(), end.to_string()),
                (stable, end) => (format!("{stable:?}"), format!("{end:?}")),
            };
            let mut list = TopicPartitionList::new();
            list.add_partition(topic.name(), id);
            let committed = all.committed_offsets(list, SHORT).map(|list| {
                let found = list.elements_for_topic(topic.name());
                found.first().map(|element| element.offset())
            });
            text.push_str(&format!(
                "{} [{id}]: {stable}, {end}; {committed:?}, leader {}, in sync {:?}\n",
                topic.name(),
                partition.leader(),
                partition.isr()
            ));
        }
    }
    text
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
