//! What a delivery becomes.

use super::headers::message;
use crate::broker::memory::MemoryBroker;
use crate::expression::{Expression, Names, Scope};
use crate::feed::Feeds;
use crate::record::{Header, Origin, Record};
use crate::topology::load_text;
use crate::value;
use crate::yaml::Place;
use bumpalo::Bump;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, DecimalValue, FieldArray, FieldTable, LongString};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn delivery(properties: BasicProperties, body: &[u8]) -> Delivery {
    let mut delivery = Delivery::mock(7, "ecomm".into(), "user.userupdated".into(), true, body.to_vec());
    delivery.properties = properties;
    delivery
}

/// Names and texts of the headers of a message.
fn headers(properties: BasicProperties, body: &[u8]) -> Vec<(String, Option<String>)> {
    let message = message(delivery(properties, body), "/qa");
    assert_eq!(message.body, body);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let all = message.headers.iter();
    all.map(|(name, value)| (name.to_string(), value.as_deref().map(text)))
        .collect()
}

fn header(properties: BasicProperties, body: &[u8], name: &str) -> Option<String> {
    let all = headers(properties, body);
    all.into_iter()
        .find(|(other, _)| other == name)
        .and_then(|(_, value)| value)
}

fn some(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
        .collect()
}

#[test]
fn what_amqp_says_of_a_message_becomes_headers() {
    let properties = BasicProperties::default()
        .with_message_id("m-1".into())
        .with_correlation_id("c-1".into())
        .with_timestamp(1_749_999_999);
    assert_eq!(
        headers(properties, b" { } \n"),
        some(&[
            ("rabbitmq.routing_key", "user.userupdated"),
            ("rabbitmq.exchange", "ecomm"),
            ("rabbitmq.vhost", "/qa"),
            ("rabbitmq.message_id", "m-1"),
            ("rabbitmq.correlation_id", "c-1"),
            ("rabbitmq.timestamp", "1749999999"),
            ("rabbitmq.redelivered", "true"),
        ])
    );
}

#[test]
fn what_is_absent_has_no_header() {
    assert_eq!(
        headers(BasicProperties::default(), b"no JSON"),
        some(&[
            ("rabbitmq.routing_key", "user.userupdated"),
            ("rabbitmq.exchange", "ecomm"),
            ("rabbitmq.vhost", "/qa"),
            ("rabbitmq.redelivered", "true"),
        ])
    );
}

#[test]
fn a_message_without_an_id_gets_the_one_that_the_topology_would_give_it() {
    let body = br#"{"b": 1.50, "a": ["x", null], "c": "\u00e9"}"#;
    let given = header(BasicProperties::default(), body, "rabbitmq.message_id");
    let blank = BasicProperties::default().with_message_id(" ".into());
    assert_eq!(header(blank, body, "rabbitmq.message_id"), given);

    let arena = Bump::new();
    let names = [Header {
        name: "rabbitmq.routing_key",
        value: Some(b"user.userupdated"),
    }];
    let record = Record {
        key: None,
        value: value::parse(body, &arena).unwrap(),
        headers: &names,
        timestamp: 0,
        origin: Origin {
            topic: "feed.rabbitmq",
            partition: 0,
            offset: 0,
        },
    };
    let text = "uuid5(headers[\"rabbitmq.routing_key\"], event)";
    let expression = Expression::compile(text, &Place::start_of("test"), &Names::default()).unwrap();
    let expected = expression.evaluate_text(&Scope::new(&arena, &record)).unwrap();
    assert_eq!(given.as_deref(), expected);
    assert!(given.is_some());
}

