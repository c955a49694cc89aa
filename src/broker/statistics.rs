//! What the clients of a cluster measure of themselves.

use super::TopicPartition;
use ahash::AHashMap;
use std::time::Duration;

/// Of all clients of this process together, as they last told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Partitions that are being read.
    pub partitions: AHashMap<TopicPartition, Ends>,
    /// Written and not yet acknowledged.
    pub producers: Queue,
    /// Fetched and not yet handed out.
    pub consumers: Queue,
    /// From a request to its answer, on average; `None`: there was none lately.
    pub round_trip: Option<Duration>,
    /// Requests that had no answer in time, since the start.
    pub timeouts: u64,
    /// No consumer is connected to any broker, and was not a while ago. Consumers alone, as each keeps its group's coordinator at hand; a
    /// producer that has nothing to write may let go of all. `None`: there is no consumer that has told anything.
    pub away: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    pub messages: u64,
    pub bytes: u64,
}

/// Where a partition ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub first: i64,
    /// The last stable offset: what is behind it belongs to open transactions.
    pub stable: i64,
    pub end: i64,
    /// All up to `stable` was handed out: what offsets are left are of transaction markers.
    pub drained: bool,
}
