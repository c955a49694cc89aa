//! Replays and drops on the broker in memory.

mod crashes;
mod steps;

use super::*;
use crate::broker::memory::{Dumped, MemoryBroker};
use crate::broker::{Outgoing, ProducerSettings};
use crate::dead_letter::{Reason, write};
use crate::record::{Header, Origin, RawRecord};
use crate::topology::load_text;
use std::path::Path;

const SHOP: &str = "
application: shop
sources: {orders: {topic: orders}, returns: {topic: returns, codec: {key: int32, value: json}}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: by-customer}
sinks: {out: {from: [by-customer, returns], topic: out}}
dead_letters: {topic: dead}
";

fn topology() -> Topology {
    load_text(SHOP, Path::new("."), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    for topic in ["orders", "returns", "by-customer", "dead", "else"] {
        broker.create_topic(topic, 2).unwrap();
    }
    broker
}

/// A record that failed, of that topic.
struct Failed<'f> {
    topic: &'f str,
    /// Its partition, and its value and offset.
    at: (i32, i64),
    kind: &'static str,
    limit: usize,
}

fn failed(topic: &str, number: i64) -> Failed<'_> {
    Failed {
        topic,
        at: (0, number),
        kind: "decode",
        limit: 1_000_000,
    }
}

/// Writes the dead letter of a record, with the key `kN`, the value `vN` and a header.
fn bury(failed: &Failed<'_>, send: &mut dyn FnMut(Outgoing<'_>)) {
    let (key, value) = (format!("k{}", failed.at.1), format!("v{}", failed.at.1));
    let value = value.repeat(if failed.limit < 10_000 { 10_000 } else { 1 });
    let header = [Header {
        name: "env",
        value: Some(b"dev"),
    }];
    let record = RawRecord {
        origin: Origin {
            topic: failed.topic,
            partition: failed.at.0,
            offset: failed.at.1,
        },
        key: Some(key.as_bytes()),
        value: Some(value.as_bytes()),
        headers: &header,
        timestamp: 1_000 + failed.at.1,
    };
    let reason = Reason {
        kind: failed.kind,
        message: format!("not JSON at byte {}", failed.at.1),
        detail: None,
        processor: failed.topic.to_owned(),
    };
    write(&record, &reason, "dead", failed.limit, send);
}

fn fail(broker: &MemoryBroker, failed: &Failed<'_>) {
    bury(failed, &mut |letter| {
        broker.produce(&letter).unwrap();
    });
}

/// Letters 0 to `count` of orders, in transactions of four, of which every third is aborted and does not count.
fn filled(count: i64) -> MemoryBroker {
    let broker = broker();
    let settings = ProducerSettings {
        transactional_id: Some("shop-a-0".into()),
    };
    let mut producer = broker.producer(&settings).unwrap();
    let soon = std::time::Duration::from_secs(1);
    let numbers: Vec<i64> = (0..count).collect();
    for (index, numbers) in numbers.chunks(4).enumerate() {
        for is_whole in [false, true] {
            if !is_whole && index % 3 != 0 {
                continue;
            }
            producer.begin().unwrap();
            for number in numbers {
                bury(&failed("orders", *number), &mut |letter| {
                    producer.send(letter).unwrap();
                });
            }
            producer.flush(soon).unwrap();
            if is_whole {
                producer.commit(soon).unwrap();
            } else {
                producer.abort(soon).unwrap();
            }
        }
    }
    broker
}

fn query(change: impl FnOnce(&mut Query)) -> Query {
    let mut query = Query::default();
    change(&mut query);
    query
}

const BACK: What = What::Replay { to: None };

fn look(broker: &dyn Broker, what: What, query: Query) -> Result<Tally, LettersError> {
    let topology = topology();
    let letters = DeadLetters::open(broker, &topology, &mut |_| {})?;
    Ok(letters.look(what, query, &mut |_| {})?.tally)
}

/// Looks and does it. What was done.
fn act(broker: &dyn Broker, what: What, query: Query) -> Result<Tally, LettersError> {
    let topology = topology();
    let letters = DeadLetters::open(broker, &topology, &mut |_| {})?;
    let work = letters.look(what, query, &mut |_| {})?;
    let mut done = Tally::default();
    letters.carry_out(&work, &mut done, &mut |_| {})?;
    Ok(done)
}

/// The values that came back to a topic, in the order of their numbers.
fn values(broker: &MemoryBroker, topic: &str) -> Vec<String> {
    let text = |record: Dumped| String::from_utf8(record.value.unwrap()).unwrap();
    let mut values: Vec<String> = broker.committed_records(topic).into_iter().map(text).collect();
    values.sort_by_key(|value| (value.len(), value.clone()));
    values
}

fn expected(numbers: std::ops::Range<i64>) -> Vec<String> {
    numbers.map(|number| format!("v{number}")).collect()
}

/// The numbers of the letters that are neither replayed nor dropped.
fn waiting(broker: &MemoryBroker) -> Vec<i64> {
    let topology = topology();
    let letters = DeadLetters::open(broker, &topology, &mut |_| {}).unwrap();
    let mut waiting = Vec::new();
    let mut each = |letter: &Letter<'_>, mark: Option<Mark>| {
        if mark.is_none() {
            waiting.push(letter.source.unwrap().place.unwrap().1);
        }
        Ok(ControlFlow::Continue(()))
    };
    letters.each(&Filter::default(), &mut |_| {}, &mut each).unwrap();
    waiting.sort_unstable();
    waiting
}
