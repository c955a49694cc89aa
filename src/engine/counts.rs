//! What a worker counts. Kept by the worker alone and handed to the metrics once a batch: no lock, no look-up per record.

use ahash::AHashMap;

/// Totals since the worker started.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records read, by entry.
    pub consumed: Vec<u64>,
    /// Records written, by topic.
    pub produced: Vec<u64>,
    /// Records that went into each processor, and that came out of it.
    pub processed: Vec<u64>,
    pub forwarded: Vec<u64>,
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
    pub rebalances: u64,
    pub commits: u64,
    pub aborts: u64,
    pub rebuilds: u64,
}

impl Counts {
    pub fn new(entries: usize, topics: usize, processors: usize, sinks: usize) -> Self {
        Self {
            consumed: vec![0; entries],
            produced: vec![0; topics],
            processed: vec![0; processors],
            forwarded: vec![0; processors],
            sinks: vec![0; sinks],
            ..Self::default()
        }
    }
}

impl Counts {
    /// Adds another worker's.
    pub fn add(&mut self, other: &Counts) {
        add_list(&mut self.consumed, &other.consumed);
        add_list(&mut self.produced, &other.produced);
        add_list(&mut self.processed, &other.processed);
        add_list(&mut self.forwarded, &other.forwarded);
        add_list(&mut self.sinks, &other.sinks);
        add_map(&mut self.dead_letters, &other.dead_letters);
        add_map(&mut self.counted, &other.counted);
        add_map(&mut self.branches, &other.branches);
        add_map(&mut self.dropped, &other.dropped);
        self.restored += other.restored;
        self.rebalances += other.rebalances;
        self.commits += other.commits;
        self.aborts += other.aborts;
        self.rebuilds += other.rebuilds;
    }
}

fn add_list(sums: &mut Vec<u64>, more: &[u64]) {
    sums.resize(sums.len().max(more.len()), 0);
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
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
