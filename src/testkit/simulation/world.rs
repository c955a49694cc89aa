//! A small cluster with everything that goes wrong in one: workers that die, freeze, wake as zombies, come and go, while
//! calls fail at every point of the protocol. Everything is drawn from one seed.

use super::topology::topology;
use crate::broker::memory::{Faults, MemoryBroker, Point, Random, RandomFaults, When};
use crate::broker::{Outgoing, Reaction, TopicState};
use crate::engine::{EngineError, Shared, Standbys, Step, Tables, Wiring, Worker, WorkerSettings};
use crate::state::MemoryStores;
use crate::topology::{Guarantee, Topology};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a seed's world is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub guarantee: Guarantee,
    /// Records written in all, duplicates and failing ones among them.
    pub records: u64,
    /// Steps before everything is mended and run to the end.
    pub steps: u64,
    /// Of a thousand calls, how many fail.
    pub faults: u64,
    /// Of a thousand steps, before how many something else happens.
    pub events: u64,
    pub static_members: bool,
}

/// A worker's place: the name stays, what runs there comes and goes.
struct Slot {
    name: String,
    running: Option<Running>,
    /// Not stepped for so many steps.
    frozen: u64,
}

struct Running {
    worker: Worker,
    process: MemoryBroker,
}

pub struct World {
    pub broker: MemoryBroker,
    pub random: Random,
    plan: Plan,
    topology: Arc<Topology>,
    slots: Vec<Slot>,
    now: Duration,
    /// What was written, in order.
    pub written: Vec<Written>,
    pub log: Log,
}

