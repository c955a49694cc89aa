//! Feeds: messages in from elsewhere, records out to a source's topic.
//!
//! Each feed runs on a thread and an event loop of its own, so that none waits for another. What must hold:
//! - **who sent a message hears that it is done only after Kafka has it** (all in-sync replicas), or a dead letter of it;
//! - **bodies are untouched**, byte for byte: what is wrong with one is for the topology to say, not for the feed;
//! - **memory is bounded** whatever Kafka does: who has too much under way takes no more;
//! - **what time can mend is tried for ever**: a feed ends only when it is stopped or its settings can't work;
//! - a message that comes again has the same id, so that `dedupe` drops it: feeds deliver at least once.
//!
//! Deliberately not here: exactly once (that is the topology's), and any look into a body but for the record's key.

mod backoff;
mod keys;
mod outlet;
mod rabbitmq;
mod returns;
mod running;
mod sqs;
mod state;
mod stop;
#[cfg(test)]
mod tests;
mod trace;
mod webhook;

pub use outlet::{Message, MessageHeader, Outlet, Receipt, Written};
pub use running::Feeds;
pub use state::{FeedState, FeedTotals};
pub use stop::Stop;

use crate::broker::BrokerError;

/// Why a feed can't go on: a person must mend it.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("feed {feed}: {message}")]
    Settings { feed: String, message: String },
    #[error("no thread or event loop could be started for the feeds: {0}")]
    Thread(String),
    #[error("feed {0} panicked: this is a bug of millstream, please report it with the log")]
    Panicked(String),
}
