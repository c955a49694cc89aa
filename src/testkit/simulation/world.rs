//! A small cluster in which everything goes wrong: its instances are stepped one by one, in an order, and with disasters in
//! between, that are drawn from one seed; after every step the oracle looks.

use super::disk::Disk;
use super::faults::{foreseen, inject};
use super::input::Writer;
use super::judge::Judge;
use super::log::Log;
use super::opening::DiskStores;
use super::plan::Plan;
use super::topology::{GROUP, TOPICS, topology};
use crate::broker::memory::{MemoryBroker, Random};
use crate::broker::{Outgoing, TopicState};
use crate::engine::{Shared, Step, Wiring, Worker, WorkerSettings};
use crate::registry::{NoRegistry, Registry};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// An instance's place: the name and the disk stay, what runs there comes and goes.
pub struct Slot {
    pub name: String,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Not stepped for so many steps.
    pub frozen: u64,
}

/// A process.
pub struct Running {
    pub workers: Vec<Worker>,
    pub process: MemoryBroker,
}

/// How often things happened, by their names.
pub type Happened = BTreeMap<&'static str, u64>;

pub struct World {
    pub broker: MemoryBroker,
    pub random: Random,
    pub plan: Plan,
    pub slots: Vec<Slot>,
    pub log: Log,
    /// What happened, and how often.
    pub happened: Happened,
    writer: Writer,
    judge: Judge,
    now: Duration,
}

impl World {
    pub fn new(seed: u64, plan: Plan, log: Log) -> World {
        let mut random = Random::new(seed);
        let broker = MemoryBroker::new(random.next_u64());
        for (name, partitions) in TOPICS {
            let settings = match name {
                "out" => vec![("max.message.bytes".to_owned(), "400".to_owned())],
                _ => Vec::new(),
            };
            let name = name.to_owned();
            let topic = TopicState {
                name,
                partitions,
                settings,
            };
            broker.create_topic_with(&topic).unwrap();
        }
        inject(&broker, random.next_u64(), &plan, &log);
        let slots = ["a", "b", "c"].map(|name| Slot {
            name: name.to_owned(),
            disk: Disk::new(name, random.next_u64(), plan.disk_faults, plan.own_ids, &log),
            running: None,
            frozen: 0,
        });
        World {
            judge: Judge::new(&broker, plan.guarantee),
            writer: Writer::new(broker.now()),
            broker,
            random,
            plan,
            slots: slots.into_iter().collect(),
            now: Duration::ZERO,
            log,
            happened: Happened::new(),
        }
    }

    /// Lives through the plan, then mends everything and runs to the end.
    ///
    /// # Errors
    /// What did not hold, and that it does not come to rest.
    pub fn live(&mut self) -> Result<(), String> {
        (0..self.plan.instances).for_each(|slot| self.start(slot));
        for _ in 0..self.plan.steps {
            if self.random.chance(self.plan.events) {
                self.event()?;
            }
            if self.random.chance(self.plan.disk_events) {
                self.disk_event();
            }
            if self.writer.count() < self.plan.records && self.random.chance(400) {
                self.write();
            }
            let slot = self.random.below(self.slots.len() as u64) as usize;
            // Somebody comes back soon, or nothing would happen any more.
            if self.slots.iter().all(|slot| slot.running.is_none()) && self.random.chance(300) {
                self.start(slot);
            }
            self.step(slot)?;
        }
        while self.writer.count() < self.plan.records {
            self.write();
        }
        self.settle()?;
        self.judge.all_is_there()?;
        (0..self.slots.len()).for_each(|slot| self.kill(slot));
        Ok(())
    }

    pub fn count(&mut self, what: &'static str, times: u64) {
        *self.happened.entry(what).or_default() += times;
    }

    fn settle(&mut self) -> Result<(), String> {
        self.log.add(|| "mended".to_owned());
        self.plan = Plan {
            guarantee: self.plan.guarantee,
            ..Plan::quiet(0)
        };
        inject(&self.broker, 0, &self.plan, &self.log);
        for slot in &mut self.slots {
            slot.frozen = 0;
            slot.disk.contents().faults = 0;
        }
        // Whoever joins sets everybody right, so often nobody does.
        if self.slots.iter().all(|slot| slot.running.is_none()) || self.random.chance(300) {
            self.start(0);
            self.start(1);
        }
        let topics = ["in", "middle"].map(str::to_owned);
        for round in 0..20_000 {
            let look = round % 4 == 0;
            if look && self.broker.lag(GROUP, &topics) == 0 && self.broker.open_transactions().is_empty() {
                return Ok(());
            }
            // The dead hold partitions and transactions until their time is over.
            if round % 30 == 29 {
                self.broker.advance(Duration::from_secs(20));
            }
            (0..self.slots.len()).try_for_each(|slot| self.step(slot))?;
            // A disk may have been about to fail.
            if self.slots.iter().all(|slot| slot.running.is_none()) {
                self.start(0);
            }
        }
        Err(format!(
            "does not come to rest: lag {}, open transactions {:?}, members {:?}",
            self.broker.lag(GROUP, &topics),
            self.broker.open_transactions(),
            self.broker.members(GROUP)
        ))
    }

