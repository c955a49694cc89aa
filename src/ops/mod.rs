//! What is done to an application that does not run: beginning anew, looking into its state, registering its schemas, creating its
//! topics.
//!
//! Invariants: nothing is changed before everything was looked at; what was begun and failed half-way can be begun again; sinks,
//! dead letters and tables are never touched.

pub mod reset;
pub mod schemas;
pub mod state;
pub mod topics;
