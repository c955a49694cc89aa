//! What the broker in memory promises, each promise a test.

mod faults;
mod groups;
mod topics;
mod transactions;

use super::MemoryBroker;
use crate::broker::{
    Broker, BrokerError, Consumer, ConsumerSettings, Outgoing, Position, Producer, ProducerSettings, Rebalance,
    TopicPartition,
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(1);

fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(7);
    broker.create_topic("in", 4).unwrap();
    broker.create_topic("out", 2).unwrap();
    broker
}

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition {
        topic: topic.to_owned(),
        partition,
    }
}

fn record<'a>(topic: &'a str, partition: i32, value: &'a str) -> Outgoing<'a> {
    Outgoing {
        topic,
        partition: Some(partition),
        key: None,
        value: Some(value.as_bytes()),
        headers: &[],
        timestamp: None,
    }
}

fn producer(broker: &MemoryBroker, id: &str) -> Box<dyn Producer> {
    broker
        .producer(&ProducerSettings {
            transactional_id: Some(id.to_owned()),
        })
        .unwrap()
}

fn consumer(broker: &MemoryBroker, instance: Option<&str>) -> Box<dyn Consumer> {
    let instance = instance.map(str::to_owned);
    broker
        .consumer(&ConsumerSettings {
            group: "g".to_owned(),
            client: "test".into(),
            instance,
            topics: vec!["in".to_owned()],
        })
        .unwrap()
}

/// Polls once; records' values, and a rebalance if one came up.
fn poll(consumer: &mut dyn Consumer) -> (Vec<String>, Option<Rebalance>) {
    let mut values = Vec::new();
    let rebalance = consumer
        .poll(SOON, 100, &mut |r| {
            values.push(String::from_utf8_lossy(r.value.unwrap_or_default()).into_owned())
        })
        .unwrap();
    (values, rebalance)
}

/// Completes a rebalance, starting where the group committed last.
fn accept(consumer: &mut dyn Consumer, rebalance: Rebalance) -> Result<(), BrokerError> {
    let mut start = Vec::new();
    if let Rebalance::Assigned(partitions) = &rebalance {
        let offsets = consumer.committed(partitions, SOON)?;
        start = partitions
            .iter()
            .zip(offsets)
            .map(|(p, offset)| (p.clone(), offset.map_or(Position::Beginning, Position::Offset)))
            .collect();
    }
    consumer.complete(rebalance, &start)
}

/// Polls all consumers in turn until nothing comes any more. What came: consumer and rebalance, in order; records are dropped.
fn settle(consumers: &mut [&mut Box<dyn Consumer>]) -> Vec<(usize, Rebalance)> {
    let mut seen = Vec::new();
    let mut quiet = 0;
    while quiet < 3 {
        quiet += 1;
        for (index, consumer) in consumers.iter_mut().enumerate() {
            if let (_, Some(rebalance)) = poll(consumer.as_mut()) {
                seen.push((index, rebalance.clone()));
                accept(consumer.as_mut(), rebalance).unwrap();
                quiet = 0;
            }
        }
    }
    seen
}

fn values(broker: &MemoryBroker, topic: &str) -> Vec<String> {
    let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap()).unwrap();
    broker
        .committed_records(topic)
        .into_iter()
        .map(|r| text(r.value))
        .collect()
}
