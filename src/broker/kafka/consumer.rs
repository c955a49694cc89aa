//! A member of the consumer group.

use super::config::KafkaSettings;
use super::context::ConsumerCallbacks;
use super::errors::classify;
use super::offsets::{is_reset_unfinished, offsets_of};
use super::statistics::{Client, Clients, Kind};
use super::{list, list_at, offset};
use crate::broker::{
    BrokerError, Consumer, ConsumerSettings, GroupMetadata, Position, Reaction, Rebalance, TopicPartition,
    reset_is_unfinished,
};
use crate::record::{Header, Origin, RawRecord};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub struct GroupConsumer {
    group: String,
    consumer: BaseConsumer<ConsumerCallbacks>,
    /// What was handed out and not completed yet.
    owed: Option<Rebalance>,
}

impl GroupConsumer {
    /// # Errors
    /// `Fatal` for properties that librdkafka refuses.
    pub fn subscribe(
        kafka: &KafkaSettings,
        settings: &ConsumerSettings,
        clients: &Arc<Clients>,
    ) -> Result<Self, BrokerError> {
        let mut config = kafka.consumer();
        config.set("group.id", &settings.group);
        config.set("client.id", &settings.client);
        if let Some(instance) = &settings.instance {
            config.set("group.instance.id", instance);
        }
        let callbacks = ConsumerCallbacks::told_by(Client::of(clients, Kind::Consumer, &mut config));
        let consumer: BaseConsumer<ConsumerCallbacks> = config
            .create_with_context(callbacks)
            .map_err(|error| classify("create the consumer", error))?;
        let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
        consumer
            .subscribe(&topics)
            .map_err(|error| classify("subscribe", error))?;
        Ok(Self {
            group: settings.group.clone(),
            consumer,
            owed: None,
        })
    }
}

/// Errors that time mends, met while polling. librdkafka tells of every connection that fails, while it goes on by itself: a
/// broker that was away leaves many such events behind, and they are worth one error together, none if records came since.
#[derive(Default)]
pub(super) struct Trouble(Option<BrokerError>);

impl Trouble {
    /// # Errors
    /// At once, if more than time is needed.
    pub(super) fn met(&mut self, error: BrokerError) -> Result<(), BrokerError> {
        if error.reaction != Reaction::Retry {
            return Err(error);
        }
        self.0 = Some(error);
        Ok(())
    }

    pub(super) fn is_over(&mut self) {
        self.0 = None;
    }

    pub(super) fn last(self) -> Result<(), BrokerError> {
        self.0.map_or(Ok(()), Err)
    }
}

