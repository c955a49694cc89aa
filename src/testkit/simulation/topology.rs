//! The topology under simulation: a stateless stage, a topic in the middle, a stage with a store, two routes; failures in
//! both stages.
//!
//! A value is `{"id": n, "key": k, "kind": word, "pad": text}`. `broken` fails in the first stage; `rotten` fails in the second *after* its
//! id was remembered, which must be undone; `huge` is larger than its topic takes, which only the
//! broker knows; `odd` goes out by the other route.

use crate::topology::{Guarantee, Topology, load_text};
use std::path::Path;

pub fn topology(guarantee: Guarantee) -> Topology {
    let guarantee = match guarantee {
        Guarantee::ExactlyOnce => "exactly_once",
        Guarantee::AtLeastOnce => "at_least_once",
    };
    load_text(&TEXT.replace("GUARANTEE", guarantee), Path::new("."), &|_| None).unwrap()
}

const TEXT: &str = "
application: sim
processing_guarantee: GUARANTEE
commit_interval: 20ms
sources: {in: {topic: in}}
processors:
  check: {type: switch, from: in, by: = event.kind, cases: {broken: dead_letter}, otherwise: pass}
  by-key: {type: repartition, from: check, key: = event.key, topic: middle}
  ids: {type: dedupe, from: by-key, id: = event.id, window: 3650d}
  last: {type: switch, from: ids, by: = event.kind, cases: {rotten: dead_letter}, otherwise: pass}
sinks:
  odd: {from: last, where: '= event.kind == \"odd\"', topic: odd}
  out: {from: last, otherwise: true, topic: out}
dead_letters: {topic: dead}
";
