//! A broker in memory, with Kafka's semantics where exactly-once depends on them and fault points everywhere.
//!
//! What is real: offsets (markers take one too), the last stable offset, read_committed, epochs and fencing of transactional
//! ids, offsets in transactions checked against the group's generation, pending offsets, cooperative rebalances, static
//! membership, partitions chosen as Java clients do. What is not: replication, compaction, time. The clock moves only by
//! [`MemoryBroker::advance`], and unless [`MemoryBroker::waiting`] was asked for, no call ever waits.
//!
//! Invariant: all state is behind one lock, which is never held while a caller's code runs. The same seed and the same
//! calls give the same results.

mod admin;
mod assignor;
mod cluster;
mod consumer;
mod faults;
mod groups;
#[cfg(test)]
mod inspect;
mod log;
mod member;
mod operation;
mod producer;
mod reader;
#[cfg(test)]
mod tests;
mod tools;
mod transactional;
mod transactions;

pub use faults::{Fault, Faults, Point, Random, RandomFaults, When, is_crash, possible};
pub use groups::MemberState;
pub use operation::Operation;
pub use tools::Dumped;

use super::{
    Admin, Broker, BrokerError, Consumer, ConsumerSettings, Done, Outgoing, Producer, ProducerSettings, Reader, Writer,
};
use cluster::Cluster;
use operation::failure;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A cluster in memory, as one process sees it. Clones see the same cluster as the same process.
#[derive(Clone)]
pub struct MemoryBroker {
    shared: Arc<Shared>,
    process: Arc<Process>,
}

struct Shared {
    cluster: Mutex<Cluster>,
    changed: Condvar,
    waits: bool,
}

/// Everything built by one process dies with it.
struct Process {
    name: String,
    alive: AtomicBool,
}

impl MemoryBroker {
    /// A cluster for one thread, where no call waits: what is not there at once is reported as not there.
    pub fn new(seed: u64) -> MemoryBroker {
        MemoryBroker::build(seed, false)
    }

    /// A cluster for several threads, where a poll waits for records as long as it is told to.
    pub fn waiting(seed: u64) -> MemoryBroker {
        MemoryBroker::build(seed, true)
    }

    fn build(seed: u64, waits: bool) -> MemoryBroker {
        let cluster = Mutex::new(Cluster::new(seed));
        let shared = Arc::new(Shared {
            cluster,
            changed: Condvar::new(),
            waits,
        });
        MemoryBroker {
            shared,
            process: Process::start("main"),
        }
    }

    /// The same cluster as seen by another process, which can be killed on its own.
    pub fn process(&self, name: &str) -> MemoryBroker {
        MemoryBroker {
            shared: Arc::clone(&self.shared),
            process: Process::start(name),
        }
    }

    /// `kill -9` for this process: nothing built by it has any effect from now on.
    pub fn kill(&self) {
        self.process.alive.store(false, Ordering::SeqCst);
    }

    pub fn is_alive(&self) -> bool {
        self.process.alive.load(Ordering::SeqCst)
    }

    /// The state as it is, for tools: no faults, no dead processes.
    fn look(&self) -> MutexGuard<'_, Cluster> {
        self.shared.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call of a client: fault, act, fault.
    fn call<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut Cluster) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let mut cluster = self.look();
        cluster.calls += 1;
        cluster.settle_due();
        self.fault(&mut cluster, operation, When::Before)?;
        let result = act(&mut cluster);
        let result = match result {
            Ok(value) => self.fault(&mut cluster, operation, When::After).map(|()| value),
            Err(error) => Err(error),
        };
        drop(cluster);
        self.shared.changed.notify_all();
        result
    }

    fn fault(&self, cluster: &mut Cluster, operation: Operation, when: When) -> Result<(), BrokerError> {
        if !self.is_alive() {
            return Err(faults::crash(operation));
        }
        // Records that were handed out can't be taken back: a poll that failed after the fact would lose them.
        let handed_out = when == When::After && matches!(operation, Operation::Poll | Operation::Read);
        let point = Point {
            operation,
            when,
            process: &self.process.name,
        };
        match cluster.faults.as_mut().and_then(|faults| faults.at(&point)) {
            None => Ok(()),
            Some(Fault::Fail(_)) if handed_out => Ok(()),
            Some(Fault::Fail(reaction)) => {
                let message = format!("injected fault {when:?} the call").to_lowercase();
                Err(failure(operation, reaction, message))
            }
            Some(Fault::Crash) => {
                self.kill();
                Err(faults::crash(operation))
            }
            Some(Fault::Expire) => {
                let groups = cluster.groups.values_mut();
                groups.for_each(|group| group.remove_process(&self.process.name));
                Ok(())
            }
            Some(Fault::LateMarkers(calls)) => {
                cluster.late_markers = calls;
                Ok(())
            }
        }
    }

    /// Repeats `attempt` until it has something or `timeout` is over; once only, where nothing waits.
    fn wait<T>(
        &self,
        timeout: Duration,
        mut attempt: impl FnMut() -> Result<Option<T>, BrokerError>,
    ) -> Result<Option<T>, BrokerError> {
        let started = Instant::now();
        loop {
            if let Some(found) = attempt()? {
                return Ok(Some(found));
            }
            let left = timeout.saturating_sub(started.elapsed());
            if !self.shared.waits || left.is_zero() {
                return Ok(None);
            }
            // Short steps, as a change between the attempt and this wait would be missed.
            let guard = self.look();
            let step = left.min(Duration::from_millis(1));
            drop(
                self.shared
                    .changed
                    .wait_timeout(guard, step)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }
}

impl Process {
    fn start(name: &str) -> Arc<Process> {
        Arc::new(Process {
            name: name.to_owned(),
            alive: AtomicBool::new(true),
        })
    }
}

impl Broker for MemoryBroker {
    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, BrokerError> {
        self.call(Operation::Subscribe, |_| Ok(()))?;
        Ok(Box::new(consumer::MemoryConsumer::new(self.clone(), settings)))
    }

    fn producer(&self, settings: &ProducerSettings) -> Result<Box<dyn Producer>, BrokerError> {
        let identity = match &settings.transactional_id {
            Some(id) => Some(self.call(Operation::Init, |cluster| Ok(cluster.init_producer(id)))?),
            None => None,
        };
        Ok(Box::new(producer::MemoryProducer::new(self.clone(), identity)))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, BrokerError> {
        self.call(Operation::Assign, |_| Ok(()))?;
        Ok(Box::new(reader::MemoryReader::new(self.clone())))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(admin::MemoryAdmin::new(self.clone())))
    }

    fn writer(&self) -> Result<Box<dyn Writer>, BrokerError> {
        Ok(Box::new(self.clone()))
    }
}

/// Each record is in the log at once.
impl Writer for MemoryBroker {
    fn write(&self, record: Outgoing<'_>, done: Done) -> Option<Done> {
        done(self.produce(&record).map(|_| ()));
        None
    }

    fn pending(&self) -> usize {
        0
    }
}
