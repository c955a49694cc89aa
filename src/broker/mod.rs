//! The seam to Kafka: what the engine needs of a cluster, and nothing else.
//!
//! `kafka/` is the real thing and the only folder that knows rdkafka; `memory/` is a broker in memory with fault points.
//! Rebalances are data here, not callbacks: a poll reports one, the worker does what it must (commit, restore), and then
//! completes it. Every call that can fail says what to do about it ([`Reaction`]), and only a broker implementation decides which.

pub mod kafka;
pub mod memory;
pub mod partition;
mod statistics;

pub use statistics::{Ends, Queue, Statistics};

use crate::record::{Header, RawRecord};
use std::time::Duration;

/// What to do about a failed call. The only classification of errors in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The same call again, later: nothing is lost.
    Retry,
    /// Abort the transaction, rewind to the committed offsets, go on.
    Abort,
    /// The producer (and consumer) are of no more use: drop all, build new ones.
    Rebuild,
    /// This record can never be written: dead letter it.
    DeadLetter,
    /// Nothing the program can do; a person must.
    Fatal,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct BrokerError {
    pub operation: &'static str,
    pub message: String,
    pub reaction: Reaction,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

/// What a poll met besides records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
    /// Taken away already: nothing may be committed for these.
    Lost(Vec<TopicPartition>),
}

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    /// `None`: by the key, as Java clients hash it.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
    /// `None`: now.
    pub timestamp: Option<i64>,
}

/// A cluster.
pub trait Broker: Send + Sync {
    /// A member of a consumer group, subscribed to `topics`.
    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, BrokerError>;
    /// A producer; with a `transactional_id`, initialised: a dead predecessor's transaction is ended when this returns.
    fn producer(&self, settings: &ProducerSettings) -> Result<Box<dyn Producer>, BrokerError>;
    /// Reads partitions by assignment, read_committed, for restoring and for tables.
    fn reader(&self) -> Result<Box<dyn Reader>, BrokerError>;
    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError>;
    /// Writes records one by one, each acknowledged by itself.
    fn writer(&self) -> Result<Box<dyn Writer>, BrokerError>;
    /// What its clients measured; nothing where they measure nothing.
    fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}

#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    pub group: String,
    /// The name that this client shows in the group: the instance's.
    pub client: String,
    /// Static membership: the member's name, stable over restarts.
    pub instance: Option<String>,
    pub topics: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ProducerSettings {
    pub transactional_id: Option<String>,
}

pub trait Consumer: Send {
    /// Hands up to `max` records to `each`, waiting up to `timeout` for the first. A rebalance that came up is returned and
    /// stays pending until [`Consumer::complete`]: no other is reported meanwhile.
    fn poll(
        &mut self,
        timeout: Duration,
        max: usize,
        each: &mut dyn FnMut(RawRecord<'_>),
    ) -> Result<Option<Rebalance>, BrokerError>;
    /// Ends a rebalance. `start` has a position for every partition of an `Assigned`.
    fn complete(&mut self, rebalance: Rebalance, start: &[(TopicPartition, Position)]) -> Result<(), BrokerError>;
    /// Committed offsets, stable: waits out pending transactions, up to `timeout` (then `Retry`). `None`: nothing committed.
    /// `Fatal` where a reset of the group was begun and not finished.
    fn committed(&mut self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>, BrokerError>;
    fn seek(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError>;
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError>;
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError>;
    /// For `at_least_once`: commits offsets outside a transaction, synchronously.
    fn commit(&mut self, offsets: &[(TopicPartition, i64)]) -> Result<(), BrokerError>;
    /// The group metadata that fences zombies in `send_offsets`.
    fn group(&self) -> Result<GroupMetadata, BrokerError>;
    /// Leaves: dynamic members at once, static members keep their partitions until the session times out.
    fn close(&mut self);
}

/// Where to read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    Beginning,
    Offset(i64),
}

/// The consumer's membership, opaque to the engine.
pub struct GroupMetadata(pub Box<dyn std::any::Any + Send>);

/// Without a transactional id there is nothing to begin, to commit or to send offsets to, and records that were sent stay sent.
pub trait Producer: Send {
    fn begin(&mut self) -> Result<(), BrokerError>;
    /// Queues a record. A full queue is waited out inside. `DeadLetter`: too large for the client; others as they are.
    fn send(&mut self, record: Outgoing<'_>) -> Result<(), BrokerError>;
    /// Waits until everything queued was acknowledged; an error if anything was not.
    fn flush(&mut self, timeout: Duration) -> Result<(), BrokerError>;
    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, i64)],
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), BrokerError>;
    /// `Retry` after a timeout: the outcome is unknown, call it again, never abort.
    fn commit(&mut self, timeout: Duration) -> Result<(), BrokerError>;
    /// What was sent since `begin` is never seen. Without a transactional id it waits until nothing of it is under way any more, so
    /// that what fails of it is not taken for a failure of what comes next.
    fn abort(&mut self, timeout: Duration) -> Result<(), BrokerError>;
}

