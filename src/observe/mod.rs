//! What can be seen of a running millstream: metrics, logs, health, and the HTTP server that shows them.
//!
//! May be called from anywhere, calls nobody. How to use it:
//!
//! ```no_run
//! use millstream::observe::{Exposition, Health, HttpServer, LogFormat, logs, names};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! logs::init(LogFormat::Text)?;
//! let exposition = Exposition::install()?;     // before any handle is made: earlier ones count nothing
//! let health = Health::new();
//! let server = HttpServer::start("0.0.0.0:8080".parse()?, exposition.clone(), health.clone())?;
//! tracing::info!(address = %server.address(), "metrics and health are served");
//!
//! let table = health.table("collections");     // `table.loaded()` once it is read to its end
//! let worker = health.worker("worker-0");      // moved into the thread; dropped without `finish()`: not live
//! let consumed = names::records_consumed("rabbitmq"); // a handle, made once
//! consumed.increment(512);                     // once a batch, never once a record
//! exposition.live().set_lag("feed.rabbitmq", 3, 12_000);
//! # worker.beat(); table.loaded();
//! health.brokers_reachable(true);
//! worker.finish();
//! server.stop();
//! # Ok(()) }
//! ```
//!
//! - **Counters from totals:** who keeps totals (as the engine's workers do) gives them to a [`Following`], or for labels
//!   that are met as they come to a [`Family`]; both add only what came since.
//! - **Health:** somebody else's state can be shown too: [`HttpServer::start`] takes any [`Probe`], and [`HttpServer::start_with`] a [`View`] for the page.
//! - Without an [`Exposition`] every handle is a no-op, so tests and `millstream test` need nothing of this.
//!
//! Invariants: every metric name stands in [`names`]; no label holds anything of a record but its topic; nothing here waits
//! for a worker and no worker waits for anything here longer than it takes to store a number.

pub mod health;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod page;
mod process;

pub use health::{Health, Probe, Report, TableHealth, WorkerHealth};
pub use http::HttpServer;
pub use logs::LogFormat;
pub use metrics::{Exposition, Family, Following, Live};
pub use page::{Credentials, Page, View};
