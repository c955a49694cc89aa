//! Running topologies without Kafka: the production task and transaction code over `broker/memory`.
//!
//! [`Driver`] is fed by hand; [`case`] reads the cases beside a topology and [`run_case`] runs them through drivers of their
//! own. The simulation is the engine's own test: random disasters, by seed.

pub mod case;
mod driver;
#[cfg(test)]
mod log_fields;
mod run;
mod schemas;
#[cfg(test)]
mod series;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod traces;

pub use driver::{Driver, DriverError, Message};
pub use run::{Coverage, Outcome, Unreached, outputs, run_case};
