//! How each node stands: totals since the start, from which the page makes rates.

use super::{RunView, milliseconds, nodes};
use crate::engine::Counts;
use crate::observe::names;
use crate::state::StoreSpec;
use crate::topology::ProcessorNode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// What processors count of records that go on.
const GO_ON: [&str; 2] = ["late", "missing_row"];

/// Numbers of one node. What is not known of a node is left out.
#[derive(Default)]
struct Numbers {
    values: Map<String, Value>,
    dropped: u64,
    dead: u64,
    counted: BTreeMap<&'static str, u64>,
}

impl Numbers {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    fn shown(mut self) -> Value {
        for (name, count) in [("dropped", self.dropped), ("dead", self.dead)] {
            if count > 0 {
                self.set(name, count);
            }
        }
        if !self.counted.is_empty() {
            self.set("counted", json!(self.counted));
        }
        self.values.into()
    }
}

pub(super) fn live(view: &RunView) -> Value {
    let (mut running, mut restoring, mut remaining, mut workers) = (0, 0, 0, 0);
    let mut entries = vec![0; view.status.names.stores.len()];
    let mut total = Counts::default();
    for worker in view.status.workers().into_iter().flatten() {
        workers += 1;
        running += worker.tasks.running;
        restoring += worker.tasks.restoring.tasks;
        remaining += worker.tasks.restoring.remaining;
        for (sum, entries) in entries.iter_mut().zip(&worker.tasks.store_entries) {
            *sum += entries;
        }
        total.add(&worker.counts);
    }
    let stores: BTreeMap<&str, usize> = view
        .status
        .names
        .stores
        .iter()
        .map(String::as_str)
        .zip(entries)
        .collect();
    let report = view.health.report();
    let (live, ready) = (report.is_live(), report.is_ready());
    let reasons = [report.not_live, report.not_ready].concat();
    let dead: u64 = total.dead_letters.values().sum();
    json!({
        "at": milliseconds(SystemTime::now()),
        "ready": ready,
        "live": live,
        "reasons": reasons,
        "tasks": {"running": running, "restoring": restoring, "remaining": remaining,
                  "standby": view.status.standbys(), "workers": workers},
        "restored": total.restored,
        "commits": total.commits,
        "dead": dead,
        "nodes": numbers(view, &total, &stores),
    })
}

fn numbers(view: &RunView, total: &Counts, stores: &BTreeMap<&str, usize>) -> Value {
    let mut all: BTreeMap<String, Numbers> = BTreeMap::new();
    parts(view, total, stores, &mut all);
    feeds(view, &mut all);
    for (table, rows) in view.status.rows() {
        all.entry(nodes::id("table", &table)).or_default().set("rows", rows);
    }
    failed(view, total, &mut all);
    all.into_iter()
        .map(|(id, numbers)| (id, numbers.shown()))
        .collect::<Map<_, _>>()
        .into()
}

/// What went into sources, processors and sinks, and came out of them.
fn parts(view: &RunView, total: &Counts, stores: &BTreeMap<&str, usize>, all: &mut BTreeMap<String, Numbers>) {
    let topology = &*view.topology;
    let lag = view.lag.numbers(names::LAG);
    for ((name, topic), count) in view.status.names.entries.iter().zip(&total.consumed) {
        let is_source = topology.sources.iter().any(|source| source.name == *name);
        let node = all
            .entry(nodes::id(if is_source { "source" } else { "processor" }, name))
            .or_default();
        if is_source {
            node.set("in", *count);
            node.set("out", *count);
        }
        if let Some(lag) = lag.get(topic) {
            node.set("lag", *lag);
        }
    }
    for (index, ProcessorNode { name, definition, .. }) in topology.processors.iter().enumerate() {
        let node = all.entry(nodes::id("processor", name)).or_default();
        node.set("in", total.processed.get(index).copied().unwrap_or(0));
        node.set("out", total.forwarded.get(index).copied().unwrap_or(0));
        let own: Map<String, Value> = definition
            .stores()
            .into_iter()
            .filter_map(|StoreSpec { name, .. }| Some((name.clone(), (*stores.get(name.as_str())?).into())))
            .collect();
        if !own.is_empty() {
            node.set("stores", own);
        }
    }
    for (index, sink) in topology.sinks.iter().enumerate() {
        let node = all.entry(nodes::id("sink", &sink.name)).or_default();
        let taken = total.sinks.get(index).copied().unwrap_or(0);
        node.set("in", taken);
        node.set("out", taken);
    }
}

fn feeds(view: &RunView, all: &mut BTreeMap<String, Numbers>) {
    for feed in &view.feeds {
        let totals = feed.totals();
        let node = all.entry(nodes::id("feed", &feed.name)).or_default();
        node.set("in", totals.received);
        node.set("out", totals.written);
        node.set("unacknowledged", totals.unacknowledged);
        node.dead += totals.dead_letters;
        if let Some(why) = feed.why_down() {
            node.set("down", why);
        }
    }
}

/// What was thrown away, and where.
fn failed(view: &RunView, total: &Counts, all: &mut BTreeMap<String, Numbers>) {
    let mut of = |name: &str, add: &dyn Fn(&mut Numbers)| {
        if let Some(id) = nodes::id_of(&view.topology, name) {
            add(all.entry(id).or_default());
        }
    };
    for ((name, _), count) in &total.dead_letters {
        of(name, &|node| node.dead += count);
    }
    for (name, count) in &total.dropped {
        of(name, &|node| node.dropped += count);
    }
    for ((index, what), count) in &total.counted {
        let name = view.status.names.processors.get(*index).map_or("", String::as_str);
        of(name, &|node| {
            *node.counted.entry(what).or_default() += count;
            if !GO_ON.contains(what) {
                node.dropped += count;
            }
        });
    }
}