impl Consumer for GroupConsumer {
    fn poll(
        &mut self,
        timeout: Duration,
        max: usize,
        each: &mut dyn FnMut(RawRecord<'_>),
    ) -> Result<Option<Rebalance>, BrokerError> {
        let mut wait = timeout;
        let mut trouble = Trouble::default();
        for _ in 0..max {
            let polled = self.consumer.poll(wait);
            wait = Duration::ZERO;
            match polled {
                Some(Ok(message)) => {
                    trouble.is_over();
                    hand_over(&message, each);
                }
                Some(Err(error)) => trouble.met(classify("poll", error))?,
                None => break,
            }
        }
        trouble.last()?;
        let rebalance = self.consumer.context().take();
        if rebalance.is_some() {
            self.owed.clone_from(&rebalance);
        }
        Ok(rebalance)
    }

    fn complete(&mut self, rebalance: Rebalance, start: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        let completed = match rebalance {
            Rebalance::Assigned(_) => {
                let list = list_at(
                    "assign",
                    start.iter().map(|(partition, position)| (partition, offset(*position))),
                )?;
                self.consumer
                    .incremental_assign(&list)
                    .map_err(|error| classify("assign", error))
            }
            Rebalance::Revoked(partitions) | Rebalance::Lost(partitions) => {
                let list = list(&partitions);
                self.consumer
                    .incremental_unassign(&list)
                    .map_err(|error| classify("unassign", error))
            }
        };
        if completed.is_ok() {
            self.owed = None;
        }
        completed
    }

    fn committed(&mut self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>, BrokerError> {
        let answer = self
            .consumer
            .committed_offsets(list(partitions), timeout)
            .map_err(|error| classify("fetch committed offsets", error))?;
        if is_reset_unfinished(&answer) {
            return Err(reset_is_unfinished("fetch committed offsets", &self.group));
        }
        offsets_of(&answer, partitions, "fetch committed offsets")
    }

    fn seek(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError> {
        if positions.is_empty() {
            return Ok(());
        }
        let list = list_at(
            "seek",
            positions
                .iter()
                .map(|(partition, position)| (partition, offset(*position))),
        )?;
        let answer = self
            .consumer
            .seek_partitions(list, Duration::from_secs(10))
            .map_err(|error| classify("seek", error))?;
        answer
            .elements()
            .iter()
            .try_for_each(|element| element.error().map_err(|error| classify("seek", error)))
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.consumer
            .pause(&list(partitions))
            .map_err(|error| classify("pause", error))
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.consumer
            .resume(&list(partitions))
            .map_err(|error| classify("resume", error))
    }

    fn commit(&mut self, offsets: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        let list = offsets_list("commit offsets", offsets)?;
        self.consumer
            .commit(&list, CommitMode::Sync)
            .map_err(|error| classify("commit offsets", error))
    }

    fn group(&self) -> Result<GroupMetadata, BrokerError> {
        match self.consumer.group_metadata() {
            Some(metadata) => Ok(GroupMetadata(Box::new(metadata))),
            None => Err(BrokerError {
                operation: "read the group's metadata",
                message: "the consumer is in no group".into(),
                reaction: Reaction::Rebuild,
            }),
        }
    }

    fn close(&mut self) {
        self.consumer.context().closing.store(true, Ordering::Relaxed);
    }
}

impl Drop for GroupConsumer {
    /// The binding's own drop polls until librdkafka has closed the consumer, which waits for an answer to each rebalance that it
    /// has told of: also to one that nobody has looked at, and to one that the engine knew of when it was told to stop. It asks once
    /// more only for what it takes for still assigned, so what is gone must be answered here.
    fn drop(&mut self) {
        self.close();
        let told = self.consumer.context().take();
        if let Some(owed) = told.or(self.owed.take())
            && let Err(error) = self.complete(owed, &[])
        {
            tracing::debug!(%error, "completing a rebalance while closing");
            // Once it is closing, librdkafka takes this for an answer to anything.
            let closed = self.consumer.close_queue().and_then(|()| self.consumer.unassign());
            if let Err(error) = closed {
                tracing::debug!(%error, "giving up all partitions while closing");
            }
        }
    }
}

/// librdkafka's list for offsets to be committed.
pub fn offsets_list(
    operation: &'static str,
    offsets: &[(TopicPartition, i64)],
) -> Result<TopicPartitionList, BrokerError> {
    list_at(
        operation,
        offsets
            .iter()
            .map(|(partition, offset)| (partition, Offset::Offset(*offset))),
    )
}

/// Hands a message on as a raw record that borrows it.
pub fn hand_over(message: &BorrowedMessage<'_>, each: &mut dyn FnMut(RawRecord<'_>)) {
    let mut few: [Header<'_>; 8] = [Header { name: "", value: None }; 8];
    let mut many = Vec::new();
    let headers = match message.headers() {
        None => &[],
        Some(all) if all.count() <= few.len() => {
            let mut count = 0;
            for (slot, header) in few.iter_mut().zip(all.iter()) {
                *slot = Header {
                    name: header.key,
                    value: header.value,
                };
                count += 1;
            }
            few.get(..count).unwrap_or_default()
        }
        Some(all) => {
            many.extend(all.iter().map(|header| Header {
                name: header.key,
                value: header.value,
            }));
            many.as_slice()
        }
    };
    each(RawRecord {
        origin: Origin {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
        },
        key: message.key(),
        value: message.payload(),
        headers,
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
    });
}
