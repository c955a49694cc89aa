//! Resets on the broker in memory, between runs of the real engine.

mod crashes;
mod steps;

use super::{Change, Positions, ResetError, Steps, Target};
use crate::broker::memory::MemoryBroker;
use crate::broker::{Broker, ConsumerSettings, Outgoing, TopicPartition};
use crate::engine::{EngineError, Shared, Step, Wiring, Worker, WorkerSettings, prepare};
use crate::registry::{NoRegistry, Registry};
use crate::state::MemoryStores;
use crate::topology::{Topology, load_text};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SESSION: Duration = Duration::from_secs(45);

/// Duplicates are dropped and what is left is counted: state of both kinds, in the second of two stages.
const SHOP: &str = "
application: shop
sources: {orders: {topic: orders}}
tables: {rates: {topic: rates}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: by-customer}
  new: {type: dedupe, from: by-customer, id: = event.id, window: 3650d}
  totals: {type: aggregate, from: new, values: {orders: count, total: {sum: = event.amount}}}
  kept: {type: table, from: new, topic: latest}
  priced: {type: enrich, from: totals, with: {rate: {table: rates, key: = \"eu\"}}, missing: pass}
sinks: {out: {from: priced, topic: out}}
dead_letters: {topic: dead}
";

fn topology(text: &str) -> Arc<Topology> {
    Arc::new(load_text(text, Path::new("."), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")))
}

/// The shop with 12 orders of two customers, each written twice, the broken one of them, too.
fn shop() -> (MemoryBroker, Arc<Topology>) {
    let broker = MemoryBroker::new(1);
    broker.create_topic("orders", 3).unwrap();
    broker.create_topic("rates", 1).unwrap();
    for _ in 0..2 {
        for number in 0..12 {
            order(&broker, number);
        }
    }
    (broker, topology(SHOP))
}

/// A second after the order before.
fn order(broker: &MemoryBroker, number: i32) {
    broker.advance(Duration::from_secs(1));
    let customer = ["ann", "bob"][number as usize % 2];
    let value = match number {
        7 => "broken".to_owned(),
        _ => format!(r#"{{"id":"{number}","customer":"{customer}","amount":{number}}}"#),
    };
    let outgoing = Outgoing {
        topic: "orders",
        partition: Some(number % 3),
        key: None,
        value: Some(value.as_bytes()),
        headers: &[],
        timestamp: None,
    };
    broker.produce(&outgoing).unwrap();
}

fn worker(broker: &MemoryBroker, topology: &Arc<Topology>) -> Worker {
    let registry: Arc<dyn Registry> = Arc::new(NoRegistry);
    let wiring = Wiring::new(topology, &registry).unwrap();
    let (own, stores) = (Box::new(broker.clone()), Box::new(MemoryStores));
    let shared = Arc::new(Shared::new(Arc::clone(topology), wiring, registry, own, stores).unwrap());
    let settings = WorkerSettings {
        poll_timeout: Duration::ZERO,
        ..WorkerSettings::new("a", 0, Duration::from_millis(1))
    };
    Worker::new(shared, settings)
}

/// Starts the application, until it has processed everything, and stops it.
fn run(broker: &MemoryBroker, topology: &Arc<Topology>) -> Result<(), EngineError> {
    prepare(broker, topology)?;
    let mut worker = worker(broker, topology);
    let registry: Arc<dyn Registry> = Arc::new(NoRegistry);
    let topics = Wiring::new(topology, &registry).unwrap().read_topics();
    let (mut now, mut idle) = (Duration::ZERO, 0);
    while idle < 20 {
        match worker.step(now)? {
            Step::Busy => idle = 0,
            _ if broker.lag("shop", &topics) > 0 => {}
            _ => idle += 1,
        }
        now += Duration::from_millis(1);
    }
    while !worker.finish()? {}
    Ok(())
}

fn look(broker: &MemoryBroker, topology: &Topology) -> Result<Steps, ResetError> {
    Steps::look(broker, topology, &Positions::default(), SESSION)
}

fn to(target: Target) -> Positions {
    Positions {
        target: Some(target),
        ..Positions::default()
    }
}

fn reset(broker: &dyn Broker, topology: &Topology, positions: &Positions) -> Result<Steps, ResetError> {
    let steps = Steps::look(broker, topology, positions, SESSION)?;
    steps.carry_out(broker, SESSION, &mut || Ok(()))?;
    Ok(steps)
}

/// The values written for each key, in order.
fn outputs(broker: &MemoryBroker) -> BTreeMap<String, Vec<String>> {
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
    let mut outputs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in broker.committed_records("out") {
        outputs.entry(text(record.key)).or_default().push(text(record.value));
    }
    outputs
}

/// What comes out when the same is done so many times from the start.
fn repeated(outputs: &BTreeMap<String, Vec<String>>, times: usize) -> BTreeMap<String, Vec<String>> {
    let again = |(key, values): (&String, &Vec<String>)| (key.clone(), vec![values.clone(); times].concat());
    outputs.iter().map(again).collect()
}

fn orders(partition: i32) -> TopicPartition {
    TopicPartition {
        topic: "orders".into(),
        partition,
    }
}
