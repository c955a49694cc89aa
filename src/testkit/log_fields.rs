//! What the engine's log lines say of themselves, for machines: whose task, of which sub-topology, in which transaction.

use crate::broker::memory::{Fault, MemoryBroker, Operation, Point, When};
use crate::broker::{Outgoing, Reaction};
use crate::engine::{Shared, Step, Wiring, Worker, WorkerSettings, prepare};
use crate::observe::logs;
use crate::registry::{NoRegistry, Registry};
use crate::state::MemoryStores;
use crate::topology::load_text;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

const TOPOLOGY: &str = "
application: shop
sources: {orders: {topic: in}}
processors:
  once: {type: dedupe, from: orders, id: = event.id, window: 1h}
  by-id: {type: repartition, from: once, key: = event.id, topic: middle, partitions: 1}
sinks: {out: {from: by-id, topic: out}}
dead_letters: {topic: dead}
";
const SECRET: &str = "hunter2";

/// Refuses the first commit.
fn first_commit() -> impl FnMut(&Point<'_>) -> Option<Fault> + Send {
    let mut done = false;
    move |point| {
        let hit = point.operation == Operation::Commit && point.when == When::Before && !done;
        done |= hit;
        hit.then_some(Fault::Fail(Reaction::Abort))
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the application, until nothing is left to do, and stops it.
fn run(broker: &MemoryBroker) {
    let topology = Arc::new(load_text(TOPOLOGY, Path::new("no-such-folder"), &|_| None).unwrap());
    let registry: Arc<dyn Registry> = Arc::new(NoRegistry);
    prepare(broker, &topology).unwrap();
    let wiring = Wiring::new(&topology, &registry).unwrap();
    let topics = wiring.read_topics();
    let (own, stores) = (Box::new(broker.clone()), Box::new(MemoryStores));
    let shared = Shared::new(topology, wiring, registry, own, stores).unwrap();
    let settings = WorkerSettings {
        poll_timeout: Duration::ZERO,
        ..WorkerSettings::new("a", 0, Duration::from_millis(1))
    };
    let mut worker = Worker::new(Arc::new(shared), settings);
    let (mut now, mut idle) = (Duration::ZERO, 0);
    while idle < 20 {
        match worker.step(now).unwrap() {
            Step::Busy => idle = 0,
            _ if broker.lag("shop", &topics) > 0 => {}
            _ => idle += 1,
        }
        now += Duration::from_millis(1);
    }
    while !worker.finish().unwrap() {}
}

#[test]
fn lines_of_a_task_and_of_a_transaction_say_whose_they_are_and_nothing_of_records() {
    let broker = MemoryBroker::waiting(1);
    for topic in ["in", "out", "dead"] {
        broker.create_topic(topic, 1).unwrap();
    }
    let produced = Outgoing {
        topic: "in",
        partition: Some(0),
        key: Some(SECRET.as_bytes()),
        value: Some(br#"{"id":"hunter2"}"#),
        headers: &[],
        timestamp: None,
    };
    broker.produce(&produced).unwrap();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = logs::json_lines("debug", BoxMakeWriter::new(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        broker.set_faults(Some(Box::new(first_commit())));
        run(&broker);
        // Its store is in memory: the next one restores it.
        run(&broker);
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |what: &str, fields: &[(&str, Value)]| {
        let is = |line: &&Value| line["message"] == what && fields.iter().all(|(name, value)| line[name] == *value);
        assert!(lines.iter().any(|line| is(&line)), "{what} with {fields:?} in\n{text}");
    };
    let of = |task: &str, sub: &str, topic: &str| {
        [
            ("task", json!(task)),
            ("sub_topology", json!(sub)),
            ("topic", json!(topic)),
            ("partition", json!(0)),
        ]
    };
    let transaction = [("worker", json!(0)), ("transaction", json!("shop-a-0"))];
    for (task, sub, topic) in [("in-0", "orders", "in"), ("middle-0", "by-id", "middle")] {
        let fields = [&of(task, sub, topic)[..], &transaction].concat();
        said("the task is assigned", &fields);
    }
    said(
        "tasks are assigned",
        &[&transaction[..], &[("tasks", json!(2))]].concat(),
    );
    said("state restored", &of("in-0", "orders", "in"));
    said("the transaction is aborted and begun again", &transaction);
    said("committed", &transaction);
}
