//! Reads everything that the engine writes, as a consumer of its own would.

use crate::broker::{Broker, BrokerError, Consumer, ConsumerSettings, Position, Rebalance, TopicPartition};
use std::io;
use std::time::Duration;

/// A record that came out.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub topic: String,
    pub key: Option<String>,
    /// Text headers.
    pub headers: Vec<(String, String)>,
    pub value: Vec<u8>,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

pub struct Watch {
    consumer: Box<dyn Consumer>,
    arrived: Vec<Arrived>,
}

impl Watch {
    pub fn start(broker: &dyn Broker, topics: Vec<String>) -> Result<Self, BrokerError> {
        let consumer = broker.consumer(&ConsumerSettings {
            group: "demo-watch".into(),
            client: "demo".into(),
            instance: None,
            topics,
        })?;
        Ok(Self {
            consumer,
            arrived: Vec::new(),
        })
    }

    pub fn arrived(&self) -> &[Arrived] {
        &self.arrived
    }

    /// Waits a moment for records and tells of each.
    pub fn poll(&mut self, tell: &mut dyn FnMut(&Arrived) -> io::Result<()>) -> Result<(), super::DemoError> {
        let before = self.arrived.len();
        let arrived = &mut self.arrived;
        let rebalance = self.consumer.poll(Duration::from_millis(50), 500, &mut |record| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            arrived.push(Arrived {
                topic: record.origin.topic.to_owned(),
                key: record.key.map(text),
                headers: record
                    .headers
                    .iter()
                    .filter_map(|header| Some((header.name.to_owned(), text(header.value?))))
                    .collect(),
                value: record.value.unwrap_or_default().to_vec(),
            });
        })?;
        if let Some(rebalance) = rebalance {
            let start: Vec<(TopicPartition, Position)> = match &rebalance {
                Rebalance::Assigned(partitions) => partitions
                    .iter()
                    .map(|partition| (partition.clone(), Position::Beginning))
                    .collect(),
                Rebalance::Revoked(_) | Rebalance::Lost(_) => Vec::new(),
            };
            self.consumer.complete(rebalance, &start)?;
        }
        for arrived in self.arrived.get(before..).unwrap_or_default() {
            tell(arrived)?;
        }
        Ok(())
    }
}
