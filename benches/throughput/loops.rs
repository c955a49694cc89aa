//! What the pipeline is measured against: one thread that reads, writes and commits every 100 ms, and does nothing else; and
//! the same with the document parsed into structs and written again.
//!
//! As fast as we know how: messages are taken in batches from one queue, delivery is reported only where it fails.

use millstream::broker::kafka::KafkaSettings;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(30);
const BATCH: usize = 1_000;

/// `loop KIND BROKERS FROM TO NAME`, until it is killed.
pub fn run(arguments: &[String]) -> ! {
    let [kind, brokers, from, to, name] = arguments else {
        panic!("loop KIND BROKERS FROM TO NAME")
    };
    let typed = kind == "typed";
    let settings = KafkaSettings {
        brokers: brokers.clone(),
        properties: BTreeMap::new(),
    };
    let consumer: BaseConsumer = settings.consumer().set("group.id", name).create().expect("a consumer");
    let producer: BaseProducer = settings
        .producer()
        .set("transactional.id", name)
        .create()
        .expect("a producer");
    producer.init_transactions(LIMIT).expect("transactions");
    let group = consumer.group_metadata().expect("the group's metadata");

    let metadata = consumer
        .fetch_metadata(Some(from), LIMIT)
        .expect("the topic's metadata");
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let mut next: Vec<i64> = vec![-1; partitions];
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment
            .add_partition_offset(from, partition as i32, Offset::Beginning)
            .expect("a partition");
    }
    consumer.assign(&assignment).expect("an assignment");

    // SAFETY: the consumer outlives the queue, which is never given back: the process ends by being killed.
    let queue = unsafe { bindings::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
    let mut messages = vec![std::ptr::null_mut(); BATCH];
    let mut buffer = Vec::with_capacity(4_096);
    let mut open = None;
    loop {
        // SAFETY: the queue lives, and there is room for as many messages as asked for.
        let taken = unsafe { bindings::rd_kafka_consume_batch_queue(queue, 10, messages.as_mut_ptr(), messages.len()) };
        for message in messages.iter().take(usize::try_from(taken).unwrap_or(0)) {
            if open.is_none() {
                producer.begin_transaction().expect("a transaction");
                open = Some(Instant::now());
            }
            // SAFETY: a message of librdkafka is valid, with as many bytes as it says, until it is destroyed below.
            unsafe {
                let message = &**message;
                assert!(
                    message.err == bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
                    "reading failed: {:?}",
                    message.err
                );
                let key = std::slice::from_raw_parts(message.key.cast::<u8>(), message.key_len);
                let value = std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len);
                if typed {
                    let event: Event = serde_json::from_slice(value).expect("an update of a user");
                    buffer.clear();
                    serde_json::to_writer(&mut buffer, &event).expect("JSON");
                    send(&producer, to, key, &buffer);
                } else {
                    send(&producer, to, key, value);
                }
                next[message.partition as usize] = message.offset + 1;
            }
            // SAFETY: it was given to us and is used no more.
            unsafe { bindings::rd_kafka_message_destroy(*message) };
        }
        producer.poll(Duration::ZERO);
        if open.is_some_and(|since: Instant| since.elapsed() >= COMMIT_INTERVAL) {
            flush(&producer);
            let mut offsets = TopicPartitionList::new();
            for (partition, offset) in next.iter().enumerate().filter(|(_, offset)| **offset >= 0) {
                offsets
                    .add_partition_offset(from, partition as i32, Offset::Offset(*offset))
                    .expect("a partition");
            }
            producer
                .send_offsets_to_transaction(&offsets, &group, LIMIT)
                .expect("offsets sent");
            producer.commit_transaction(LIMIT).expect("a commit");
            open = None;
        }
    }
}

fn send(producer: &BaseProducer, topic: &str, key: &[u8], value: &[u8]) {
    let mut record = BaseRecord::to(topic).key(key).payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::from_millis(1));
            }
            Err((error, _)) => panic!("cannot write: {error}"),
        }
    }
}

/// The binding's own flush polls busily.
fn flush(producer: &BaseProducer) {
    // SAFETY: the producer is alive, and librdkafka only waits here.
    while unsafe { bindings::rd_kafka_flush(producer.client().native_ptr(), 50) }
        != bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
    {
        producer.poll(Duration::ZERO);
    }
}

#[derive(Deserialize, Serialize)]
struct Event {
    version: String,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    account: String,
    time: String,
    region: String,
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    timestamp: i64,
    payload: Payload,
    collection_id: String,
    event_type: String,
    user_id: String,
    act_on_behalf_of_user: i64,
    roles: Vec<String>,
    channel: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    response_code: String,
    response_message: String,
    users: Vec<User>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    guest: bool,
    id: i64,
    collection_id: i64,
    status: String,
    r#type: i64,
    date_of_birth: String,
    gender: String,
    first_name: String,
    last_name: String,
    phone_number: String,
    reference_attribute2: i64,
    email: String,
    preferences: String,
    created_date: i64,
    updated_date: i64,
    identities: Vec<Identity>,
    custom_properties: BTreeMap<String, String>,
    addresses: Vec<Address>,
    available_resend: i64,
    #[serde(rename = "maximumOTPAttempt")]
    maximum_otp_attempt: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    id: i64,
    identity: String,
    r#type: i64,
    identity_type: String,
    status: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    id: i64,
    r#type: String,
    first_name: String,
    middle_name: String,
    last_name: String,
    phone: String,
    street1: String,
    city: String,
    country: String,
    state: String,
    zip_code: String,
    validated: bool,
    created_date: i64,
    updated_date: i64,
    properties: BTreeMap<String, String>,
    default: bool,
}
