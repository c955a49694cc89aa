//! Reads partitions of one topic by assignment, in no group: to restore stores and to follow tables.
//!
//! The last records of a changelog are transaction markers, which no consumer sees. So the end is known by librdkafka's
//! "end of partition", which for a read_committed consumer means the last stable offset.

use super::config::KafkaSettings;
use super::consumer::Trouble;
use super::context::ConsumerCallbacks;
use super::errors::classify;
use super::{list_at, offset};
use crate::broker::{BrokerError, Position, Reader, TopicPartition};
use crate::record::RawRecord;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const OFFSETS_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks up where logs end. A client of its own, as a read_committed one is told the last stable offset instead. Built when
/// first needed, shared by all readers of a process.
#[derive(Default)]
pub struct Uncommitted {
    client: Mutex<Option<Arc<BaseConsumer>>>,
}

impl Uncommitted {
    fn end(&self, kafka: &KafkaSettings, partition: &TopicPartition) -> Result<i64, BrokerError> {
        let (_, end) = watermarks(self.client(kafka)?.as_ref(), partition)
            .map_err(|error| classify("read the end of a log", error))?;
        Ok(end)
    }

    fn client(&self, kafka: &KafkaSettings) -> Result<Arc<BaseConsumer>, BrokerError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = client.as_ref() {
            return Ok(Arc::clone(client));
        }
        let mut config = kafka.consumer();
        config.set("isolation.level", "read_uncommitted");
        config.set("group.id", "millstream-reader");
        let built: BaseConsumer = config.create().map_err(|error| classify("create the reader", error))?;
        Ok(Arc::clone(client.insert(Arc::new(built))))
    }
}

impl std::fmt::Debug for Uncommitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Uncommitted")
    }
}

/// The first and the last offset. Once librdkafka has heard that a partition has no leader, it calls it unknown from its cache,
/// whatever the brokers would say by now: the topic's metadata are asked for anew then, which mends the cache.
fn watermarks<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    TopicPartition { topic, partition }: &TopicPartition,
) -> KafkaResult<(i64, i64)> {
    match client.fetch_watermarks(topic, *partition, OFFSETS_TIMEOUT) {
        Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition) => {
            client.fetch_metadata(Some(topic), OFFSETS_TIMEOUT)?;
            client.fetch_watermarks(topic, *partition, OFFSETS_TIMEOUT)
        }
        answer => answer,
    }
}

pub struct KafkaReader {
    kafka: KafkaSettings,
    uncommitted: Arc<Uncommitted>,
    consumer: BaseConsumer<ConsumerCallbacks>,
    positions: HashMap<i32, i64>,
    /// Last stable offsets, as last asked for.
    ends: HashMap<i32, i64>,
}

impl KafkaReader {
    pub fn new(kafka: &KafkaSettings, uncommitted: Arc<Uncommitted>) -> Result<Self, BrokerError> {
        let mut config = kafka.consumer();
        config.set("enable.partition.eof", "true");
        // librdkafka wants a name even where no group is joined and nothing is committed.
        config.set("group.id", "millstream-reader");
        let consumer = config
            .create_with_context(ConsumerCallbacks::default())
            .map_err(|error| classify("create the reader", error))?;
        Ok(Self {
            kafka: kafka.clone(),
            uncommitted,
            consumer,
            positions: HashMap::new(),
            ends: HashMap::new(),
        })
    }
}

impl Reader for KafkaReader {
    fn assign(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        let list = list_at(
            "assign",
            positions
                .iter()
                .map(|(partition, position)| (partition, offset(*position))),
        )?;
        self.positions.clear();
        for (partition, position) in positions {
            if let Position::Offset(offset) = position {
                self.positions.insert(partition.partition, *offset);
            }
        }
        self.consumer.assign(&list).map_err(|error| classify("assign", error))
    }

    fn poll(&mut self, timeout: Duration, max: usize, each: &mut dyn FnMut(RawRecord<'_>)) -> Result<(), BrokerError> {
        let mut wait = timeout;
        let mut trouble = Trouble::default();
        // Records come in runs of one partition: its position is noted once a run.
        let mut run: Option<(i32, i64)> = None;
        for _ in 0..max {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    trouble.is_over();
                    let at = (message.partition(), message.offset().saturating_add(1));
                    if let Some((partition, position)) = run.filter(|(partition, _)| *partition != at.0) {
                        self.positions.insert(partition, position);
                    }
                    run = Some(at);
                    super::consumer::hand_over(&message, each);
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.positions.extend(run.take());
                    let end = self.ends.get(&partition).copied().unwrap_or(0);
                    let position = self.positions.entry(partition).or_insert(end);
                    *position = end.max(*position);
                }
                Some(Err(error)) => {
                    let met = trouble.met(classify("read", error));
                    if met.is_err() {
                        self.positions.extend(run);
                        return met;
                    }
                }
                None => break,
            }
            wait = Duration::ZERO;
        }
        self.positions.extend(run);
        trouble.last()
    }

    fn offsets(&mut self, partition: &TopicPartition) -> Result<(i64, i64), BrokerError> {
        let (first, end) =
            watermarks(&self.consumer, partition).map_err(|error| classify("read the last stable offset", error))?;
        self.ends.insert(partition.partition, end);
        Ok((first, end))
    }

    fn end(&mut self, partition: &TopicPartition) -> Result<i64, BrokerError> {
        self.uncommitted.end(&self.kafka, partition)
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Option<i64>, BrokerError> {
        Ok(self.positions.get(&partition.partition).copied())
    }
}
