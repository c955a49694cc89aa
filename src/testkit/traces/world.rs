//! A small topology of two stages, and a worker that runs it.

use super::TRACEPARENT;
use crate::broker::Outgoing;
use crate::broker::memory::{Dumped, MemoryBroker};
use crate::engine::{Shared, Step, Tracing, Wiring, Worker, WorkerSettings};
use crate::observe::Traces;
use crate::record::Header;
use crate::registry::{NoRegistry, Registry};
use crate::state::MemoryStores;
use crate::topology::{Topology, load_text};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Everything that makes records of one, in one stage and in the next.
const STAGES: &str = "
application: shop
sources: {intake: {topic: orders}}
processors:
  kept: {type: table, from: intake, topic: latest}
  again: {type: repartition, from: intake, key: = event.id, topic: middle}
sinks:
  marked: {from: again, where: = event.id == \"marked\", topic: marked, headers: {kind: order}}
  own: {from: again, where: = event.id == \"own\", topic: own, headers: {traceparent: = headers.traceparent}}
  out: {from: again, otherwise: true, topic: out}
dead_letters: {topic: dead}
";
const TOPICS: [&str; 7] = ["orders", "latest", "middle", "marked", "own", "out", "dead"];

pub struct World {
    pub broker: MemoryBroker,
    topology: Arc<Topology>,
    pub worker: Worker,
    pub now: Duration,
}

impl World {
    pub fn new(traces: Traces) -> Self {
        let topology = load_text(STAGES, Path::new("."), &|_| None);
        let topology = Arc::new(topology.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));
        let broker = MemoryBroker::new(1);
        for topic in TOPICS {
            broker.create_topic(topic, 1).unwrap();
        }
        let registry: Arc<dyn Registry> = Arc::new(NoRegistry);
        let wiring = Wiring::new(&topology, &registry).unwrap();
        let tracing = Tracing::new(&topology, &wiring, traces);
        let (own, stores) = (Box::new(broker.clone()), Box::new(MemoryStores));
        let shared = Arc::new(Shared {
            tracing,
            ..Shared::new(Arc::clone(&topology), wiring, registry, own, stores).unwrap()
        });
        let settings = WorkerSettings {
            // One that is built anew takes its predecessor's place at once.
            static_membership: true,
            poll_timeout: Duration::ZERO,
            ..WorkerSettings::new("a", 0, Duration::from_millis(1))
        };
        Self {
            broker,
            topology,
            worker: Worker::new(shared, settings),
            now: Duration::ZERO,
        }
    }

    pub fn order(&self, id: &str, headers: &[(&str, &str)]) {
        self.write(&format!(r#"{{"id":"{id}"}}"#), headers);
    }

    pub fn write(&self, value: &str, headers: &[(&str, &str)]) {
        let headers: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value.as_bytes()),
            })
            .collect();
        let outgoing = Outgoing {
            topic: "orders",
            partition: None,
            key: Some(b"k"),
            value: Some(value.as_bytes()),
            headers: &headers,
            timestamp: None,
        };
        self.broker.produce(&outgoing).unwrap();
    }

    /// Until everything is committed.
    pub fn run(&mut self) {
        let topics = TOPICS.map(str::to_owned);
        for _ in 0..10_000 {
            if self.worker.step(self.now).unwrap() == Step::Busy {
                continue;
            }
            if self.broker.lag(&self.topology.application, &topics[..1]) == 0
                && self.broker.lag(&self.topology.application, &topics[2..3]) == 0
            {
                return;
            }
            self.now += Duration::from_millis(1);
        }
        panic!("it does not come to rest");
    }

    /// The one record of a topic.
    pub fn one(&self, topic: &str) -> Dumped {
        let mut records = self.broker.committed_records(topic);
        assert_eq!(records.len(), 1, "{topic}: {records:?}");
        records.remove(0)
    }

    pub fn header(&self, topic: &str, name: &str) -> Option<String> {
        let record = self.one(topic);
        let mut values = record.headers.into_iter().filter(|(other, _)| other == name);
        let value = values.next().and_then(|(_, value)| value);
        assert!(values.next().is_none(), "{topic} has two headers {name}");
        value.map(|value| String::from_utf8(value).unwrap())
    }

    pub fn traceparent(&self, topic: &str) -> Option<String> {
        self.header(topic, TRACEPARENT)
    }
}
