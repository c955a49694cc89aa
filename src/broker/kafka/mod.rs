//! The real Kafka, through librdkafka. The only folder that imports rdkafka.

mod admin;
mod config;
mod consumer;
mod context;
mod errors;
mod members;
mod mock;
mod offsets;
mod producer;
mod reader;
mod refusal;
mod statistics;
mod writer;

pub use config::KafkaSettings;
pub use mock::MockKafka;

use super::{
    Admin, Broker, BrokerError, Consumer, ConsumerSettings, Position, Producer, ProducerSettings, Reader, Statistics,
    TopicPartition, Writer,
};
use rdkafka::{Offset, TopicPartitionList};
use reader::Uncommitted;
use statistics::Clients;
use std::sync::Arc;

/// A Kafka cluster.
#[derive(Clone, Debug)]
pub struct KafkaBroker {
    settings: KafkaSettings,
    uncommitted: Arc<Uncommitted>,
    clients: Arc<Clients>,
}

impl KafkaBroker {
    pub fn new(settings: KafkaSettings) -> Self {
        Self {
            settings,
            uncommitted: Arc::default(),
            clients: Arc::default(),
        }
    }
}

impl Broker for KafkaBroker {
    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(consumer::GroupConsumer::subscribe(
            &self.settings,
            settings,
            &self.clients,
        )?))
    }

    fn producer(&self, settings: &ProducerSettings) -> Result<Box<dyn Producer>, BrokerError> {
        Ok(Box::new(producer::KafkaProducer::start(
            &self.settings,
            settings,
            &self.clients,
        )?))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, BrokerError> {
        Ok(Box::new(reader::KafkaReader::new(
            &self.settings,
            Arc::clone(&self.uncommitted),
        )?))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(admin::KafkaAdmin::new(&self.settings)?))
    }

    fn writer(&self) -> Result<Box<dyn Writer>, BrokerError> {
        Ok(Box::new(writer::KafkaWriter::start(&self.settings, &self.clients)?))
    }

    fn statistics(&self) -> Statistics {
        self.clients.statistics()
    }
}

/// librdkafka's list of partitions.
fn list<'p>(partitions: impl IntoIterator<Item = &'p TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.partition);
    }
    list
}

/// librdkafka's list of partitions, with offsets.
fn list_at<'p>(
    operation: &'static str,
    positions: impl IntoIterator<Item = (&'p TopicPartition, Offset)>,
) -> Result<TopicPartitionList, BrokerError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in positions {
        list.add_partition_offset(&partition.topic, partition.partition, offset)
            .map_err(|error| errors::classify(operation, error))?;
    }
    Ok(list)
}

fn offset(position: Position) -> Offset {
    match position {
        Position::Beginning => Offset::Beginning,
        Position::Offset(offset) => Offset::Offset(offset),
    }
}
