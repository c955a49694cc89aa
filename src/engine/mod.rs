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

mod batch;
mod chain;
mod counts;
mod error;
mod failures;
mod follow;
mod health;
mod kit;
mod lag;
mod latency;
mod output;
mod prepare;
mod report;
mod restore;
mod restoring;
mod samples;
mod session;
mod settings;
mod shared;
mod standby;
mod status;
mod step;
mod supervisor;
mod suspects;
mod tables;
mod task;
mod through;
mod trace;
mod transaction;
mod warm;
mod wiring;
mod worker;
mod write;

pub use counts::Counts;
pub use error::EngineError;
pub use failures::{Failed, Failures};
pub use health::EngineHealth;
pub use prepare::prepare;
pub use report::Reporter;
pub use samples::{Part, Sample, Samples, Text};
pub use settings::WorkerSettings;
pub use shared::Shared;
pub use status::{Status, TaskNumbers, WorkerStatus};
pub use step::Step;
pub use supervisor::{Backends, Engine, Schemas, Topics};
pub use tables::{TableReader, Tables};
pub use task::Stand;
pub use trace::Tracing;
pub use warm::Standbys;
pub use wiring::Wiring;
pub use worker::Worker;
