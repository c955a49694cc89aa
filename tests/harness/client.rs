//! Feeding topics and reading what was committed, by rdkafka alone.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer, ProducerContext};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
/// Longer than brokers are away in any test.
const WRITE_LIMIT: Duration = Duration::from_secs(180);

/// A record to be written.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub topic: String,
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: Option<i64>,
}

impl Message {
    pub fn new(topic: &str, key: Option<&str>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            topic: topic.to_owned(),
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(value.into()),
            ..Self::default()
        }
    }

    pub fn tombstone(topic: &str, key: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            key: Some(key.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), Some(value.into())));
        self
    }
}

/// A record as a separate read_committed consumer sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Delivered {
    pub fn key_text(&self) -> Option<String> {
        self.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned())
    }

    pub fn value_text(&self) -> String {
        self.value.as_ref().map_or_else(
            || "(null)".to_owned(),
            |value| String::from_utf8_lossy(value).into_owned(),
        )
    }

    pub fn json(&self) -> serde_json::Value {
        let value = self
            .value
            .as_deref()
            .unwrap_or_else(|| panic!("a tombstone in {}", self.topic));
        serde_json::from_slice(value)
            .unwrap_or_else(|error| panic!("{} holds no JSON ({error}): {}", self.topic, self.value_text()))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rev().find(|(header, _)| header == name)?;
        value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

pub struct Client {
    brokers: String,
}

impl Client {
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("log_level", "3");
        config
    }

    // ---- topics

    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.create_topic_with(name, partitions, &[]);
    }

    pub fn create_topic_with(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        self.create_topics(&[name], partitions, settings);
    }

    pub fn create_topics(&self, names: &[&str], partitions: i32, settings: &[(&str, &str)]) {
        let mut topics = Vec::new();
        for name in names {
            // -1: as often as the cluster keeps things.
            let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
            for (setting, value) in settings {
                topic = topic.set(setting, value);
            }
            topics.push(topic);
        }
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let results = block_on(admin.create_topics(&topics, &options)).expect("an answer to creating topics");
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("cannot create topic {topic}: {error}"));
        }
        // A broker may not know yet what the controller has made.
        for broker in self.brokers.split(',') {
            let consumer: BaseConsumer = Self::new(broker).config().create().expect("a client");
            for name in names {
                super::wait_until(&format!("{broker} to know of the topic {name}"), LIMIT, || {
                    let found = partitions_of(&consumer, name).len();
                    (found == partitions as usize)
                        .then_some(())
                        .ok_or(format!("{found} partitions"))
                });
            }
        }
    }

    /// Deletes every topic but Kafka's own.
    pub fn delete_topics(&self) {
        let topics = self.topics();
        let names: Vec<&str> = topics.keys().map(String::as_str).collect();
        if names.is_empty() {
            return;
        }
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let options = AdminOptions::new()
            .operation_timeout(Some(LIMIT))
            .request_timeout(Some(LIMIT));
        let results = block_on(admin.delete_topics(&names, &options)).expect("an answer to deleting topics");
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("cannot delete topic {topic}: {error}"));
        }
    }

    /// The settings of a topic as the broker has them, defaults included.
    pub fn topic_settings(&self, name: &str) -> BTreeMap<String, String> {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        let results = block_on(admin.describe_configs([&ResourceSpecifier::Topic(name)], &options))
            .expect("an answer to describing a topic");
        let mut settings = BTreeMap::new();
        for resource in results {
            let resource = resource.unwrap_or_else(|error| panic!("cannot describe topic {name}: {error}"));
            for entry in resource.entries {
                settings.insert(entry.name, entry.value.unwrap_or_default());
            }
        }
        settings
    }

    /// The names of all topics but Kafka's own, with their number of partitions.
    pub fn topics(&self) -> BTreeMap<String, usize> {
        let consumer: BaseConsumer = self.config().create().expect("a consumer");
        let metadata = consumer.fetch_metadata(None, LIMIT).expect("metadata");
        let own = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__"));
        own.map(|topic| (topic.name().to_owned(), topic.partitions().len()))
            .collect()
    }

    // ---- writing

    /// Writes all of them, in order, and waits until the broker has them.
    pub fn produce(&self, messages: &[Message]) {
        let producer = self.producer(|config| {
            config.set("enable.idempotence", "true");
        });
        send_all(&producer, messages);
    }

    /// As [`Client::produce`], in so many portions with a pause after each. Ends early when `stop` says so.
    pub fn produce_in_portions(&self, messages: &[Message], portion: usize, pause: Duration, stop: &AtomicBool) {
        let producer = self.producer(|config| {
            config.set("enable.idempotence", "true");
        });
        for messages in messages.chunks(portion.max(1)) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            send(&producer, messages);
            let next = Instant::now() + pause;
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                producer.poll(left);
            }
        }
        flush(&producer);
    }

    /// Writes each batch in a transaction of its own that is committed or, on `false`, aborted.
    pub fn produce_in_transactions(&self, transactional_id: &str, batches: &[(Vec<Message>, bool)]) {
        let producer = self.producer(|config| {
            config.set("transactional.id", transactional_id);
        });
        producer.init_transactions(LIMIT).expect("transactions");
        for (messages, commit) in batches {
            producer.begin_transaction().expect("a transaction");
            send_all(&producer, messages);
            if *commit {
                producer.commit_transaction(LIMIT).expect("the transaction committed");
            } else {
                producer.abort_transaction(LIMIT).expect("the transaction aborted");
            }
        }
    }

    fn producer(&self, configure: impl FnOnce(&mut ClientConfig)) -> BaseProducer<Failures> {
        let mut config = self.config();
        config
            // as Java clients place keys
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "200000");
        configure(&mut config);
        <BaseProducer<Failures> as FromClientConfigAndContext<Failures>>::from_config_and_context(
            &config,
            Failures::default(),
        )
        .expect("a producer")
    }

    // ---- reading

    /// Everything committed in `topic`, from the start to the last stable offset of each partition, in the order of
    /// partition and offset, by a consumer made for this.
    pub fn committed(&self, topic: &str) -> Vec<Delivered> {
        let mut records = Vec::new();
        self.each_committed(topic, |record| records.push(record));
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Waits until at least `count` records are committed in `topic`: a reader follows it from the start.
    pub fn wait_committed(&self, topic: &str, count: usize, limit: Duration) {
        if count == 0 {
            return;
        }
        let consumer = self.verifier();
        let partitions = super::wait_until(&format!("the topic {topic}"), limit, || {
            let partitions = partitions_of(&consumer, topic);
            if partitions.is_empty() {
                Err("it is not there".to_owned())
            } else {
                Ok(partitions)
            }
        });
        let mut assignment = TopicPartitionList::new();
        for partition in partitions {
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("a partition");
        }
        consumer.assign(&assignment).expect("an assignment");
        let deadline = Instant::now() + limit;
        let mut found = 0;
        let mut trouble = None;
        while found < count {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(_)) => found += 1,
                Some(Err(KafkaError::PartitionEOF(_))) | None => {}
                // A broker that is away: it may come back.
                Some(Err(error)) => trouble = Some(error),
            }
            assert!(
                Instant::now() < deadline,
                "waited {limit:?} in vain for {count} committed records in {topic}: there are {found}{}",
                trouble.map_or(String::new(), |error| format!(", last trouble: {error}"))
            );
        }
    }

    /// A consumer in no group that sees what is committed.
    fn verifier(&self) -> BaseConsumer {
        let mut config = self.config();
        config
            .set("group.id", "millstream-test-verifier")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10");
        config.create().expect("a verifier")
    }

    pub fn committed_count(&self, topic: &str) -> usize {
        let mut count = 0;
        self.each_committed(topic, |_| count += 1);
        count
    }

    fn each_committed(&self, topic: &str, mut each: impl FnMut(Delivered)) {
        let consumer = self.verifier();
        let mut open: Vec<i32> = Vec::new();
        let mut assignment = TopicPartitionList::new();
        for partition in partitions_of(&consumer, topic) {
            // Of a read_committed consumer, the high one is the last stable offset.
            let (low, high) = offsets(&consumer, topic, partition);
            if high > low {
                open.push(partition);
                assignment
                    .add_partition_offset(topic, partition, Offset::Beginning)
                    .expect("a partition");
            }
        }
        if open.is_empty() {
            return;
        }
        consumer.assign(&assignment).expect("an assignment");
        let mut last = Instant::now();
        while !open.is_empty() {
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    last = Instant::now();
                    let mut headers = Vec::new();
                    for header in message.headers().into_iter().flat_map(Headers::iter) {
                        headers.push((header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
                    }
                    each(Delivered {
                        topic: topic.to_owned(),
                        partition: message.partition(),
                        offset: message.offset(),
                        timestamp: message.timestamp().to_millis(),
                        key: message.key().map(<[u8]>::to_vec),
                        value: message.payload().map(<[u8]>::to_vec),
                        headers,
                    });
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|other| *other != partition),
                // Also a broker that is away for a moment.
                other => assert!(
                    last.elapsed() < LIMIT,
                    "reading {topic}: nothing for {LIMIT:?}, partitions {open:?} not at their end: {:?}",
                    other.and_then(Result::err)
                ),
            }
        }
    }

    /// Commits an offset for a group that has no members, with metadata, as tools do.
    pub fn commit_for(&self, group: &str, topic: &str, partition: i32, offset: i64, metadata: &str) {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(topic, partition);
        element.set_offset(Offset::Offset(offset)).expect("an offset");
        element.set_metadata(metadata);
        consumer.commit(&list, CommitMode::Sync).expect("the offset committed");
    }

    /// What the group has committed for a topic: the sum over its partitions.
    pub fn group_progress(&self, group: &str, topic: &str) -> i64 {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let metadata = consumer
            .fetch_metadata(Some(topic), LIMIT)
            .expect("the topic's metadata");
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition(topic, partition.id());
        }
        let committed = consumer.committed_offsets(list, LIMIT).expect("the group's offsets");
        committed
            .elements()
            .iter()
            .filter_map(|element| element.offset().to_raw())
            .filter(|offset| *offset > 0)
            .sum()
    }
}

