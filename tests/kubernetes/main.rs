//! The chart on a real Kubernetes: `./test --kubernetes`, which says what it needs.
//!
//! Kafka runs beside the cluster, as a process of this test, and millstream in it, by the chart and from the image. What comes out is
//! verified from outside, by rdkafka alone. Each test has a namespace of its own, in which the *restricted* Pod Security level is enforced,
//! and a Kafka of its own.

#[path = "../harness/mod.rs"]
mod harness;

mod adapter;
mod autoscaling;
mod cluster;
mod deployment;
mod flow;
mod installing;
mod keda;
mod lag;
mod network;
mod upgrading;
mod watch;
