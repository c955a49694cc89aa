//! The commit protocol. The only module that begins, commits or aborts.
//!
//! A transaction goes through its phases in one order: open, flushed, offsets sent, committed. A call that must be tried again
//! leaves the phase as it is, and the next [`Transaction::commit`] resumes there. What must hold:
//! - nothing is processed between the first step of a commit and its end ([`Transaction::is_committing`]);
//! - a commit whose outcome is unknown (it timed out) is never aborted, only called again until its outcome is known;
//! - the caller applies overlays to stores only after `commit` returned `Ok`.
//!
//! With `at_least_once` nothing is atomic, so the order decides what a crash leaves behind: outputs first, then the changelogs, then
//! the offsets, which the consumer commits; each is acknowledged before the next is written. A changelog that were ahead of its
//! outputs would have an id remembered whose record never came out: read again, it would be dropped as a duplicate, and lost.

use crate::broker::{BrokerError, Consumer, Outgoing, Producer, Reaction, TopicPartition};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::topology::Guarantee;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Open,
    /// The changelogs are written, after the outputs: with `at_least_once` only.
    StateWritten,
    Flushed,
    OffsetsSent,
    /// Commit was called and its outcome is not known.
    Unknown,
    /// An abort did not come through yet.
    Aborting,
}

pub struct Transaction {
    producer: Box<dyn Producer>,
    guarantee: Guarantee,
    timeout: Duration,
    phase: Phase,
    /// Bytes written in it.
    pub bytes: usize,
}

impl Transaction {
    /// `timeout`: how long one call may take before it is tried again.
    pub fn new(producer: Box<dyn Producer>, guarantee: Guarantee, timeout: Duration) -> Self {
        Self {
            producer,
            guarantee,
            timeout,
            phase: Phase::Idle,
            bytes: 0,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// A commit is under way: nothing may be processed, only [`Self::commit`] called.
    pub fn is_committing(&self) -> bool {
        matches!(
            self.phase,
            Phase::StateWritten | Phase::Flushed | Phase::OffsetsSent | Phase::Unknown
        )
    }

    pub fn guarantee(&self) -> Guarantee {
        self.guarantee
    }

    /// What stores were told is not written to their changelogs with each record, but by the commit.
    pub fn defers_state(&self) -> bool {
        #[cfg(test)]
        if sabotaged(Sabotage::StateBeforeOutputs) {
            return false;
        }
        self.guarantee == Guarantee::AtLeastOnce
    }

    /// An abort is under way: only [`Self::abort`] may be called.
    pub fn is_aborting(&self) -> bool {
        self.phase == Phase::Aborting
    }

    /// Begins the transaction, if none is open.
    pub fn begin(&mut self) -> Result<(), BrokerError> {
        if self.phase == Phase::Idle {
            self.producer.begin()?;
            self.phase = Phase::Open;
        }
        Ok(())
    }

    /// Writes a record in the open transaction.
    pub fn send(&mut self, record: Outgoing<'_>) -> Result<(), BrokerError> {
        debug_assert_eq!(self.phase, Phase::Open);
        self.bytes += record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        self.producer.send(record)
    }

    /// Commits the offsets and all that was written, or resumes a commit that was interrupted. `write_state` writes the changelogs,
    /// where they are not written with each record ([`Self::defers_state`]).
    ///
    /// # Errors
    /// `Retry`: call again, with the same offsets. Anything else: the transaction has to be aborted or the producer rebuilt.
    pub fn commit(
        &mut self,
        consumer: &mut dyn Consumer,
        offsets: &[(TopicPartition, i64)],
        write_state: impl FnOnce(&mut Self) -> Result<(), BrokerError>,
    ) -> Result<(), BrokerError> {
        #[cfg(test)]
        if self.phase == Phase::Open && sabotaged(Sabotage::NoFlush) {
            self.phase = Phase::Flushed;
        }
        #[cfg(test)]
        let offsets = if sabotaged(Sabotage::NoOffsets) { &[] } else { offsets };
        if self.phase == Phase::Open && self.defers_state() {
            self.producer.flush(self.timeout)?;
            write_state(self)?;
            self.phase = Phase::StateWritten;
        }
        if matches!(self.phase, Phase::Open | Phase::StateWritten) {
            self.producer.flush(self.timeout)?;
            self.phase = Phase::Flushed;
        }
        if self.phase == Phase::Flushed {
            match self.guarantee {
                Guarantee::ExactlyOnce => self.producer.send_offsets(offsets, &consumer.group()?, self.timeout)?,
                Guarantee::AtLeastOnce => consumer.commit(offsets)?,
            }
            self.phase = Phase::OffsetsSent;
        }
        if matches!(self.phase, Phase::OffsetsSent | Phase::Unknown) {
            if self.guarantee == Guarantee::ExactlyOnce {
                self.phase = Phase::Unknown;
                if let Err(error) = self.producer.commit(self.timeout) {
                    if error.reaction != Reaction::Retry {
                        // The broker has answered: it was not committed.
                        self.phase = Phase::OffsetsSent;
                    }
                    #[cfg(test)]
                    if error.reaction == Reaction::Retry && sabotaged(Sabotage::AbortUnknown) {
                        self.phase = Phase::Aborting;
                    }
                    return Err(error);
                }
            }
            self.ended();
        }
        Ok(())
    }

    /// Aborts what is open, so that nothing of it is ever visible.
    ///
    /// # Errors
    /// `Retry`: call again. Anything else: the producer has to be rebuilt, which aborts too.
    pub fn abort(&mut self) -> Result<(), BrokerError> {
        if self.phase == Phase::Unknown {
            return Err(BrokerError {
                operation: "abort",
                message: "the outcome of the commit is not known: it must be resumed".into(),
                reaction: Reaction::Rebuild,
            });
        }
        if self.phase != Phase::Idle {
            self.phase = Phase::Aborting;
            self.producer.abort(self.timeout)?;
            self.ended();
        }
        Ok(())
    }

    fn ended(&mut self) {
        self.phase = Phase::Idle;
        self.bytes = 0;
    }
}