/// None of a topic that is not there.
fn partitions_of(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let metadata = super::wait_until(&format!("the metadata of {topic}"), LIMIT, || {
        consumer
            .fetch_metadata(Some(topic), Duration::from_secs(5))
            .map_err(|error| error.to_string())
    });
    let described = metadata.topics().iter().filter(|topic| topic.error().is_none());
    described
        .flat_map(|topic| topic.partitions())
        .map(rdkafka::metadata::MetadataPartition::id)
        .collect()
}

/// First and last offset of a partition (of a read_committed consumer, the last stable one). Waits for its leader: a partition
/// just made, or of a broker just back, has none for a moment.
pub fn offsets(consumer: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    super::wait_until(&format!("the offsets of {topic}[{partition}]"), LIMIT, || {
        // From its cache, librdkafka calls a partition unknown that had no leader once: metadata asked for anew mend that.
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(5));
        let found = metadata.and_then(|_| consumer.fetch_watermarks(topic, partition, Duration::from_secs(5)));
        found.map_err(|error| error.to_string())
    })
}

/// Counts what could not be delivered.
#[derive(Default)]
struct Failures(AtomicUsize);

impl ClientContext for Failures {}

impl ProducerContext<NoCustomPartitioner> for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            eprintln!("not delivered: {error}");
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn send_all(producer: &BaseProducer<Failures>, messages: &[Message]) {
    send(producer, messages);
    flush(producer);
}

fn send(producer: &BaseProducer<Failures>, messages: &[Message]) {
    for message in messages {
        let mut headers = OwnedHeaders::new();
        for (name, value) in &message.headers {
            headers = headers.insert(Header {
                key: name,
                value: value.as_deref(),
            });
        }
        loop {
            let mut record = BaseRecord::<[u8], [u8]>::to(&message.topic);
            record.partition = message.partition;
            record.key = message.key.as_deref();
            record.payload = message.value.as_deref();
            record.timestamp = message.timestamp;
            if !message.headers.is_empty() {
                record = record.headers(headers.clone());
            }
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(10))
                }
                Err((error, _)) => panic!("cannot send to {}: {error}", message.topic),
            }
        }
        producer.poll(Duration::ZERO);
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "flush: waits in coarse steps, which is fine here"
)]
fn flush(producer: &BaseProducer<Failures>) {
    producer.flush(WRITE_LIMIT).expect("everything written");
    let failures = producer.client().context().0.load(Ordering::Relaxed);
    assert!(failures == 0, "{failures} records were not delivered");
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}
