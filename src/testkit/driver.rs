//! A topology that is fed by hand: the production worker, tasks and transactions over the broker in memory.
//!
//! Invariants: one worker, stepped in the caller's thread; every topic has one partition, so that what comes out has one order;
//! time stands still but for a millisecond a record, so that a run can be repeated.

use super::schemas;
use crate::broker::memory::{Dumped, MemoryBroker};
use crate::broker::{BrokerError, Outgoing, TopicState};
use crate::codec::CodecError;
use crate::engine::{Counts, EngineError, Shared, Step, TableReader, Wiring, Worker, WorkerSettings};
use crate::record::Header;
use crate::registry::{Registry, RegistryError};
use crate::state::MemoryStores;
use crate::topology::Topology;
use std::sync::Arc;
use std::time::Duration;

/// Why a topology could not be run.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("there is no {0} `{1}` in the topology")]
    Unknown(&'static str, String),
    #[error("the topology did not come to rest within {0} steps: does a topic feed itself?")]
    Restless(usize),
}

/// A record for a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    /// Milliseconds since the epoch; `None`: the driver's own time.
    pub timestamp: Option<i64>,
}

pub struct Driver {
    broker: MemoryBroker,
    shared: Arc<Shared>,
    worker: Worker,
    tables: Vec<TableReader>,
    now: Duration,
}

/// Far more than any case needs.
const MOST_STEPS: usize = 100_000;

impl Driver {
    /// Creates the topics and starts the worker.
    ///
    /// # Errors
    /// When the topology names topics that can't be.
    pub fn new(topology: &Arc<Topology>) -> Result<Driver, DriverError> {
        Self::with_registry(topology, schemas::registry(topology))
    }

    /// As [`Driver::new`], with the schemas of a registry that is given.
    pub(super) fn with_registry(topology: &Arc<Topology>, registry: Arc<dyn Registry>) -> Result<Driver, DriverError> {
        let broker = MemoryBroker::new(0);
        for topic in topology.plan().topics {
            let settings = topic
                .settings
                .iter()
                .map(|s| (s.name.to_owned(), s.value.clone()))
                .collect();
            broker.create_topic_with(&TopicState {
                name: topic.name,
                partitions: 1,
                settings,
            })?;
        }
        let wiring = Wiring::new(topology, &registry)?;
        let (own, stores) = (Box::new(broker.clone()), Box::new(MemoryStores));
        let shared = Arc::new(Shared::new(Arc::clone(topology), wiring, registry, own, stores)?);
        let tables = topology
            .tables
            .iter()
            .enumerate()
            .map(|(index, table)| TableReader::start(&broker, index, &table.topic, 1))
            .collect::<Result<_, _>>()?;
        let settings = WorkerSettings {
            poll_timeout: Duration::ZERO,
            ..WorkerSettings::new("test", 0, INTERVAL)
        };
        for writer in shared.wiring.sink_writers() {
            writer.prepare(shared.registry.as_ref(), true)?;
        }
        let worker = Worker::new(Arc::clone(&shared), settings);
        Ok(Driver {
            broker,
            shared,
            worker,
            tables,
            now: Duration::ZERO,
        })
    }

    /// Sets a row of a table, or removes it where `value` is `None`. Records see it from the next [`Driver::run_until_idle`] on.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn table_row(&mut self, table: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), DriverError> {
        let found = self.shared.topology.tables.iter().find(|t| t.name == table);
        let topic = &found
            .ok_or_else(|| DriverError::Unknown("table", table.to_owned()))?
            .topic;
        let row = Outgoing {
            topic,
            partition: None,
            key: Some(key),
            value,
            headers: &[],
            timestamp: None,
        };
        self.broker.produce(&row)?;
        Ok(())
    }

    /// Hands a record to a source, to be processed by the next [`Driver::run_until_idle`].
    ///
    /// # Errors
    /// When there is no such source, or the record is larger than a topic takes.
    pub fn input(&mut self, source: &str, message: &Message) -> Result<(), DriverError> {
        let found = self.shared.topology.sources.iter().find(|s| s.name == source);
        let topic = &found
            .ok_or_else(|| DriverError::Unknown("source", source.to_owned()))?
            .topic;
        let headers: Vec<Header<'_>> = message
            .headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value),
            })
            .collect();
        self.broker.advance(Duration::from_millis(1));
        self.broker.produce(&Outgoing {
            topic,
            partition: None,
            key: message.key.as_deref(),
            value: message.value.as_deref(),
            headers: &headers,
            timestamp: message.timestamp,
        })?;
        Ok(())
    }

    /// Steps the worker until everything is processed and committed.
    ///
    /// # Errors
    /// What a person would have to mend, such as a failed record of a processor with `on_error: fail`.
    pub fn run_until_idle(&mut self) -> Result<(), DriverError> {
        for reader in &mut self.tables {
            while !reader.follow(&self.shared.tables, Duration::ZERO)? {}
        }
        let topics = self.shared.wiring.read_topics();
        for _ in 0..MOST_STEPS {
            if self.worker.step(self.now)? == Step::Busy {
                continue;
            }
            if self.broker.lag(&self.shared.topology.application, &topics) == 0 {
                return Ok(());
            }
            self.now += INTERVAL;
        }
        Err(DriverError::Restless(MOST_STEPS))
    }

    /// Who the worker waits for.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.worker.waits_for()
    }

    /// The committed records of a topic, in order.
    pub fn records(&self, topic: &str) -> Vec<Dumped> {
        self.broker.committed_records(topic)
    }

    /// What came out of the sinks: every topic that has anything, by name.
    pub fn outputs(&self) -> Vec<(String, Vec<Dumped>)> {
        let mut topics: Vec<String> = self
            .shared
            .topology
            .sinks
            .iter()
            .flat_map(|sink| sink.topic.topics())
            .collect();
        topics.sort();
        topics.dedup();
        let records = topics.into_iter().map(|topic| {
            let records = self.records(&topic);
            (topic, records)
        });
        records.filter(|(_, records)| !records.is_empty()).collect()
    }

    pub fn dead_letters(&self) -> Vec<Dumped> {
        self.records(&self.shared.topology.dead_letters)
    }

    pub fn counts(&self) -> &Counts {
        self.worker.counts()
    }

    pub fn wiring(&self) -> &Wiring {
        &self.shared.wiring
    }
}

/// Between two commits, in the driver's own time.
const INTERVAL: Duration = Duration::from_millis(1);
