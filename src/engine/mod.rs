//! The engine: workers, tasks, transactions, restoring, rebalances. The only place that commits.
//!
//! Per worker, transaction T: poll and process; outputs, repartition records, changelog records and dead letters all go through
//! one transactional producer, store writes to overlays only. When the interval, a size or a revocation says so: flush, send the
//! offsets with the group's metadata, commit. Only then do overlays become state. What must hold:
//! - **crash before the commit ends**: the broker aborts T; stores have nothing of T, and reading starts at the committed offsets;
//! - **a task starts** only after its committed offsets were fetched stable and its stores are restored to the last stable
//!   offset read after that;
//! - **abort**: overlays dropped (stream time included), the consumer sought back to the committed offsets;
//! - **fenced or fatal producer**: the session is dropped, a new producer and consumer are built in process;
//! - **a commit that timed out** is resumed, never aborted;
//! - **revoked**: T is committed, then those tasks are closed; **lost**: T is aborted, then they are closed;
//! - **a store that failed** takes nothing more until it is opened anew, and its task reads nothing until that is restored;
//! - **a record** succeeds whole or becomes a dead letter whole, in the same transaction as its offset.
//!
//! Deliberately not here: threads and sleeping (but in `supervisor`), any knowledge of librdkafka, retries hidden in loops.

mod chain;
mod counts;
mod failures;
mod follow;
mod health;
mod lag;
mod latency;
mod output;
mod prepare;
mod process;
mod report;
mod restore;
mod restoring;
mod samples;
mod session;
mod standby;
mod status;
mod supervisor;
mod tables;
mod task;
mod trace;
mod transaction;
mod wiring;
mod worker;

pub use counts::Counts;
pub use failures::{Failed, Failures};
pub use health::EngineHealth;
pub use prepare::prepare;
pub use report::Reporter;
pub use samples::{Part, Sample, Samples, Text};
pub use standby::Standbys;
pub use status::{Status, WorkerStatus};
pub use supervisor::{Backends, Engine, Schemas, Topics};
pub use tables::{TableReader, Tables};
pub use task::Stand;
pub use trace::Tracing;
pub use wiring::Wiring;
pub use worker::{Shared, Step, TaskNumbers, Worker};

use crate::broker::{BrokerError, Reaction};
use crate::codec::CodecError;
use crate::registry::RegistryError;
use crate::state::StateError;
use crate::topology::{Guarantee, Topology, Wrong};
use std::time::Duration;

fn list(wrong: &[Wrong]) -> String {
    wrong.iter().map(|wrong| format!("\n  {wrong}")).collect()
}

/// Why the engine can't go on: a person must mend it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A schema that is not registered, or that the registry refuses.
    #[error("{0}; `millstream schemas plan` says which schemas the topology needs, `schemas apply` registers them")]
    Schemas(RegistryError),
    #[error("topics are not as the topology needs them:{}", list(.0))]
    Topics(Vec<Wrong>),
    #[error("no thread could be started: {0}")]
    Thread(String),
    #[error("{0} panicked: this is a bug of millstream, please report it with the log")]
    Panicked(String),
}

/// Why a step of a worker did not come through.
#[derive(Debug, thiserror::Error)]
enum StepError {
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
    fn waits_for(&self) -> &'static str {
        match self {
            Self::Registry(_) => "the schema registry",
            Self::Broker(_) | Self::State(_) | Self::Store(_) => "the broker",
        }
    }

    /// Why a transaction is aborted: a label of metrics.
    fn reason(&self) -> &'static str {
        match self {
            Self::Broker(error) if error.reaction == Reaction::Rebuild => FENCED,
            Self::Broker(_) => "broker",
            Self::State(_) | Self::Store(_) => "store",
            Self::Registry(_) => "registry",
        }
    }

    fn reaction(&self) -> Reaction {
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

impl From<StepError> for EngineError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Broker(error) => Self::Broker(error),
            StepError::State(error) => Self::State(error),
            StepError::Store(why) => Self::State(StateError::Refused(why)),
            StepError::Registry(why) => Self::Schemas(RegistryError::Away(why)),
        }
    }
}

/// The reason of an abort where the group or another producer took the work away.
const FENCED: &str = "fenced";

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
    fn transactional_id(&self, topology: &Topology) -> Option<String> {
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
