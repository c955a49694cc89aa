//! What can be seen of a running millstream: metrics, logs, traces, health, and the HTTP server that shows them.
//!
//! May be called from anywhere, calls nobody. How to use it:
//!
//! ```no_run
//! use millstream::observe::{Exposition, Health, HttpServer, LogFormat, Sample, logs, names};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! logs::init(LogFormat::Text)?;
//! let exposition = Exposition::install()?;     // before any handle is made: earlier ones count nothing
//! let health = Health::new();
//! let server = HttpServer::start("0.0.0.0:8080".parse()?, exposition.clone(), health.clone(), None)?;
//! tracing::info!(address = %server.address(), "metrics and health are served");
//!
//! let table = health.table("collections");     // `table.loaded()` once it is read to its end
//! let worker = health.worker("worker-0");      // moved into the thread; dropped without `finish()`: not live
//! let consumed = names::records_consumed("rabbitmq"); // a handle, made once
//! consumed.increment(512);                     // once a batch, never once a record
//! exposition.live().set(names::LAG, vec![Sample::number(&["feed.rabbitmq"], 12_000.0)]);
//! # worker.beat(); table.loaded();
//! health.brokers_reachable(true);
//! worker.finish();
//! server.stop();
//! # Ok(()) }
//! ```
//!
//! - **Counters from totals:** who keeps totals (as the engine's workers do) gives them to a [`Following`], or for labels
//!   that are met as they come to a [`Family`]; both add only what came since. Histograms are [`Buckets`] of whoever measures.
//! - **Health:** somebody else's state can be shown too: [`HttpServer::start`] takes any [`Probe`], and [`HttpServer::start_with`] a
//!   [`View`] for the page.
//! - Without an [`Exposition`] every handle is a no-op, so tests and `millstream test` need nothing of this.
//!
//! Invariants: every metric name stands in [`names`] and [`catalogue`]; no label holds anything of a record: only what the topology names; nothing here waits
//! for a worker and no worker waits for anything here longer than it takes to store a number.

mod accept;
pub mod buckets;
pub mod catalogue;
pub mod connections;
pub mod health;
pub mod http;
mod index;
pub mod live;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod page;
mod process;
pub mod repeats;
pub mod traces;

pub use buckets::Buckets;
pub use catalogue::{Kind, Metric, metrics_list};
pub use health::{Health, Probe, Report, TableHealth, WorkerHealth};
pub use http::HttpServer;
pub use live::{Live, Sample};
pub use logs::{Levels, LogFormat};
pub use metrics::{Exposition, Family, Following};
pub use page::{Credentials, NoSamples, Page, View};
pub use repeats::Repeats;
pub use traces::{Exporter, Traces};
