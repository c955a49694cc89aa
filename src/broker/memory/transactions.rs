//! The transaction coordinator: transactional ids, epochs, what each open transaction touches, and how it ends.

use super::cluster::{Cluster, failure};
use super::faults::Operation;
use super::groups::Membership;
use super::log::Stored;
use crate::broker::{BrokerError, Reaction, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A producer's claim to a transactional id.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub id: String,
    pub epoch: i32,
}

#[derive(Default)]
pub(super) struct Transactional {
    epoch: i32,
    pub state: State,
}

#[derive(Default)]
pub(super) enum State {
    #[default]
    Empty,
    Open(Open),
    /// The outcome is fixed, the markers are written at call number `due`.
    Decided {
        open: Open,
        commit: bool,
        due: u64,
    },
    Ended {
        commit: bool,
    },
}

pub(super) struct Open {
    pub number: u64,
    pub partitions: BTreeSet<TopicPartition>,
    /// Offsets of groups, applied by a commit only.
    offsets: BTreeMap<(String, TopicPartition), i64>,
    since: i64,
}

impl Cluster {
    /// `init_transactions`: ends the predecessor's transaction and fences the predecessor.
    pub fn init_producer(&mut self, id: &str) -> Identity {
        self.settle(id, false);
        let entry = self.transactionals.entry(id.to_owned()).or_default();
        entry.state = State::Empty;
        entry.epoch = entry.epoch.wrapping_add(1);
        Identity {
            id: id.to_owned(),
            epoch: entry.epoch,
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
        match std::mem::take(&mut entry.state) {
            State::Open(open) => entry.state = State::Decided { open, commit, due },
            State::Decided {
                open,
                commit: decided,
                due,
            } => {
                entry.state = State::Decided {
                    open,
                    commit: decided,
                    due,
                };
                if decided != commit {
                    return Err(invalid_state(operation));
                }
            }
            State::Ended { commit: ended } if ended != commit => {
                entry.state = State::Ended { commit: ended };
                return Err(invalid_state(operation));
            }
            other => entry.state = other,
        }
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
                entry.epoch = entry.epoch.wrapping_add(1);
            }
        }
    }

    /// Whether a transaction that is not over holds an offset of this group and partition.
    pub fn is_pending(&self, group: &str, partition: &TopicPartition) -> bool {
        self.transactionals.values().any(|t| match &t.state {
            State::Open(open) | State::Decided { open, .. } => {
                open.offsets.keys().any(|(g, p)| g == group && p == partition)
            }
            State::Empty | State::Ended { .. } => false,
        })
    }

    /// The transactional ids whose transactions are not over.
    pub fn unsettled(&self) -> Vec<String> {
        let unsettled = |t: &Transactional| matches!(t.state, State::Open(_) | State::Decided { .. });
        self.transactionals
            .iter()
            .filter(|(_, t)| unsettled(t))
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub fn check_epoch(&self, identity: &Identity, operation: Operation) -> Result<(), BrokerError> {
        let entry = self
            .transactionals
            .get(&identity.id)
            .ok_or_else(|| unknown(operation))?;
        if entry.epoch == identity.epoch {
            return Ok(());
        }
        let message = format!("another producer has the transactional id {} now (fenced)", identity.id);
        Err(failure(operation, Reaction::Rebuild, message))
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
        let since = self.now;
        let number = self.next_transaction;
        let entry = self
            .transactionals
            .get_mut(&identity.id)
            .ok_or_else(|| unknown(operation))?;
        if !matches!(entry.state, State::Open(_)) {
            self.next_transaction += 1;
            let (partitions, offsets) = Default::default();
            entry.state = State::Open(Open {
                number,
                partitions,
                offsets,
                since,
            });
        }
        match &mut entry.state {
            State::Open(open) => Ok(open),
            _ => Err(invalid_state(operation)),
        }
    }

    /// Ends what is open (as `commit` says) or decided (as was decided): markers, and the offsets if committed.
    fn settle(&mut self, id: &str, commit: bool) {
        let Some(entry) = self.transactionals.get_mut(id) else {
            return;
        };
        let (open, commit) = match std::mem::take(&mut entry.state) {
            State::Open(open) => (open, commit),
            State::Decided { open, commit, .. } => (open, commit),
            other => {
                entry.state = other;
                return;
            }
        };
        entry.state = State::Ended { commit };
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

fn invalid_state(operation: Operation) -> BrokerError {
    failure(
        operation,
        Reaction::Fatal,
        "the transaction ended the other way already (invalid state)".to_owned(),
    )
}
