//! What the simulator sees of a cluster, after every step: cheap where nothing happened.

use super::transactional::State;
use super::{Dumped, MemoryBroker};
use crate::broker::TopicPartition;

/// The committed records of a partition from some offset on.
pub struct Committed {
    pub records: Vec<Dumped>,
    /// Where to read on: behind it something is not decided.
    pub next: i64,
}

impl MemoryBroker {
    /// The length of all logs together: as long as it is the same, nothing was written and no transaction has ended.
    pub fn written(&self) -> i64 {
        let cluster = self.look();
        let logs = cluster.topics.values().flat_map(|topic| &topic.logs);
        logs.map(super::log::Log::end).sum()
    }

    /// What a consumer that stands at `from` would get.
    pub fn committed_from(&self, partition: &TopicPartition, from: i64) -> Committed {
        let mut records = Vec::new();
        let cluster = self.look();
        let log = cluster.log(super::Operation::Read, partition).unwrap();
        let next = log.read(from, usize::MAX, &mut |offset, record| {
            records.push(Dumped::of(partition, offset, record));
        });
        Committed { records, next }
    }

    /// What is committed from `from` on, or will be for certain, whatever else is undecided before it; and whether anything is.
    pub fn decided_from(&self, partition: &TopicPartition, from: i64) -> (Vec<Dumped>, bool) {
        let mut records = Vec::new();
        let cluster = self.look();
        let log = cluster.log(super::Operation::Read, partition).unwrap();
        let decided = |number: u64| {
            let mut transactions = cluster.transactionals.values();
            transactions.any(|t| matches!(&t.state, State::Decided { open, commit: true, .. } if open.number == number))
        };
        let undecided = log.read_decided(from, &decided, &mut |offset, record| {
            records.push(Dumped::of(partition, offset, record));
        });
        (records, undecided)
    }

    /// Where a log ends when the markers that are due are written.
    pub fn end_with_markers(&self, partition: &TopicPartition) -> i64 {
        let cluster = self.look();
        let end = cluster.log(super::Operation::Read, partition).unwrap().end();
        let touches =
            |state: &State| matches!(state, State::Decided { open, .. } if open.partitions.contains(partition));
        let due = cluster.transactionals.values().filter(|t| touches(&t.state)).count();
        end + i64::try_from(due).unwrap()
    }
}