/// Is told once what became of a record; from a thread of the client's, so it must not wait for anything.
pub type Done = Box<dyn FnOnce(Result<(), BrokerError>) + Send + Sync>;

/// A producer without transactions, idempotent, for those who owe somebody an acknowledgement of each record. It never gives a
/// record up while time may mend what is wrong, and keeps the order of those that it took.
pub trait Writer: Send + Sync {
    /// Queues a record. `done` hears of `Ok` once all in-sync replicas have it; of `DeadLetter` where it can never be written; of
    /// anything else where it may have been written and may not, and is to be sent again. Given back: the queue is full.
    fn write(&self, record: Outgoing<'_>, done: Done) -> Option<Done>;
    /// Records that are queued or under way.
    fn pending(&self) -> usize;
}

/// Reads partitions of one topic.
pub trait Reader: Send {
    fn assign(&mut self, positions: &[(TopicPartition, Position)]) -> Result<(), BrokerError>;
    fn poll(&mut self, timeout: Duration, max: usize, each: &mut dyn FnMut(RawRecord<'_>)) -> Result<(), BrokerError>;
    /// First offset and last stable offset.
    fn offsets(&mut self, partition: &TopicPartition) -> Result<(i64, i64), BrokerError>;
    /// The end of the log: what belongs to transactions that are still open lies before it.
    fn end(&mut self, partition: &TopicPartition) -> Result<i64, BrokerError>;
    /// The position after the last record handed out or skipped (aborted records and markers included).
    fn position(&mut self, partition: &TopicPartition) -> Result<Option<i64>, BrokerError>;
}

/// A topic as it is or should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    pub name: String,
    pub partitions: i32,
    pub settings: Vec<(String, String)>,
}

/// A member of a consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The client's name: [`ConsumerSettings::client`] of ours.
    pub client: String,
    pub partitions: Vec<TopicPartition>,
}

/// How far a reset of a group has come when it sets offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// There is more to be done before anybody may read on here: [`Consumer::committed`] refuses these offsets.
    Begun,
    Finished,
}

/// What a member of the group is told that meets an offset of [`Reset::Begun`].
fn reset_is_unfinished(operation: &'static str, group: &str) -> BrokerError {
    BrokerError {
        operation,
        message: format!(
            "a reset of `{group}` was begun and has not finished, so its state and its offsets do not belong together: run \
             `millstream reset` again"
        ),
        reaction: Reaction::Fatal,
    }
}

pub trait Admin: Send {
    /// The members of a group; none where there is no such group.
    fn members(&mut self, group: &str) -> Result<Vec<GroupMember>, BrokerError>;
    /// How many partitions a topic has; `None`: there is no such topic.
    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, BrokerError> {
        Ok(self
            .describe(&[topic.to_owned()])?
            .first()
            .map(|state| state.partitions))
    }
    /// Partitions and settings of those of `topics` that exist.
    fn describe(&mut self, topics: &[String]) -> Result<Vec<TopicState>, BrokerError>;
    /// Creates topics with so many copies of each (`None`: the cluster's default); one that exists already is not an error.
    fn create(&mut self, topics: &[TopicState], replication: Option<i32>) -> Result<(), BrokerError>;
    /// Deletes topics and waits until they are gone; one that does not exist is not an error.
    fn delete(&mut self, topics: &[String]) -> Result<(), BrokerError>;
    /// As [`Consumer::committed`], of a group that this client is not in, and of a begun reset, too.
    fn committed(
        &mut self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<i64>>, BrokerError>;
    /// Sets the offsets of a group without members, all or none. A group that has members refuses.
    fn set_offsets(&mut self, group: &str, offsets: &[(TopicPartition, i64)], reset: Reset) -> Result<(), BrokerError>;
    /// The offset of the first record of each partition that is not older than `time` (ms since the epoch). `None`: there is none.
    fn offsets_at(&mut self, partitions: &[TopicPartition], time: i64) -> Result<Vec<Option<i64>>, BrokerError>;
}
