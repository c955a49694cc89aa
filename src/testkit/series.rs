//! How many series the metrics have: as many as the topology makes them, whatever comes and however it is spread.

use super::driver::{Driver, Message};
use crate::broker::memory::MemoryBroker;
use crate::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerSettings, Ends, Producer, ProducerSettings, Reader, Statistics,
    TopicPartition, Writer,
};
use crate::engine::{Counts, Reporter, Stand, Status, TaskNumbers, WorkerStatus};
use crate::observe::metrics::tests::recorded_with;
use crate::state::MemoryStores;
use crate::topology::{Topology, load_text};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const TOPOLOGY: &str = r#"
application: shop
sources: {orders: {topic: feed.orders}}
processors:
  once: {type: dedupe, from: orders, id: = event.id, window: 1h}
  known: {type: filter, from: once, where: = event.type != "unknown"}
sinks:
  out:
    from: known
    topic: shop.{env}
    parameters: {env: {value: = event.env, enum: [dev, prod]}}
    headers: {kind: = event.type}
    event_time: = event.?at
dead_letters: {topic: shop.dead-letters}
"#;

fn topology() -> Arc<Topology> {
    Arc::new(load_text(TOPOLOGY, Path::new("no-such-folder"), &|_| None).unwrap())
}

/// Every kind of record, good and bad, `many` times, each with words that no other has.
fn driven(topology: &Arc<Topology>, many: usize) -> Driver {
    let mut driver = Driver::new(topology).unwrap();
    for number in 0..many {
        let good = format!(r#"{{"id":"{number}","type":"T{number}","env":"dev","at":{number}}}"#);
        let bodies = [
            good.clone(),
            good.replace("dev", "prod").replace("\"id\":\"", "\"id\":\"p"),
            good.clone(),
            good.replace("dev", &format!("env-{number}"))
                .replace("\"id\":\"", "\"id\":\"e"),
            good.replace(&format!("T{number}"), "unknown")
                .replace("\"id\":\"", "\"id\":\"u"),
            format!(r#"{{"x{number}":{number}}}"#),
            format!("{{nonsense {number}"),
        ];
        for body in bodies {
            let message = Message {
                key: Some(format!("key-{number}").into_bytes()),
                value: Some(body.into_bytes()),
                headers: vec![(format!("h{number}"), format!("v{number}").into_bytes())],
                timestamp: None,
            };
            driver.input("orders", &message).unwrap();
        }
    }
    driver.run_until_idle().unwrap();
    driver
}

/// A broker that knows where so many partitions end, and whether its clients find it.
struct Measured(MemoryBroker, i32, Arc<Mutex<Option<bool>>>);

impl Broker for Measured {
    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, BrokerError> {
        self.0.consumer(settings)
    }

    fn producer(&self, settings: &ProducerSettings) -> Result<Box<dyn Producer>, BrokerError> {
        self.0.producer(settings)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, BrokerError> {
        self.0.reader()
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        self.0.admin()
    }

    fn writer(&self) -> Result<Box<dyn Writer>, BrokerError> {
        self.0.writer()
    }

    fn statistics(&self) -> Statistics {
        let ends = Ends {
            first: 0,
            stable: 100,
            end: 110,
            drained: false,
        };
        Statistics {
            partitions: (0..self.1).map(|number| (partition(number), ends)).collect(),
            away: *self.2.lock().unwrap(),
            ..Statistics::default()
        }
    }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition {
        topic: "feed.orders".into(),
        partition: number,
    }
}

/// What Prometheus would keep: every line of the exposition without its number.
fn series(driver: &Driver, topology: &Arc<Topology>, workers: usize, partitions: i32) -> BTreeSet<String> {
    let status = Arc::new(Status::new(topology, driver.wiring(), workers));
    for index in 0..workers {
        let mine = (0..partitions).filter(|number| usize::try_from(*number).unwrap() % workers == index);
        let stands = mine.map(|number| Stand {
            partition: partition(number),
            committed: Some(40),
            oldest: Some(1),
        });
        let worker = WorkerStatus {
            counts: driver.counts().clone(),
            tasks: TaskNumbers {
                stands: stands.collect(),
                store_entries: vec![1],
                ..TaskNumbers::default()
            },
            waits_for: None,
            at: Instant::now(),
        };
        status.publish(index, worker);
    }
    let exposition = recorded_with(|live| {
        let broker = Box::new(Measured(MemoryBroker::new(0), partitions, Arc::default()));
        Reporter::new(status, Arc::clone(live), broker, Arc::new(MemoryStores)).update();
    });
    let text = exposition.render();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
        .collect()
}

#[test]
fn neither_partitions_nor_workers_nor_what_is_in_records_make_series() {
    let topology = topology();
    let (few, many) = (driven(&topology, 2), driven(&topology, 300));
    let one = series(&few, &topology, 1, 1);
    assert_eq!(series(&few, &topology, 5, 200), one);
    assert_eq!(series(&many, &topology, 5, 200), one);
    assert!(one.len() < 150, "{} series", one.len());
    for name in [
        "millstream_lag_records{topic=\"feed.orders\"}",
        "millstream_lag_seconds{topic=\"feed.orders\"}",
        "millstream_records_produced_total{topic=\"shop.prod\"}",
        "millstream_dead_letters_total{processor=\"out\",reason=\"unknown_topic\"}",
        "millstream_dead_letters_total{processor=\"orders\",reason=\"decode\"}",
        "millstream_event_latency_seconds_count{sink=\"out\"}",
        "millstream_ingest_latency_seconds_count{sink=\"out\"}",
        "millstream_processor_seconds_count{processor=\"once\"}",
    ] {
        assert!(one.contains(name), "{name} is not in {one:#?}");
    }
}

#[test]
fn brokers_are_waited_for_when_no_client_finds_them_until_one_does() {
    let topology = topology();
    let driver = driven(&topology, 1);
    let status = Arc::new(Status::new(&topology, driver.wiring(), 1));
    let away = Arc::new(Mutex::new(None));
    recorded_with(|live| {
        let broker = Box::new(Measured(MemoryBroker::new(0), 1, Arc::clone(&away)));
        let mut reporter = Reporter::new(Arc::clone(&status), Arc::clone(live), broker, Arc::new(MemoryStores));
        // Without a consumer nothing is known anew: one that is being built changes nothing.
        for (told, waits) in [
            (None, false),
            (Some(false), false),
            (Some(true), true),
            (None, true),
            (Some(false), false),
        ] {
            *away.lock().unwrap() = told;
            reporter.update();
            let reasons = status.reasons();
            assert_eq!(
                reasons == ["the brokers are waited for"],
                waits,
                "{told:?}: {reasons:?}"
            );
        }
    });
}

#[test]
fn latencies_are_of_what_came_out_and_of_nothing_else() {
    let topology = topology();
    let driver = driven(&topology, 10);
    let Counts {
        ingest_latency,
        event_latency,
        processed,
        consumed,
        consumed_bytes,
        produced_bytes,
        ..
    } = driver.counts();
    assert_eq!((ingest_latency[0].count(), event_latency[0].count()), (20, 20));
    assert_eq!(consumed, &[70]);
    assert_eq!(processed[0], 60, "all but what could not be read");
    assert!(consumed_bytes[0] > 70 * 10 && produced_bytes.iter().all(|bytes| *bytes > 0));
}
