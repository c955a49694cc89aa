//! The transaction coordinator: hands transactional ids out, and takes what a transaction ends with to logs and groups.

use super::cluster::Cluster;
use super::groups::Membership;
use super::log::Stored;
use super::operation::{Operation, failure};
use super::transactional::{Identity, Open, State, Transactional};
use crate::broker::{BrokerError, Reaction, TopicPartition};
use std::sync::Arc;

impl Cluster {
    /// `init_transactions`: ends the predecessor's transaction and fences the predecessor.
    pub fn init_producer(&mut self, id: &str) -> Identity {
        self.settle(id, false);
        let entry = self.transactionals.entry(id.to_owned()).or_default();
        Identity {
            id: id.to_owned(),
            epoch: entry.hand_over(),
        }
    }

    pub fn append_in_transaction(
        &mut self,
        identity: &Identity,
        operation: Operation,
        partition: &TopicPartition,
        record: Arc<Stored>,
    ) -> Result<(), BrokerError> {
        let open = self.open(identity, operation)?;
        let number = open.number;
        open.partitions.insert(partition.clone());
        self.log_mut(operation, partition)?.append(record, Some(number));
        Ok(())
    }

    pub fn add_offsets(
        &mut self,
        identity: &Identity,
        offsets: &[(TopicPartition, i64)],
        membership: &Membership,
    ) -> Result<(), BrokerError> {
        self.check_epoch(identity, Operation::SendOffsets)?;
        self.group(&membership.group)
            .check(membership, Operation::SendOffsets)?;
        let open = self.open(identity, Operation::SendOffsets)?;
        for (partition, offset) in offsets {
            open.offsets
                .insert((membership.group.clone(), partition.clone()), *offset);
        }
        Ok(())
    }

    /// Ends the open transaction; asked again for the same end, it is content.
    pub fn end_transaction(
        &mut self,
        identity: &Identity,
        operation: Operation,
        commit: bool,
    ) -> Result<(), BrokerError> {
        self.check_epoch(identity, operation)?;
        let late = std::mem::take(&mut self.late_markers);
        let due = self.calls.saturating_add(u64::from(late));
        let Some(entry) = self.transactionals.get_mut(&identity.id) else {
            return Err(unknown(operation));
        };
        entry.decide(commit, due, operation)?;
        if late == 0 {
            self.settle(&identity.id, commit);
        }
        Ok(())
    }

    /// Writes the markers that are due.
    pub fn settle_due(&mut self) {
        let calls = self.calls;
        let due: Vec<String> = self
            .transactionals
            .iter()
            .filter(|(_, t)| matches!(t.state, State::Decided { due, .. } if due <= calls))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            self.settle(&id, false);
        }
    }

    /// Aborts transactions older than `timeout` milliseconds and fences their producers.
    pub fn time_out_transactions(&mut self, timeout: i64) {
        let now = self.now;
        let old: Vec<String> = self
            .transactionals
            .iter()
            .filter(|(_, t)| matches!(&t.state, State::Open(open) if now - open.since > timeout))
            .map(|(id, _)| id.clone())
            .collect();
        for id in old {
            self.settle(&id, false);
            if let Some(entry) = self.transactionals.get_mut(&id) {
                entry.fence();
            }
        }
    }

    /// Whether a transaction that is not over holds an offset of this group and partition.
    pub fn is_pending(&self, group: &str, partition: &TopicPartition) -> bool {
        let mut unsettled = self.transactionals.values().filter_map(Transactional::unsettled);
        unsettled.any(|open| open.offsets.keys().any(|(g, p)| g == group && p == partition))
    }

    /// The transactional ids whose transactions are not over.
    pub fn unsettled(&self) -> Vec<String> {
        self.transactionals
            .iter()
            .filter(|(_, t)| t.unsettled().is_some())
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub fn check_epoch(&self, identity: &Identity, operation: Operation) -> Result<(), BrokerError> {
        let entry = self
            .transactionals
            .get(&identity.id)
            .ok_or_else(|| unknown(operation))?;
        entry.check_epoch(identity, operation)
    }

    /// The open transaction of a producer; begun if there is none, as a broker does with the first thing it hears of.
    fn open(&mut self, identity: &Identity, operation: Operation) -> Result<&mut Open, BrokerError> {
        self.check_epoch(identity, operation)?;
        // A client waits for the markers of the transaction before (CONCURRENT_TRANSACTIONS).
        if self
            .transactionals
            .get(&identity.id)
            .is_some_and(|t| matches!(t.state, State::Decided { .. }))
        {
            self.settle(&identity.id, false);
        }
        let (since, next) = (self.now, &mut self.next_transaction);
        let entry = self
            .transactionals
            .get_mut(&identity.id)
            .ok_or_else(|| unknown(operation))?;
        entry.open(operation, || {
            let number = *next;
            *next += 1;
            let (partitions, offsets) = Default::default();
            Open {
                number,
                partitions,
                offsets,
                since,
            }
        })
    }

    /// Ends what is open (as `commit` says) or decided (as was decided): markers, and the offsets if committed.
    fn settle(&mut self, id: &str, commit: bool) {
        let ended = self.transactionals.get_mut(id).and_then(|entry| entry.end(commit));
        let Some((open, commit)) = ended else {
            return;
        };
        for partition in &open.partitions {
            if let Ok(log) = self.log_mut(Operation::Commit, partition) {
                log.end_transaction(open.number, commit);
            }
        }
        if commit {
            for ((group, partition), offset) in open.offsets {
                self.group(&group).commit(partition, offset);
            }
        }
    }
}

fn unknown(operation: Operation) -> BrokerError {
    failure(
        operation,
        Reaction::Rebuild,
        "the coordinator does not know this transactional id".to_owned(),
    )
}
