//! Customer events through the pods, and what must come of them.

use crate::harness::broker::Broker;
use crate::harness::client::Client;
use crate::harness::compare::assert_same_multiset;
use crate::harness::load::{self, Load, Outcome, Shape};
use crate::harness::random::Random;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub const FEED: &str = "feed.eventbridge";
const OUT: &str = "integration-dev";
const DEAD: &str = "customer-events.dead-letters";
const LIMIT: Duration = Duration::from_secs(180);

/// Everything that went into one Kafka so far.
pub struct Flow {
    pub broker: Broker,
    client: Client,
    random: Random,
    sent: Load,
    loads: usize,
}

impl Flow {
    pub fn new(test: &str) -> Self {
        let broker = Broker::start();
        Self {
            client: Client::new(broker.address()),
            broker,
            random: Random::seeded(test),
            sent: Load::default(),
            loads: 0,
        }
    }

    pub fn brokers(&self) -> String {
        self.broker.address()
    }

    /// Sends so many events over about this time, one in ten twice and one in fifty broken, while `meanwhile` does something to
    /// the pods; then waits until all came out, and verifies that nothing that was ever sent is lost or doubled.
    pub fn while_flowing(&mut self, events: u64, over: Duration, meanwhile: impl FnOnce()) {
        self.loads += 1;
        let shape = Shape {
            topic: FEED,
            name: &format!("load-{}", self.loads),
            events,
            customers: 200,
            duplicate_one_in: 10,
            broken_one_in: 50,
        };
        let load = Load::generate(&shape, &mut self.random);
        let pause = Duration::from_millis(100);
        let portions = (over.as_millis() / pause.as_millis()).max(1) as usize;
        let portion = load.messages.len().div_ceil(portions);
        let brokers = self.brokers();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let client = Client::new(brokers);
                client.produce_in_portions(&load.messages, portion, pause, &AtomicBool::new(false));
            });
            meanwhile();
        });
        self.sent.outcomes.extend(load.outcomes);
        self.sent.dead.extend(load.dead);
        self.verify();
    }

    fn verify(&self) {
        self.client.wait_committed(OUT, self.sent.outcomes.len(), LIMIT);
        self.client.wait_committed(DEAD, self.sent.dead.len(), LIMIT);
        let records = self.client.committed(OUT);
        let outcomes = records.iter().map(Outcome::of);
        assert_same_multiset(OUT, self.sent.outcomes.clone(), outcomes);
        let dead = self.client.committed(DEAD).into_iter();
        let dead = dead.map(|record| record.value.unwrap_or_default());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        assert_same_multiset(DEAD, self.sent.dead.iter().cloned().map(text), dead.map(text));
        println!(
            "{} events came out and {} dead letters: none lost, none doubled",
            self.sent.outcomes.len(),
            self.sent.dead.len()
        );
    }

    /// Each customer's events came out in their order; of the loads of a test with one load.
    pub fn verify_order(&self) {
        load::assert_ordered_by_customer(&self.client.committed(OUT));
    }
}
