//! What becomes of a message: key, headers, record or dead letter, over a broker in memory.

use super::keys::Keys;
use super::outlet::{Message, Outlet, Written};
use super::state::FeedState;
use crate::broker::TopicState;
use crate::broker::memory::{Dumped, MemoryBroker};
use crate::topology::{Topology, load_text};
use std::sync::{Arc, Mutex};

const SHOP: &str = "\
application: shop
feeds:
  queue: {type: sqs, queue_url: \"https://sqs.example/1/shop\", topic: feed.orders, KEY headers: {env: prod, about: = event.id}}
sources: {orders: {topic: feed.orders}}
processors:
  kinds: {type: switch, from: orders, by: = event.kind, cases: {order: {map: order.yaml}}, otherwise: dead_letter}
sinks: {out: {from: kinds, topic: out}}
dead_letters: {topic: dead}
";

fn topology(key: &str) -> Arc<Topology> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("order.yaml"),
        "key: = event.customer\noutput: {id: = event.id}\n",
    )
    .unwrap();
    let loaded = load_text(&SHOP.replace("KEY", key), folder.path(), &|_| None);
    Arc::new(loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")))
}

/// A feed whose way out is a broker in memory, whose topic takes 300 bytes.
fn outlet(key: &str) -> (Outlet, MemoryBroker) {
    let broker = MemoryBroker::new(1);
    for (name, most) in [("feed.orders", "300"), ("dead", "100000")] {
        let topic = TopicState {
            name: name.to_owned(),
            partitions: 1,
            settings: vec![("max.message.bytes".to_owned(), most.to_owned())],
        };
        broker.create_topic_with(&topic).unwrap();
    }
    let topology = topology(key);
    let outlet = Outlet {
        topic: topology.feeds[0].topic.clone(),
        dead_letters: topology.dead_letters.clone(),
        writer: Arc::new(broker.clone()),
        keys: Mutex::new(Keys::new(topology, 0)),
        state: Arc::new(FeedState::new("queue")),
    };
    (outlet, broker)
}

fn message(body: &[u8]) -> Message<'static> {
    Message {
        body: body.to_vec().into(),
        headers: vec![("from".into(), Some(b"afar"[..].into()))],
    }
}

fn give(outlet: &Outlet, message: &Message<'_>) -> Written {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let receipt = outlet.send(message).await;
        outlet.settle(message, receipt).await.unwrap()
    })
}

fn only(broker: &MemoryBroker, topic: &str) -> Dumped {
    let mut dumped = broker.committed_records(topic);
    assert_eq!(dumped.len(), 1);
    dumped.remove(0)
}

fn key_of(key: &str, body: &str) -> Option<String> {
    let (outlet, broker) = outlet(key);
    assert_eq!(give(&outlet, &message(body.as_bytes())), Written::Record);
    only(&broker, "feed.orders")
        .key
        .map(|key| String::from_utf8(key).unwrap())
}

#[test]
fn a_body_is_written_byte_for_byte_with_the_messages_headers_and_the_feeds() {
    let (outlet, broker) = outlet("");
    let body = b"{\"id\": 7,  \"kind\":\"order\"}\n";
    assert_eq!(give(&outlet, &message(body)), Written::Record);
    let record = only(&broker, "feed.orders");
    assert_eq!(record.value.as_deref(), Some(&body[..]));
    assert_eq!(record.key, None);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(
        (now.as_millis() as i64 - record.timestamp).abs() < 60_000,
        "of the time at which it was taken"
    );
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    assert_eq!(
        headers,
        [
            ("from", Some(&b"afar"[..])),
            ("env", Some(&b"prod"[..])),
            ("about", Some(&b"7"[..]))
        ]
    );
}

#[test]
fn a_key_is_what_its_expression_gives() {
    assert_eq!(
        key_of("key: = event.customer,", r#"{"customer":"c1"}"#).as_deref(),
        Some("c1")
    );
}

#[test]
fn a_key_is_what_a_processor_would_give() {
    let body = r#"{"kind":"order","customer":"c1","id":7}"#;
    assert_eq!(key_of("key: {of: kinds},", body).as_deref(), Some("c1"));
}

#[test]
fn a_message_that_no_key_can_be_found_for_is_written_without_one() {
    for body in [
        "{}",
        "no JSON",
        "",
        r#"{"kind":"other","customer":"c1"}"#,
        "{\"kind\":\"order\"}",
    ] {
        assert_eq!(key_of("key: {of: kinds},", body), None, "{body}");
    }
    assert_eq!(key_of("key: = event.customer,", "[]"), None);
}

#[test]
fn what_is_too_large_for_its_topic_becomes_a_dead_letter() {
    let (outlet, broker) = outlet("");
    let body = vec![b'x'; 1_000];
    assert_eq!(give(&outlet, &message(&body)), Written::DeadLetter);
    assert!(broker.committed_records("feed.orders").is_empty());
    let letter = only(&broker, "dead");
    assert_eq!(letter.value.as_deref(), Some(body.as_slice()));
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(header, _)| header == name);
        found
            .and_then(|(_, value)| value.clone())
            .map(|value| String::from_utf8(value).unwrap())
    };
    assert_eq!(header("__streams.errors.exception").as_deref(), Some("too_large"));
    assert_eq!(header("millstream.processor").as_deref(), Some("queue"));
    assert_eq!(header("__streams.errors.topic").as_deref(), Some("feed.orders"));
    assert_eq!(header("from").as_deref(), Some("afar"));
}
