//! A transactional id: the epoch that fences who had it before, and how far its transaction is.

use super::operation::{Operation, failure};
use crate::broker::{BrokerError, Reaction, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

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

/// What an open transaction touches.
pub(super) struct Open {
    pub number: u64,
    pub partitions: BTreeSet<TopicPartition>,
    /// Offsets of groups, applied by a commit only.
    pub offsets: BTreeMap<(String, TopicPartition), i64>,
    pub since: i64,
}

impl Transactional {
    /// Hands the id to a new producer: its epoch.
    pub fn hand_over(&mut self) -> i32 {
        self.state = State::Empty;
        self.fence();
        self.epoch
    }

    /// Whoever has the id is refused from now on.
    pub fn fence(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    pub fn check_epoch(&self, identity: &Identity, operation: Operation) -> Result<(), BrokerError> {
        if self.epoch == identity.epoch {
            return Ok(());
        }
        let message = format!("another producer has the transactional id {} now (fenced)", identity.id);
        Err(failure(operation, Reaction::Rebuild, message))
    }

    /// The open transaction; `begin` makes it, if there is none.
    pub fn open(&mut self, operation: Operation, begin: impl FnOnce() -> Open) -> Result<&mut Open, BrokerError> {
        if !matches!(self.state, State::Open(_)) {
            self.state = State::Open(begin());
        }
        match &mut self.state {
            State::Open(open) => Ok(open),
            _ => Err(invalid_state(operation)),
        }
    }

    /// Fixes how the open transaction ends; asked again for the same end, it is content.
    pub fn decide(&mut self, commit: bool, due: u64, operation: Operation) -> Result<(), BrokerError> {
        match std::mem::take(&mut self.state) {
            State::Open(open) => self.state = State::Decided { open, commit, due },
            State::Decided {
                open,
                commit: decided,
                due,
            } => {
                self.state = State::Decided {
                    open,
                    commit: decided,
                    due,
                };
                if decided != commit {
                    return Err(invalid_state(operation));
                }
            }
            State::Ended { commit: ended } if ended != commit => {
                self.state = State::Ended { commit: ended };
                return Err(invalid_state(operation));
            }
            other => self.state = other,
        }
        Ok(())
    }

    /// Ends what is open (as `commit` says) or decided (as was decided): what it touched, and whether it is committed.
    pub fn end(&mut self, commit: bool) -> Option<(Open, bool)> {
        let (open, commit) = match std::mem::take(&mut self.state) {
            State::Open(open) => (open, commit),
            State::Decided { open, commit, .. } => (open, commit),
            other => {
                self.state = other;
                return None;
            }
        };
        self.state = State::Ended { commit };
        Some((open, commit))
    }

    /// What the transaction that is not over touches, decided or not.
    pub fn unsettled(&self) -> Option<&Open> {
        match &self.state {
            State::Open(open) | State::Decided { open, .. } => Some(open),
            State::Empty | State::Ended { .. } => None,
        }
    }
}

fn invalid_state(operation: Operation) -> BrokerError {
    failure(
        operation,
        Reaction::Fatal,
        "the transaction ended the other way already (invalid state)".to_owned(),
    )
}
