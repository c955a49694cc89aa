//! One test's pipeline: a topology with the test's own topics, made on the shared broker.

use crate::crew::Crew;
use crate::harness::broker::shared;
use crate::harness::client::{Client, Delivered, Message};
use crate::harness::compare::assert_same_multiset;
use crate::harness::documents;
use crate::harness::load::{self, Load, Shape};
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::random::Random;
use crate::scenario::Tally;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Feeds and outputs have so many partitions.
pub const PARTITIONS: i32 = 4;

pub struct Pipeline {
    pub topology: TestTopology,
    pub client: Client,
    brokers: String,
}

impl Pipeline {
    /// The shipped topology with its feeds, tables (filled), outputs and dead letters.
    pub fn customer_events(test: &str) -> Self {
        Self::customer_events_on(test, &shared().address())
    }

    pub fn customer_events_on(test: &str, brokers: &str) -> Self {
        // A dead instance's partitions go to the others after this; the default is meant for pods that restart.
        let topology = TestTopology::customer_events(test)
            .kafka("session.timeout.ms", "6000")
            .kafka("heartbeat.interval.ms", "500");
        Self::customers(topology, brokers)
    }

    /// A variant of the shipped topology, with all its topics.
    pub fn customers(topology: TestTopology, brokers: &str) -> Self {
        let pipeline = Self::on(topology, brokers);
        let outputs = documents::outputs();
        let mut partitioned: Vec<&str> = documents::FEEDS.to_vec();
        partitioned.extend(outputs.iter().map(String::as_str));
        pipeline.create(&partitioned, PARTITIONS, &[]);
        pipeline.create(&documents::TABLES, 1, &[("cleanup.policy", "compact")]);
        pipeline.create(&[documents::DEAD_LETTERS], 1, &[]);
        pipeline.client.produce(&documents::table_rows(&pipeline.topology));
        pipeline
    }

    /// A topology whose topics the test makes.
    pub fn of(topology: TestTopology) -> Self {
        Self::on(topology, &shared().address())
    }

    pub fn on(topology: TestTopology, brokers: &str) -> Self {
        Self {
            topology,
            client: Client::new(brokers),
            brokers: brokers.to_owned(),
        }
    }

    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    pub fn create(&self, topics: &[&str], partitions: i32, settings: &[(&str, &str)]) {
        let names: Vec<String> = topics.iter().map(|topic| self.topology.topic(topic)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.client.create_topics(&names, partitions, settings);
    }

    pub fn topic(&self, name: &str) -> String {
        self.topology.topic(name)
    }

    pub fn start(&self, instance: &str) -> Instance {
        Instance::start(&self.topology, &self.brokers, instance)
    }

    pub fn start_with(&self, instance: &str, arguments: &[&str]) -> Instance {
        Instance::start_with(&self.topology, &self.brokers, instance, arguments)
    }

    /// Writes them from a thread of its own, evenly over about this time.
    pub fn flow(&self, messages: &[Message], over: Duration) -> Flow {
        const PAUSE: Duration = Duration::from_millis(100);
        let portions = (over.as_millis() / PAUSE.as_millis()).max(1) as usize;
        let portion = messages.len().div_ceil(portions);
        let (client, messages) = (Client::new(self.brokers.clone()), messages.to_vec());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || client.produce_in_portions(&messages, portion, PAUSE, &stopped));
        Flow {
            stop,
            thread: Some(thread),
        }
    }

    pub fn produce(&self, messages: &[Message]) {
        self.client.produce(messages);
    }

    pub fn committed(&self, topic: &str) -> Vec<Delivered> {
        self.client.committed(&self.topic(topic))
    }

    /// Events of EventBridge for this pipeline, one in ten sent twice, one in fifty broken.
    pub fn load(&self, name: &str, events: u64, customers: u64, random: &mut Random) -> Load {
        let topic = self.topic("feed.eventbridge");
        let shape = Shape {
            topic: &topic,
            name,
            events,
            customers,
            duplicate_one_in: 10,
            broken_one_in: 50,
        };
        Load::generate(&shape, random)
    }

    /// Waits until as much is committed as must come out. Too much shows in [`Pipeline::verify`].
    pub fn wait_done(&self, load: &Load, limit: Duration) {
        self.client
            .wait_committed(&self.topic("integration-dev"), load.outcomes.len(), limit);
        self.client
            .wait_committed(&self.topic(documents::DEAD_LETTERS), load.dead.len(), limit);
    }

    /// Waits until all is done, stops all and verifies.
    pub fn finish(&self, crew: Crew<'_>, load: &Load, limit: Duration) -> Tally {
        self.wait_done(load, limit);
        let tally = crew.finish();
        self.verify(load);
        self.tally(tally, load)
    }

    /// With the records of a load that was verified.
    pub fn tally(&self, mut tally: Tally, load: &Load) -> Tally {
        tally.input += load.messages.len() as u64;
        tally.output += load.outcomes.len() as u64;
        tally.dead_letters += load.dead.len() as u64;
        tally
    }

    /// Exactly what the load implies came out: no more, no less, each customer's in order.
    pub fn verify(&self, load: &Load) {
        let records = self.verify_multiset(load);
        load::assert_ordered_by_customer(&records);
    }

    /// As [`Pipeline::verify`], whatever the order. The records of `integration-dev`.
    pub fn verify_multiset(&self, load: &Load) -> Vec<Delivered> {
        let records = self.committed("integration-dev");
        let dead = self.committed(documents::DEAD_LETTERS);
        assert_same_multiset(
            "integration-dev",
            load.outcomes.clone(),
            records.iter().map(load::Outcome::of),
        );
        let texts = |values: Vec<Vec<u8>>| {
            values
                .into_iter()
                .map(|value| String::from_utf8_lossy(&value).into_owned())
                .collect::<Vec<_>>()
        };
        let values = dead
            .into_iter()
            .map(|record| record.value.unwrap_or_default())
            .collect();
        assert_same_multiset("dead letters", texts(load.dead.clone()), texts(values));
        for topic in documents::outputs().iter().filter(|topic| *topic != "integration-dev") {
            assert_eq!(
                self.client.committed_count(&self.topic(topic)),
                0,
                "{topic} gets nothing of updates"
            );
        }
        records
    }
}

/// Input that flows while other things are done. Dropped before its end, it ends early.
pub struct Flow {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flow {
    /// Waits until all is written.
    pub fn finish(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the input is written");
        }
    }

    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Several loads as one, in the order in which they were produced.
pub fn joined(loads: Vec<Load>) -> Load {
    let mut all = Load::default();
    for load in loads {
        all.messages.extend(load.messages);
        all.outcomes.extend(load.outcomes);
        all.dead.extend(load.dead);
    }
    all
}