/// What happened; kept only where somebody will read it.
#[derive(Clone, Default)]
pub struct Log {
    pub on: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn add(&self, line: impl FnOnce() -> String) {
        if self.on.load(Ordering::Relaxed) {
            self.lines.lock().unwrap().push(line());
        }
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub id: u64,
    pub key: String,
    pub kind: &'static str,
}

impl Written {
    /// The record's value; a `huge` one is more than the topic `out` takes.
    pub fn value(&self) -> String {
        let Written { id, key, kind } = self;
        let pad = "x".repeat(if *kind == "huge" { 600 } else { 0 });
        format!(r#"{{"id":{id},"key":"{key}","kind":"{kind}","pad":"{pad}"}}"#)
    }
}

const READ: [&str; 2] = ["in", "middle"];

impl World {
    pub fn new(seed: u64, plan: Plan) -> World {
        let mut random = Random::new(seed);
        let broker = MemoryBroker::new(random.next_u64());
        for (topic, partitions) in [
            ("odd", 2),
            ("in", 3),
            ("middle", 3),
            ("dead", 1),
            ("sim-ids-changelog", 3),
        ] {
            broker.create_topic(topic, partitions).unwrap();
        }
        let settings = vec![("max.message.bytes".to_owned(), "400".to_owned())];
        let (name, partitions) = ("out".to_owned(), 2);
        broker
            .create_topic_with(&TopicState {
                name,
                partitions,
                settings,
            })
            .unwrap();
        let log = Log::default();
        let mut faults = RandomFaults::new(random.next_u64(), plan.faults);
        let calls = log.clone();
        broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
            let fault = faults.at(point);
            if fault.is_some() || point.when == When::After {
                let fault = fault.map(|fault| format!(": {fault:?}")).unwrap_or_default();
                calls.add(|| {
                    format!(
                        "    {} {} {:?}{fault}",
                        point.process,
                        point.operation.name(),
                        point.when
                    )
                });
            }
            fault
        })));
        let slots = ["a", "b", "c"]
            .map(|name| Slot {
                name: name.to_owned(),
                running: None,
                frozen: 0,
            })
            .into_iter()
            .collect();
        World {
            broker,
            random,
            plan,
            topology: Arc::new(topology(plan.guarantee)),
            slots,
            now: Duration::ZERO,
            written: Vec::new(),
            log,
        }
    }

    /// Lives through the plan, then mends everything and runs to the end.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub fn live(&mut self) -> Result<(), String> {
        self.start(0);
        for _ in 0..self.plan.steps {
            if self.random.chance(self.plan.events) {
                self.event();
            }
            if (self.written.len() as u64) < self.plan.records && self.random.chance(400) {
                self.write();
            }
            let slot = self.random.below(self.slots.len() as u64) as usize;
            self.step(slot);
        }
        while (self.written.len() as u64) < self.plan.records {
            self.write();
        }
        self.settle()
    }

    fn settle(&mut self) -> Result<(), String> {
        self.log.add(|| "mended".to_owned());
        let log = self.log.clone();
        self.broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
            if point.when == When::After {
                log.add(|| format!("    {} {}", point.process, point.operation.name()));
            }
            None
        })));
        self.slots.iter_mut().for_each(|slot| slot.frozen = 0);
        self.start(0);
        self.start(1);
        let topics = READ.map(str::to_owned);
        for round in 0..20_000 {
            let look = round % 4 == 0;
            if look && self.broker.lag("sim", &topics) == 0 && self.broker.open_transactions().is_empty() {
                return Ok(());
            }
            // The dead hold partitions and transactions until their time is over.
            if round % 30 == 29 {
                self.broker.advance(Duration::from_secs(20));
            }
            (0..self.slots.len()).for_each(|slot| self.step(slot));
        }
        Err(format!(
            "does not come to rest: lag {}, open transactions {:?}, members {:?}",
            self.broker.lag("sim", &topics),
            self.broker.open_transactions(),
            self.broker.members("sim")
        ))
    }

    fn write(&mut self) {
        let id = match self.random.below(10) {
            0 | 1 if !self.written.is_empty() => {
                let again = self.random.below(self.written.len() as u64) as usize;
                let again = self.written[again].clone();
                return self.put(again);
            }
            _ => self.written.iter().map(|w| w.id + 1).max().unwrap_or(0),
        };
        let key = format!("k{}", self.random.below(6));
        let kind = match self.random.below(12) {
            0 => "broken",
            1 => "rotten",
            3 => "huge",
            2 => "odd",
            _ => "plain",
        };
        self.put(Written { id, key, kind });
    }

    fn put(&mut self, record: Written) {
        let value = record.value();
        let (key, value) = (Some(record.key.as_bytes()), Some(value.as_bytes()));
        let outgoing = Outgoing {
            topic: "in",
            partition: None,
            key,
            value,
            headers: &[],
            timestamp: None,
        };
        let at = self.broker.produce(&outgoing).unwrap();
        self.log.add(|| format!("written {record:?} {at:?}"));
        self.written.push(record);
    }

    fn event(&mut self) {
        let at = self.random.below(self.slots.len() as u64) as usize;
        let name = self.slots[at].name.clone();
        match self.random.below(8) {
            0 | 1 => self.start(at),
            2 => self.kill(at),
            3 => {
                // Frozen, and taken for dead: wakes as a zombie.
                self.log.add(|| format!("{name} freezes and is expired"));
                self.slots[at].frozen = 5 + self.random.below(60);
                self.expire();
            }
            4 => {
                self.log.add(|| format!("{name} freezes"));
                self.slots[at].frozen = 5 + self.random.below(60);
            }
            5 => self.expire(),
            6 => {
                let by = Duration::from_secs(self.random.below(50));
                self.log.add(|| format!("{by:?} pass"));
                self.broker.advance(by);
            }
            _ => self.finish(at),
        }
    }

    fn expire(&mut self) {
        let members = self.broker.members("sim");
        if let Some(member) = self.random.pick(&members) {
            self.log.add(|| format!("session of {} ends", member.id));
            self.broker.expire("sim", &member.id);
        }
    }

    fn start(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if slot.running.is_some() {
            return;
        }
        self.log.add(|| format!("{} starts", slot.name));
        let process = self.broker.process(&slot.name);
        let shared = Arc::new(Shared {
            topology: Arc::clone(&self.topology),
            wiring: Wiring::new(&self.topology),
            tables: Tables::new(&[]),
            broker: Box::new(process.clone()),
            stores: Box::new(MemoryStores),
            standbys: Standbys::default(),
        });
        let settings = WorkerSettings {
            static_membership: self.plan.static_members,
            poll_records: 1 + self.random.below(6) as usize,
            ..WorkerSettings::new(&slot.name, 0, self.topology.commit_interval)
        };
        slot.running = Some(Running {
            worker: Worker::new(shared, settings),
            process,
        });
    }

    fn kill(&mut self, at: usize) {
        if let Some(running) = self.slots[at].running.take() {
            self.log.add(|| format!("{} is killed", self.slots[at].name));
            running.process.kill();
        }
    }

    /// Asks a worker to end well; it may fail, as anything may.
    fn finish(&mut self, at: usize) {
        let Some(mut running) = self.slots[at].running.take() else {
            return;
        };
        self.log.add(|| format!("{} ends", self.slots[at].name));
        for _ in 0..20 {
            match running.worker.finish() {
                Ok(false) => {}
                Ok(true) => break,
                Err(error) => {
                    self.log.add(|| format!("{} ends with {error}", self.slots[at].name));
                    break;
                }
            }
        }
        running.process.kill();
    }

    fn step(&mut self, at: usize) {
        self.now += Duration::from_millis(self.random.below(8));
        let slot = &mut self.slots[at];
        if slot.frozen > 0 {
            slot.frozen -= 1;
            return;
        }
        let Some(running) = &mut slot.running else { return };
        match running.worker.step(self.now) {
            Ok(Step::Busy | Step::Idle) => {}
            Ok(Step::Wait(_)) => self.log.add(|| format!("{} waits", slot.name)),
            Err(EngineError::Broker(error)) if error.reaction == Reaction::Fatal => {
                self.log.add(|| format!("{} fails: {error}", slot.name));
                running.process.kill();
                slot.running = None;
            }
            Err(error) => {
                self.log.add(|| format!("{} fails: {error}", slot.name));
                running.process.kill();
                slot.running = None;
            }
        }
    }
}

/// The values of a topic by key, in the order of the log.
pub fn by_key(broker: &MemoryBroker, topic: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap_or_default()).unwrap();
    for record in broker.committed_records(topic) {
        found.entry(text(record.key)).or_default().push(text(record.value));
    }
    found
}
