//! What is done to an application from outside: to one that does not run, beginning anew and looking into its state; at any time,
//! creating its topics, registering its schemas, sending a canary through it and dealing with its dead letters.
//!
//! Invariants: nothing is changed before everything was looked at; what was begun and failed half-way can be begun again; what lies in
//! sinks, dead letters and tables is never touched.

pub mod canary;
pub mod dead_letters;
pub mod reset;
pub mod schemas;
pub mod state;
pub mod topics;