    fn write(&mut self) {
        let record = self.writer.next(&mut self.random);
        let (key, value) = (record.key(), record.value());
        let outgoing = Outgoing {
            topic: "in",
            partition: None,
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[],
            timestamp: Some(record.timestamp),
        };
        let (at, offset) = self.broker.produce(&outgoing).unwrap();
        self.log
            .add(|| format!("written to {} at {offset}: {record:?}", at.partition));
        self.count("records", 1);
        self.judge.expect(&record, at.partition, offset);
    }

    pub fn start(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if slot.running.is_some() {
            return;
        }
        self.log.add(|| format!("{} starts", slot.name));
        let process = self.broker.process(&slot.name);
        slot.disk.begin();
        let topology = topology(self.plan.guarantee);
        let registry: Arc<dyn Registry> = Arc::new(NoRegistry);
        let wiring = Wiring::new(&topology, &registry).unwrap();
        let stores = DiskStores {
            disk: slot.disk.clone(),
            process: process.clone(),
        };
        let shared = Shared::new(topology, wiring, registry, Box::new(process.clone()), Box::new(stores));
        let shared = Arc::new(shared.unwrap());
        let poll_records = 1 + self.random.below(6) as usize;
        let worker = |index| {
            let settings = WorkerSettings {
                static_membership: self.plan.static_members,
                poll_records,
                ..WorkerSettings::new(&slot.name, index, shared.topology.commit_interval)
            };
            Worker::new(Arc::clone(&shared), settings)
        };
        slot.running = Some(Running {
            workers: (0..self.plan.workers).map(worker).collect(),
            process,
        });
    }

    /// `kill -9`.
    pub fn kill(&mut self, at: usize) {
        if let Some(running) = self.slots[at].running.take() {
            self.log.add(|| format!("{} is killed", self.slots[at].name));
            self.count("processes killed", 1);
            self.ended(running);
        }
    }

    /// Nothing of a process has any effect from now on.
    fn ended(&mut self, running: Running) {
        running.process.kill();
        for worker in &running.workers {
            let counts = worker.counts();
            self.count("commits", counts.commits);
            self.count("aborts", counts.aborts.values().sum());
            self.count("producers built anew", counts.rebuilds);
            self.count("rebalances", counts.rebalances.values().sum());
            self.count("records restored", counts.restored);
        }
    }

    /// Asks an instance to end well; it may fail, as anything may.
    pub fn finish(&mut self, at: usize) -> Result<(), String> {
        let Some(mut running) = self.slots[at].running.take() else {
            return Ok(());
        };
        self.log.add(|| format!("{} ends", self.slots[at].name));
        for worker in &mut running.workers {
            for _ in 0..20 {
                match worker.finish() {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(error) => {
                        self.log.add(|| format!("{} ends with {error}", self.slots[at].name));
                        foreseen(&error)?;
                        break;
                    }
                }
            }
        }
        self.ended(running);
        self.look()
    }

    fn step(&mut self, at: usize) -> Result<(), String> {
        self.now += Duration::from_millis(self.random.below(8));
        let slot = &mut self.slots[at];
        if slot.frozen > 0 {
            slot.frozen -= 1;
            return Ok(());
        }
        let Some(mut running) = slot.running.take() else {
            return Ok(());
        };
        let index = self.random.below(running.workers.len() as u64) as usize;
        let name = &slot.name;
        match running.workers[index].step(self.now) {
            Ok(step) => {
                slot.running = Some(running);
                if let Step::Wait(_) = step {
                    self.log.add(|| format!("{name}-{index} waits"));
                    if self.random.chance(self.plan.events * 4) {
                        self.event_in_between(at);
                    }
                }
            }
            Err(error) => {
                self.log.add(|| format!("{name}-{index} fails: {error}"));
                self.count("processes failed", 1);
                self.ended(running);
                foreseen(&error)?;
            }
        }
        self.count("steps", 1);
        self.look()
    }

    fn look(&mut self) -> Result<(), String> {
        self.judge.look(self.slots.iter().map(|slot| &slot.disk))
    }
}
