//! What a step of a worker came to, and why one did not come through.

use crate::broker::{BrokerError, Reaction};
use crate::state::StateError;
use std::time::Duration;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was something to do; there may be more.
    Busy,
    /// Nothing came within the poll.
    Idle,
    /// Something has to be tried again after this time.
    Wait(Duration),
}

/// Why a step of a worker did not come through.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    State(#[from] StateError),
    /// A store turned out damaged while it was read; its task knows more.
    #[error("read a store: {0}")]
    Store(String),
    /// The schema registry does not say what a record was written with.
    #[error("{0}")]
    Registry(String),
}

impl StepError {
    /// Who has to be waited for.
    pub fn waits_for(&self) -> &'static str {
        match self {
            Self::Registry(_) => "the schema registry",
            Self::Broker(_) | Self::State(_) | Self::Store(_) => "the broker",
        }
    }

    /// Why a transaction is aborted: a label of metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Broker(error) if error.reaction == Reaction::Rebuild => FENCED,
            Self::Broker(_) => "broker",
            Self::State(_) | Self::Store(_) => "store",
            Self::Registry(_) => "registry",
        }
    }

    pub fn reaction(&self) -> Reaction {
        match self {
            // What was read before it is processed again with it.
            Self::Registry(_) | Self::Store(_) => Reaction::Abort,
            Self::Broker(error) => error.reaction,
            Self::State(StateError::InUse { .. }) => Reaction::Retry,
            // The task's stores are opened anew once the transaction is gone.
            Self::State(StateError::Damaged { .. }) => Reaction::Abort,
            Self::State(StateError::Io { .. } | StateError::Refused(_)) => Reaction::Fatal,
        }
    }
}

/// The reason of an abort where the group or another producer took the work away.
pub const FENCED: &str = "fenced";
