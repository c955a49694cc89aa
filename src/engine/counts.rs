//! What a worker counts. Kept by the worker alone and handed to the metrics a few times a second: no lock, no look-up per record.

use crate::observe::{Buckets, names};
use ahash::AHashMap;
use std::time::Duration;

/// One of so many records is measured in a processor: reading the clock costs as much as a small processor.
const MEASURED: u64 = 64;

/// Totals since the worker started.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records read, by entry, and the bytes of their keys and values.
    pub consumed: Vec<u64>,
    pub consumed_bytes: Vec<u64>,
    /// Records written, by topic, and the bytes of their keys and values.
    pub produced: Vec<u64>,
    pub produced_bytes: Vec<u64>,
    /// Records that went into each processor, that came out of it, and how long it took for some of them.
    pub processed: Vec<u64>,
    pub forwarded: Vec<u64>,
    pub processor_seconds: Vec<Buckets>,
    /// By sink, from the record's timestamp, and from the event's own time, to the commit.
    pub ingest_latency: Vec<Buckets>,
    pub event_latency: Vec<Buckets>,
    pub commit_seconds: Buckets,
    /// On records, from the first of a batch to its end.
    pub busy: Duration,
    /// Dead letters by processor and kind.
    pub dead_letters: AHashMap<(String, &'static str), u64>,
    /// What processors count, by processor and what: `duplicate`, `filtered`, `missing_row`…
    pub counted: AHashMap<(usize, &'static str), u64>,
    /// How often each sink was taken, and each branch of each processor.
    pub sinks: Vec<u64>,
    pub branches: AHashMap<(usize, usize), u64>,
    /// Failed records that were dropped, by processor.
    pub dropped: AHashMap<String, u64>,
    /// Changelog records read to restore stores.
    pub restored: u64,
    /// By kind.
    pub rebalances: AHashMap<&'static str, u64>,
    pub commits: u64,
    /// By reason.
    pub aborts: AHashMap<&'static str, u64>,
    pub rebuilds: u64,
}

impl Counts {
    pub fn new(entries: usize, topics: usize, processors: usize, sinks: usize) -> Self {
        let latencies = || vec![Buckets::new(names::LATENCY_BUCKETS); sinks];
        Self {
            consumed: vec![0; entries],
            consumed_bytes: vec![0; entries],
            produced: vec![0; topics],
            produced_bytes: vec![0; topics],
            processed: vec![0; processors],
            forwarded: vec![0; processors],
            processor_seconds: vec![Buckets::new(names::PROCESSOR_BUCKETS); processors],
            ingest_latency: latencies(),
            event_latency: latencies(),
            commit_seconds: Buckets::new(names::COMMIT_BUCKETS),
            sinks: vec![0; sinks],
            ..Self::default()
        }
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &Counts) {
        add_list(&mut self.consumed, &other.consumed);
        add_list(&mut self.consumed_bytes, &other.consumed_bytes);
        add_list(&mut self.produced, &other.produced);
        add_list(&mut self.produced_bytes, &other.produced_bytes);
        add_list(&mut self.processed, &other.processed);
        add_list(&mut self.forwarded, &other.forwarded);
        add_buckets(&mut self.processor_seconds, &other.processor_seconds);
        add_buckets(&mut self.ingest_latency, &other.ingest_latency);
        add_buckets(&mut self.event_latency, &other.event_latency);
        self.commit_seconds.add(&other.commit_seconds);
        self.busy += other.busy;
        add_list(&mut self.sinks, &other.sinks);
        add_map(&mut self.dead_letters, &other.dead_letters);
        add_map(&mut self.counted, &other.counted);
        add_map(&mut self.branches, &other.branches);
        add_map(&mut self.dropped, &other.dropped);
        self.restored += other.restored;
        add_map(&mut self.rebalances, &other.rebalances);
        self.commits += other.commits;
        add_map(&mut self.aborts, &other.aborts);
        self.rebuilds += other.rebuilds;
    }

    /// A record of `bytes` was read.
    pub fn consumed(&mut self, entry: usize, bytes: usize) {
        bump(&mut self.consumed, entry);
        more(&mut self.consumed_bytes, entry, bytes);
    }

    /// A record of `bytes` was written.
    pub fn produced(&mut self, topic: usize, bytes: usize) {
        bump(&mut self.produced, topic);
        more(&mut self.produced_bytes, topic, bytes);
    }

    /// A record goes into a processor. `true`: it is one of those that are measured.
    pub fn processes(&mut self, processor: usize) -> bool {
        let Some(count) = self.processed.get_mut(processor) else {
            return false;
        };
        *count += 1;
        *count % MEASURED == 1
    }

    /// How long one of them took.
    pub fn took(&mut self, processor: usize, time: Duration) {
        if let Some(buckets) = self.processor_seconds.get_mut(processor) {
            buckets.record(time.as_secs_f64(), 1);
        }
    }

    /// A transaction is aborted.
    pub fn aborted(&mut self, reason: &'static str) {
        *self.aborts.entry(reason).or_default() += 1;
    }
}

fn add_list(sums: &mut Vec<u64>, more: &[u64]) {
    sums.resize(sums.len().max(more.len()), 0);
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

fn add_buckets(sums: &mut Vec<Buckets>, more: &[Buckets]) {
    sums.resize_with(sums.len().max(more.len()), Buckets::default);
    for (sum, more) in sums.iter_mut().zip(more) {
        sum.add(more);
    }
}

fn add_map<K: Clone + Eq + std::hash::Hash>(sums: &mut AHashMap<K, u64>, more: &AHashMap<K, u64>) {
    for (key, more) in more {
        *sums.entry(key.clone()).or_default() += more;
    }
}

/// Adds one to a counter of a list.
pub fn bump(list: &mut [u64], index: usize) {
    more(list, index, 1);
}

/// Adds so many.
pub fn more(list: &mut [u64], index: usize, by: usize) {
    if let Some(count) = list.get_mut(index) {
        *count += by as u64;
    }
}
