//! The topology under simulation: a stateless stage, a topic in the middle, a stage with a store of ids and one of totals, two
//! routes; failures in both stages.

use crate::topology::{Guarantee, Topology, load_text};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub const GROUP: &str = "sim";
/// Of every topic that a stage reads, and so of every store.
pub const PARTITIONS: i32 = 3;
/// Milliseconds of event time for which an id is remembered.
pub const WINDOW: i64 = 60_000;
/// The stores, and their changelogs.
pub const STORES: [(&str, &str); 2] = [("ids", "sim-ids-changelog"), ("totals", "sim-totals-changelog")];

/// Topics and their partitions. Those of a stage have as many, so that the order of a partition is kept from one to the next.
pub const TOPICS: [(&str, i32); 7] = [
    ("in", PARTITIONS),
    ("middle", PARTITIONS),
    ("out", 2),
    ("odd", 2),
    ("dead", 1),
    (STORES[0].1, PARTITIONS),
    (STORES[1].1, PARTITIONS),
];

/// Loaded once: it is the same in every life.
pub fn topology(guarantee: Guarantee) -> Arc<Topology> {
    static EXACTLY_ONCE: OnceLock<Arc<Topology>> = OnceLock::new();
    static AT_LEAST_ONCE: OnceLock<Arc<Topology>> = OnceLock::new();
    let (loaded, name) = match guarantee {
        Guarantee::ExactlyOnce => (&EXACTLY_ONCE, "exactly_once"),
        Guarantee::AtLeastOnce => (&AT_LEAST_ONCE, "at_least_once"),
    };
    let load = || {
        load_text(
            &format!("processing_guarantee: {name}\n{TEXT}"),
            Path::new("."),
            &|_| None,
        )
    };
    Arc::clone(loaded.get_or_init(|| Arc::new(load().unwrap())))
}

const TEXT: &str = "application: sim
commit_interval: 20ms
sources: {in: {topic: in}}
processors:
  check: {type: switch, from: in, by: = event.kind, cases: {broken: dead_letter}, otherwise: pass}
  by-key: {type: repartition, from: check, key: = event.key, topic: middle}
  ids: {type: dedupe, from: by-key, id: = event.id, window: 60s}
  totals:
    type: aggregate
    from: ids
    values:
      count: count
      sum: {sum: = event.amount}
      id: {latest: = event.id}
      kind: {latest: = event.kind}
      pad: {latest: = event.pad}
  last: {type: switch, from: totals, by: = event.kind, cases: {rotten: dead_letter}, otherwise: pass}
sinks:
  odd: {from: last, where: '= event.kind == \"odd\"', topic: odd}
  out: {from: last, otherwise: true, topic: out}
dead_letters: {topic: dead}
";
