//! The engine's numbers as metrics and health. Totals are read a few times a second; no worker waits for it.

use super::counts::Counts;
use super::status::Status;
use crate::observe::{Family, Following, Probe, Report, names};
use metrics::Gauge;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A worker that has not published for so long hangs: every call it makes ends sooner.
const STALLED: Duration = Duration::from_secs(120);

/// Brings the metrics up to what the workers have published.
pub struct Reporter {
    status: Arc<Status>,
    consumed: Vec<Following>,
    produced: Vec<Following>,
    dead_letters: Family<(String, &'static str)>,
    counted: Family<(String, &'static str)>,
    commits: Following,
    aborts: Following,
    rebuilds: Following,
    rebalances: Following,
    restored: Following,
    dropped: Family<String>,
    running: Gauge,
    standby: Gauge,
    restoring: Gauge,
    remaining: Gauge,
}

impl Reporter {
    pub fn new(status: Arc<Status>) -> Self {
        let names = &status.names;
        Self {
            consumed: names
                .entries
                .iter()
                .map(|(name, _)| Following::new(names::records_consumed(name)))
                .collect(),
            produced: names
                .topics
                .iter()
                .map(|topic| Following::new(names::records_produced(topic)))
                .collect(),
            dead_letters: Family::new(|(processor, reason): &(String, &'static str)| {
                names::dead_letters(processor, reason)
            }),
            counted: Family::new(|(processor, what): &(String, &'static str)| names::counted(processor, what)),
            commits: Following::new(names::commits()),
            aborts: Following::new(names::transactions_aborted("broker")),
            rebuilds: Following::new(names::producer_rebuilds()),
            rebalances: Following::new(names::rebalances("all")),
            restored: Following::new(names::restore_records()),
            dropped: Family::new(|processor: &String| names::dropped(processor, "failed")),
            running: names::tasks("running"),
            standby: names::tasks("standby"),
            restoring: names::tasks("restoring"),
            remaining: names::restore_remaining(),
            status,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    pub fn update(&mut self) {
        let (mut running, mut restoring, mut remaining) = (0, 0, 0);
        let mut stores = vec![0; self.status.names.stores.len()];
        let mut total = Counts::default();
        for worker in self.status.workers().into_iter().flatten() {
            running += worker.tasks.running;
            restoring += worker.tasks.restoring.tasks;
            remaining += worker.tasks.restoring.remaining;
            for (sum, entries) in stores.iter_mut().zip(&worker.tasks.store_entries) {
                *sum += entries;
            }
            total.add(&worker.counts);
        }
        for (following, count) in self.consumed.iter_mut().zip(&total.consumed) {
            following.reach(*count);
        }
        for (following, count) in self.produced.iter_mut().zip(&total.produced) {
            following.reach(*count);
        }
        for (labels, count) in &total.dead_letters {
            self.dead_letters.reach(labels, *count);
        }
        for ((processor, what), count) in &total.counted {
            let name = self
                .status
                .names
                .processors
                .get(*processor)
                .cloned()
                .unwrap_or_default();
            self.counted.reach(&(name, *what), *count);
        }
        for (processor, count) in &total.dropped {
            self.dropped.reach(processor, *count);
        }
        self.commits.reach(total.commits);
        self.aborts.reach(total.aborts);
        self.rebuilds.reach(total.rebuilds);
        self.rebalances.reach(total.rebalances);
        self.restored.reach(total.restored);
        self.running.set(running as f64);
        self.standby.set(self.status.standbys() as f64);
        self.restoring.set(restoring as f64);
        self.remaining.set(remaining as f64);
        for (name, entries) in self.status.names.stores.iter().zip(stores) {
            names::store_entries(name).set(entries as f64);
        }
        for (table, rows) in self.status.rows() {
            names::table_rows(&table).set(rows as f64);
        }
    }
}

/// What the HTTP server asks.
pub struct EngineHealth(pub Arc<Status>);

impl Probe for EngineHealth {
    fn report(&self) -> Report {
        let mut not_live = Vec::new();
        if self.0.has_failed() {
            not_live.push("a worker has failed".to_owned());
        }
        let workers = self.0.workers();
        for (index, worker) in workers.iter().enumerate() {
            if worker.as_ref().is_some_and(|worker| worker.at.elapsed() > STALLED) {
                not_live.push(format!("worker {index} has not moved for {} s", STALLED.as_secs()));
            }
        }
        let details = workers.iter().flatten().map(|worker| {
            let consumed: u64 = worker.counts.consumed.iter().sum();
            json!({"running": worker.tasks.running, "restoring": worker.tasks.restoring.tasks,
                   "remaining": worker.tasks.restoring.remaining, "consumed": consumed, "commits": worker.counts.commits})
        });
        Report {
            not_live,
            not_ready: self.0.not_ready().into_iter().collect(),
            details: json!({"workers": details.collect::<Vec<_>>(), "tables": self.0.rows()}),
        }
    }
}
