//! How much of a topic is committed, cheaply: by its offsets.

use super::client::offsets;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::Duration;

/// The last stable offsets of a topic, summed.
pub struct Progress {
    consumer: BaseConsumer,
    topic: String,
    partitions: i32,
}

impl Progress {
    pub fn new(brokers: &str, topic: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("group.id", "bench-watch")
            .set("isolation.level", "read_committed");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let metadata = consumer
            .fetch_metadata(Some(topic), Duration::from_secs(10))
            .expect("the topic's metadata");
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        Self {
            consumer,
            topic: topic.to_owned(),
            partitions: i32::try_from(partitions).unwrap_or(0),
        }
    }

    /// Markers of transactions count too, so it is a few more than records.
    pub fn offsets(&self) -> u64 {
        let high = |partition| offsets(&self.consumer, &self.topic, partition).1;
        (0..self.partitions).map(high).sum::<i64>().unsigned_abs()
    }
}
