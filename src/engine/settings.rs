//! How a worker works.

use crate::topology::{Guarantee, Topology};
use std::time::Duration;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The instance's name, stable over restarts; part of transactional ids.
    pub instance: String,
    /// The worker's number within the instance.
    pub index: usize,
    /// Join the group as a static member, under the instance's name.
    pub static_membership: bool,
    pub commit_interval: Duration,
    /// Commit when a transaction has written this much, whatever the interval.
    pub commit_bytes: usize,
    /// How long a poll waits for the first record.
    pub poll_timeout: Duration,
    /// How many records are processed between two looks at anything else.
    pub poll_records: usize,
    /// An output larger than this makes its record a dead letter.
    pub max_record_bytes: usize,
}

impl WorkerSettings {
    /// What its transactions are called; `None`: it has none.
    pub(super) fn transactional_id(&self, topology: &Topology) -> Option<String> {
        let of = &topology.application;
        (topology.guarantee == Guarantee::ExactlyOnce).then(|| format!("{of}-{}-{}", self.instance, self.index))
    }

    pub fn new(instance: &str, index: usize, commit_interval: Duration) -> Self {
        Self {
            instance: instance.to_owned(),
            index,
            static_membership: false,
            commit_interval,
            commit_bytes: 16 * 1024 * 1024,
            poll_timeout: Duration::from_millis(100),
            poll_records: 1_000,
            max_record_bytes: 1_000_000,
        }
    }
}
