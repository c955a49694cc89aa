//! The broker tests: `millstream run` as child processes against a real Kafka broker, verified from outside.
//!
//! Run by `./test`; one alone: `./test NAME`. Kafka is fetched by `./test --fetch`. They run one after another
//! (`--test-threads=1`), on one broker; each has topics and an application of its own.

#[path = "../harness/mod.rs"]
mod harness;

mod apart;
mod asyncapi;
mod broker;
mod copy;
mod crashes;
mod crew;
mod dead_letters;
mod documents;
mod failing;
mod feeds;
mod framed;
mod interop;
mod numbers;
mod observe;
mod outages;
mod own;
mod page;
mod pictures;
mod pipeline;
mod pods;
mod prometheus;
mod rabbitmq;
mod registry;
mod reset;
mod restore;
mod scenario;
mod schemas;
mod secured;
mod send;
mod sharing;
mod soak;
mod sqs;
mod state;
mod topics;
mod traces;
mod transactions;
mod verifier;
mod webhook;
mod writer;
