//! Reading by assignment.

use super::MemoryBroker;
use super::consumer::offset;
use super::log::Stored;
use super::operation::Operation;
use crate::broker::{BrokerError, Position, Reader, TopicPartition};
use crate::record::RawRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct MemoryReader {
    broker: MemoryBroker,
    positions: BTreeMap<TopicPartition, i64>,
}

impl MemoryReader {
    pub fn new(broker: MemoryBroker) -> MemoryReader {
        MemoryReader {
            broker,
            positions: BTreeMap::new(),
        }
    }
}

impl Reader for MemoryReader {
    fn assign(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        self.broker.call(Operation::Assign, |cluster| {
            positions
                .iter()
                .try_for_each(|(p, _)| cluster.log(Operation::Assign, p).map(|_| ()))
        })?;
        self.positions = positions
            .iter()
            .map(|(partition, start)| (partition.clone(), offset(*start)))
            .collect();
        Ok(())
    }

    fn poll(&mut self, timeout: Duration, max: usize, each: &mut dyn FnMut(RawRecord<'_>)) -> Result<(), BrokerError> {
        let Self { broker, positions } = self;
        let polled = broker.wait(timeout, || {
            broker.call(Operation::Read, |cluster| {
                let mut fetched: Vec<(TopicPartition, i64, Arc<Stored>)> = Vec::new();
                for (partition, position) in positions.iter_mut() {
                    let log = cluster.log(Operation::Read, partition)?;
                    *position = log.read(*position, max - fetched.len(), &mut |offset, record| {
                        fetched.push((partition.clone(), offset, Arc::clone(record)));
                    });
                }
                Ok((!fetched.is_empty()).then_some(fetched))
            })
        })?;
        for (partition, offset, record) in polled.unwrap_or_default() {
            record.hand(&partition.topic, partition.partition, offset, each);
        }
        Ok(())
    }

    fn offsets(&mut self, partition: &TopicPartition) -> Result<(i64, i64), BrokerError> {
        self.broker.call(Operation::Offsets, |cluster| {
            Ok((0, cluster.log(Operation::Offsets, partition)?.stable()))
        })
    }

    fn end(&mut self, partition: &TopicPartition) -> Result<i64, BrokerError> {
        self.broker.call(Operation::Offsets, |cluster| {
            Ok(cluster.log(Operation::Offsets, partition)?.end())
        })
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Option<i64>, BrokerError> {
        Ok(self.positions.get(partition).copied())
    }
}
