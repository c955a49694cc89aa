//! Numbered records through the engine alone: copied, and joined by a topic in the middle.

use crate::harness::client::Message;
use crate::harness::compare::assert_same_multiset;
use crate::pipeline::Pipeline;
use std::collections::HashMap;
use std::ops::Range;

/// Number n has the key n modulo this.
pub const KEYS: u32 = 997;

pub const COPY: &str = "application: copy
sources: {in: {topic: in}}
sinks: {out: {from: in, topic: out}}
dead_letters: {topic: dead}
";

pub const THROUGH: &str = "application: through
sources: {in: {topic: in}}
processors: {middle: {type: repartition, from: in, topic: middle}}
sinks: {out: {from: middle, topic: out}}
dead_letters: {topic: dead}
";

fn key(number: u32) -> String {
    format!("k{}", number % KEYS)
}

pub fn numbered(pipeline: &Pipeline, numbers: Range<u32>) -> Vec<Message> {
    let topic = pipeline.topic("in");
    numbers
        .map(|number| Message::new(&topic, Some(&key(number)), number.to_string()))
        .collect()
}

/// Every number below `count` came out once, those of a key in their order.
pub fn verify(pipeline: &Pipeline, count: u32) {
    let records = pipeline.committed("out");
    let copies = records
        .iter()
        .map(|record| (record.key_text().unwrap_or_default(), record.value_text()));
    let expected = (0..count).map(|number| (key(number), number.to_string()));
    assert_same_multiset("out", expected, copies);
    let mut last = HashMap::new();
    for record in &records {
        let number: u32 = record.value_text().parse().expect("a number");
        let before = last.insert(record.key_text(), number);
        assert!(
            before.is_none_or(|before| before < number),
            "{number} after {before:?} of {:?}",
            record.key_text()
        );
    }
}
