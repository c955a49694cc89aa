//! What `at_least_once` promises: at the end every id has come out where it belongs, once or more often.

use super::input::Record;
use super::topology::TOPICS;
use crate::broker::TopicPartition;
use crate::broker::memory::MemoryBroker;
use std::collections::BTreeSet;

pub struct Arrivals {
    broker: MemoryBroker,
    /// Topic and id.
    expected: BTreeSet<(&'static str, u64)>,
}

impl Arrivals {
    pub fn new(broker: &MemoryBroker) -> Arrivals {
        let broker = broker.clone();
        let expected = BTreeSet::new();
        Arrivals { broker, expected }
    }

    pub fn expect(&mut self, record: &Record) {
        let topic = match record.kind {
            "broken" | "rotten" | "huge" => "dead",
            "odd" => "odd",
            _ => "out",
        };
        self.expected.insert((topic, record.id));
    }

    /// # Errors
    /// What is missing.
    pub fn all_are_there(&self) -> Result<(), String> {
        let mut missing = self.expected.clone();
        for (topic, partitions) in TOPICS {
            for partition in 0..partitions {
                let at = TopicPartition {
                    topic: topic.to_owned(),
                    partition,
                };
                for record in self.broker.committed_from(&at, 0).records {
                    if let Some(id) = record.value.as_deref().and_then(id) {
                        missing.remove(&(topic, id));
                    }
                }
            }
        }
        match missing.first() {
            None => Ok(()),
            Some((topic, id)) => Err(format!("lost: {} in all, among them id {id} of {topic}", missing.len())),
        }
    }
}

fn id(value: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(value).ok()?;
    value.get("id")?.as_u64()
}