#[test]
fn the_same_document_written_otherwise_has_the_same_id_and_another_has_another() {
    let id = |body: &[u8]| header(BasicProperties::default(), body, "rabbitmq.message_id");
    assert_eq!(id(br#"{"a":1,"b":2}"#), id(br#" {"b": 2, "a": 1}"#));
    assert_ne!(id(br#"{"a":1,"b":2}"#), id(br#"{"a":1,"b":3}"#));
}

/// What a header of this value becomes.
fn table(value: AMQPValue) -> Option<String> {
    let mut table = FieldTable::default();
    table.insert("x".into(), value);
    let properties = BasicProperties::default().with_headers(table);
    let all = headers(properties, b"no JSON");
    let found = all.into_iter().find(|(name, _)| name == "rabbitmq.header.x");
    found.unwrap().1
}

#[test]
fn headers_are_text_and_what_is_nested_is_json() {
    let text = |text: &str| AMQPValue::LongString(LongString::from(text));
    assert_eq!(table(text("as it is")).as_deref(), Some("as it is"));
    assert_eq!(table(true.into()).as_deref(), Some("true"));
    assert_eq!(table(AMQPValue::LongLongInt(-5)).as_deref(), Some("-5"));
    assert_eq!(table(AMQPValue::Double(1.5)).as_deref(), Some("1.5"));
    assert_eq!(
        table(AMQPValue::Timestamp(1_700_000_000)).as_deref(),
        Some("1700000000")
    );
    for (scale, value, expected) in [(0, 7, "7"), (2, 1_234, "12.34"), (3, 5, "0.005")] {
        let number = AMQPValue::DecimalValue(DecimalValue { scale, value });
        assert_eq!(table(number).as_deref(), Some(expected));
    }
    assert_eq!(table(AMQPValue::Void), None);

    let mut inner = FieldTable::default();
    inner.insert("count".into(), AMQPValue::LongLongInt(2));
    inner.insert("reason".into(), text("rejected"));
    let mut list = FieldArray::default();
    list.push(inner.into());
    list.push(AMQPValue::Double(f64::NAN));
    assert_eq!(
        table(list.into()).as_deref(),
        Some(r#"[{"count":2,"reason":"rejected"},null]"#)
    );
}

#[test]
fn a_header_that_is_nested_without_end_ends() {
    let mut deep = AMQPValue::Boolean(true);
    for _ in 0..1_000 {
        let mut list = FieldArray::default();
        list.push(deep);
        deep = list.into();
    }
    let text = table(deep).unwrap();
    assert!(text.starts_with("[[[") && text.contains("null"), "{text}");
}

#[test]
fn a_publishers_trace_is_where_every_client_of_kafka_looks_for_it_too() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = |parent: &str| {
        let mut table = FieldTable::default();
        for (name, text) in [("traceparent", parent), ("tracestate", "a=1"), ("zone", "eu")] {
            table.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
        }
        let all = headers(BasicProperties::default().with_headers(table), b"no JSON");
        let own = all
            .into_iter()
            .filter(|(name, _)| !name.starts_with("rabbitmq.") || name.ends_with("traceparent"));
        own.collect::<Vec<_>>()
    };
    assert_eq!(
        traced(parent),
        some(&[
            ("traceparent", parent),
            ("tracestate", "a=1"),
            ("rabbitmq.header.traceparent", parent)
        ])
    );
    assert_eq!(traced("00-x"), some(&[("rabbitmq.header.traceparent", "00-x")]));
}

/// A feed from whatever is at this port, that is told to stop after a moment: why it took no messages, and how long its end took.
fn stopped(port: u16, ca: &str) -> (Result<(), String>, Option<String>, Duration) {
    let topology = format!(
        "\
application: shop
feeds: {{ecomm: {{type: rabbitmq, topic: feed.orders, url: \"amqp://u:hush@127.0.0.1:{port}\"{ca}}}}}
sources: {{orders: {{topic: feed.orders}}}}
sinks: {{out: {{from: orders, topic: out}}}}
dead_letters: {{topic: dead}}
"
    );
    let topology = load_text(&topology, Path::new("no-such-folder"), &|_| None);
    let topology = Arc::new(topology.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));
    let feeds = Feeds::start(&topology, &MemoryBroker::new(1), &|_| true).unwrap();
    let state = Arc::clone(&feeds.states()[0]);
    std::thread::sleep(Duration::from_millis(200));
    let since = Instant::now();
    feeds.stop();
    let ended = feeds.join().map_err(|error| error.to_string());
    (ended, state.why_down(), since.elapsed())
}

#[test]
fn a_feed_ends_when_it_is_told_to_though_rabbitmq_says_nothing_or_is_not_there() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let (ended, _, took) = stopped(port, "");
    assert_eq!(ended, Ok(()));
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(silent);
    let (ended, why, took) = stopped(port, "");
    assert_eq!(ended, Ok(()));
    assert!(took < Duration::from_secs(2), "{took:?}");
    let why = why.unwrap();
    assert!(why.contains("Connection refused") && !why.contains("hush"), "{why}");
}

#[test]
fn a_file_of_certificates_that_has_none_ends_the_feed_with_the_remedy() {
    let (ended, ..) = stopped(9, ", ca: no-such-file.pem");
    let error = ended.unwrap_err();
    assert!(
        error.starts_with("feed ecomm: the certificates in `ca`: no-such-file.pem:"),
        "{error}"
    );
    let (ended, ..) = stopped(9, ", ca: Cargo.toml");
    let remedy = "feed ecomm: the file `ca` has no certificate in it: give one in PEM, with `BEGIN CERTIFICATE`";
    assert_eq!(ended, Err(remedy.to_owned()));
}
