//! The properties that our clients have: what we need for the guarantee, then the user's, then defaults made for throughput
//! within bounded memory.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the cluster is, and the librdkafka properties of the user, which override our defaults.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    pub brokers: String,
    pub properties: BTreeMap<String, String>,
}

/// Bounds the memory of a consumer's queue, whatever the lag is.
const CONSUMER_QUEUE_KBYTES: &str = "8192";
/// Bounds one answer to a fetch, which comes on top of the queue and unpacked takes ten times as much: the default of 50 MiB
/// would be most of the memory.
const FETCH_BYTES: &str = "1048576";
/// Of one partition: a batch that is larger is handed out all the same.
const PARTITION_FETCH_BYTES: &str = "131072";
/// Bounds the memory of a producer's queue.
const PRODUCER_QUEUE_KBYTES: &str = "16384";

/// librdkafka's own, and ours.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);

const CONSUMER_DEFAULTS: &[(&str, &str)] = &[
    ("queued.max.messages.kbytes", CONSUMER_QUEUE_KBYTES),
    ("queued.min.messages", "20000"),
    ("fetch.max.bytes", FETCH_BYTES),
    ("max.partition.fetch.bytes", PARTITION_FETCH_BYTES),
    // A full queue is asked again soon: the default of a second would starve the worker.
    ("fetch.queue.backoff.ms", "2"),
    ("fetch.wait.max.ms", "100"),
    ("auto.offset.reset", "earliest"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "45000"),
];

const PRODUCER_DEFAULTS: &[(&str, &str)] = &[
    ("queue.buffering.max.kbytes", PRODUCER_QUEUE_KBYTES),
    ("linger.ms", "20"),
    ("compression.type", "lz4"),
    ("transaction.timeout.ms", "10000"),
    // When the group's coordinator goes away while offsets are sent to it, librdkafka looks for the new one only once the state of
    // any connection changes, whatever the call's time-out. Without this the next change would be a broker's own limit: 10 minutes.
    ("connections.max.idle.ms", "10000"),
    // As Java clients hash keys, so that topics of ours and theirs are co-partitioned.
    ("partitioner", "murmur2_random"),
    // A little above the largest record: topics with a larger limit are the user's to allow.
    ("message.max.bytes", "1048576"),
];

/// Properties that only one of the two kinds of client takes; librdkafka would warn about them on the other.
const CONSUMER_ONLY: &[&str] = &[
    "fetch.",
    "max.partition.fetch.",
    "queued.",
    "auto.offset.",
    "partition.assignment.",
    "session.",
    "heartbeat.",
    "max.poll.",
    "group.",
];
const PRODUCER_ONLY: &[&str] = &[
    "queue.buffering.",
    "linger.",
    "compression.",
    "transaction.",
    "partitioner",
    "batch.",
    "message.timeout.",
    "request.required.",
    "acks",
    "retries",
    "delivery.",
];

impl KafkaSettings {
    /// Properties of every client: for admin requests and metadata.
    pub fn common(&self) -> ClientConfig {
        self.with(&[], &[CONSUMER_ONLY, PRODUCER_ONLY])
    }

    pub fn consumer(&self) -> ClientConfig {
        let mut config = self.with(CONSUMER_DEFAULTS, &[PRODUCER_ONLY]);
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("isolation.level", "read_committed");
        config.set("enable.partition.eof", "false");
        config.set("allow.auto.create.topics", "false");
        config
    }

    /// How long a member of a group that is gone stays a member.
    pub fn session_timeout(&self) -> Duration {
        let config = self.consumer();
        let millis = config.get("session.timeout.ms").and_then(|text| text.parse().ok());
        millis.map_or(SESSION_TIMEOUT, Duration::from_millis)
    }

    pub fn producer(&self) -> ClientConfig {
        let mut config = self.with(PRODUCER_DEFAULTS, &[CONSUMER_ONLY]);
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        // Only what failed is reported; what is still under way is known by its count.
        config.set("delivery.report.only.error", "true");
        config
    }

    /// Properties that librdkafka does not take, each with its reason: found before there is any client.
    pub fn refused<'p>(properties: impl IntoIterator<Item = (&'p str, &'p str)>) -> Vec<(String, String)> {
        let mut refused = Vec::new();
        for (name, value) in properties {
            let mut config = ClientConfig::new();
            config.set(name, value);
            if let Err(KafkaError::ClientConfig(_, why, _, _)) = config.create_native_config() {
                refused.push((name.to_owned(), why));
            }
        }
        refused
    }

    fn with(&self, defaults: &[(&str, &str)], without: &[&[&str]]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "millstream");
        config.set_log_level(RDKafkaLogLevel::Warning);
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            if !without
                .iter()
                .any(|prefixes| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            {
                config.set(name, value);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
        let properties = properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        KafkaSettings {
            brokers: "localhost:9092".into(),
            properties,
        }
    }

    #[test]
    fn a_property_of_the_user_overrides_a_default_and_never_the_guarantee() {
        let settings = settings(&[
            ("linger.ms", "5"),
            ("acks", "0"),
            ("isolation.level", "read_uncommitted"),
        ]);
        assert_eq!(settings.producer().get("linger.ms"), Some("5"));
        assert_eq!(settings.producer().get("acks"), Some("all"));
        assert_eq!(settings.consumer().get("isolation.level"), Some("read_committed"));
    }

    #[test]
    fn a_producers_property_does_not_reach_the_consumer() {
        assert_eq!(settings(&[("linger.ms", "5")]).consumer().get("linger.ms"), None);
        assert_eq!(
            settings(&[("fetch.min.bytes", "5")]).producer().get("fetch.min.bytes"),
            None
        );
    }

    #[test]
    fn what_librdkafka_does_not_take_is_known_without_a_client() {
        let properties = [("linger.ms", "5"), ("linger.mz", "5"), ("fetch.min.bytes", "many")];
        let names: Vec<_> = KafkaSettings::refused(properties)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["linger.mz", "fetch.min.bytes"]);
    }
}
