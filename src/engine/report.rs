//! The engine's numbers as metrics. Totals are read a few times a second; no worker waits for it.

use super::counts::Counts;
use super::lag::Lags;
use super::latency::milliseconds_now;
use super::status::Status;
use crate::broker::{Broker, Statistics};
use crate::observe::{Buckets, Family, Following, Live, Sample, names};
use crate::state::Stores;
use metrics::Gauge;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the sizes of stores are looked up: that is a look at each file.
const SIZES: Duration = Duration::from_secs(10);

/// Brings the metrics up to what the workers have published.
pub struct Reporter {
    status: Arc<Status>,
    live: Arc<Live>,
    broker: Box<dyn Broker>,
    stores: Arc<dyn Stores>,
    start: Instant,
    /// The clients say that the brokers are away.
    away: bool,
    sized: Option<Instant>,
    lags: Lags,
    counters: Counters,
    running: Gauge,
    standby: Gauge,
    restoring: Gauge,
    remaining: Gauge,
}

struct Counters {
    consumed: Vec<Following>,
    consumed_bytes: Vec<Following>,
    produced: Vec<Following>,
    produced_bytes: Vec<Following>,
    processed: Vec<Following>,
    dead_letters: Family<(String, &'static str)>,
    counted: Family<(String, &'static str)>,
    dropped: Family<String>,
    reads: Family<(String, &'static str)>,
    aborts: Family<&'static str>,
    rebalances: Family<&'static str>,
    commits: Following,
    rebuilds: Following,
    restored: Following,
    timeouts: Following,
}

impl Reporter {
    /// `broker` and `stores`: the engine's own, or such as share what they know with them.
    pub fn new(status: Arc<Status>, live: Arc<Live>, broker: Box<dyn Broker>, stores: Arc<dyn Stores>) -> Self {
        Self {
            counters: Counters::new(&status),
            live,
            broker,
            stores,
            start: Instant::now(),
            away: false,
            sized: None,
            lags: Lags::default(),
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
        let mut stands = Vec::new();
        for worker in self.status.workers().into_iter().flatten() {
            running += worker.tasks.running;
            restoring += worker.tasks.restoring.tasks;
            remaining += worker.tasks.restoring.remaining;
            for (sum, entries) in stores.iter_mut().zip(&worker.tasks.store_entries) {
                *sum += entries;
            }
            stands.extend(worker.tasks.stands);
            total.add(&worker.counts);
        }
        let statistics = self.broker.statistics();
        self.brokers(statistics.away);
        self.counters.reach(&self.status, &total);
        self.counters.timeouts.reach(statistics.timeouts);
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
        self.histograms(&total);
        let lags = self.lags.of(
            &stands,
            &statistics.partitions,
            milliseconds_now(),
            self.start.elapsed(),
        );
        let by_topic = |number: &dyn Fn(&super::lag::Lag) -> Option<f64>| {
            let samples = lags
                .iter()
                .map(|(topic, lag)| Some(Sample::number(&[topic], number(lag)?)));
            samples.flatten().collect()
        };
        self.live
            .set(names::LAG, by_topic(&|lag| lag.records.map(|records| records as f64)));
        self.live.set(
            names::LAG_SECONDS,
            by_topic(&|lag| lag.age.map(|age| age.as_secs_f64())),
        );
        self.live.set(
            names::STABLE_LAG,
            by_topic(&|lag| lag.unstable.map(|records| records as f64)),
        );
        self.clients(&statistics);
        self.sizes();
    }

    /// Of a worker that has nothing to do no call fails: that the brokers went away its clients alone know.
    fn brokers(&mut self, away: Option<bool>) {
        // Where there is no consumer a new one is being built, which succeeds when the brokers are back.
        let away = away.unwrap_or(self.away);
        match (self.away, away) {
            (false, true) => tracing::warn!("no broker is connected any more: the brokers are waited for"),
            (true, false) => tracing::info!("the brokers are connected again"),
            _ => return,
        }
        self.away = away;
        self.status.set_brokers_away(away);
    }

    fn histograms(&self, total: &Counts) {
        let of = |names: &[String], all: &[Buckets]| {
            let filled = names.iter().zip(all).filter(|(_, buckets)| buckets.count() > 0);
            filled
                .map(|(name, buckets)| Sample::buckets(&[name], buckets.clone()))
                .collect()
        };
        let known = &self.status.names;
        let live = &self.live;
        live.set(
            names::PROCESSOR_SECONDS,
            of(&known.processors, &total.processor_seconds),
        );
        live.set(names::INGEST_LATENCY, of(&known.sinks, &total.ingest_latency));
        live.set(names::EVENT_LATENCY, of(&known.sinks, &total.event_latency));
        live.set(
            names::PROCESS_SECONDS,
            vec![Sample::number(&[], total.busy.as_secs_f64())],
        );
        let mut commits = Buckets::new(names::COMMIT_BUCKETS);
        commits.add(&total.commit_seconds);
        live.set(names::COMMIT_SECONDS, vec![Sample::buckets(&[], commits)]);
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    fn clients(&self, statistics: &Statistics) {
        let queues = [("producer", statistics.producers), ("consumer", statistics.consumers)];
        let messages = queues.map(|(client, queue)| Sample::number(&[client], queue.messages as f64));
        let bytes = queues.map(|(client, queue)| Sample::number(&[client], queue.bytes as f64));
        self.live.set(names::KAFKA_QUEUE_MESSAGES, messages.to_vec());
        self.live.set(names::KAFKA_QUEUE_BYTES, bytes.to_vec());
        let round_trip = statistics
            .round_trip
            .map(|time| Sample::number(&[], time.as_secs_f64()));
        self.live.set(names::KAFKA_ROUND_TRIP, round_trip.into_iter().collect());
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    fn sizes(&mut self) {
        if self.sized.is_some_and(|sized| sized.elapsed() < SIZES) {
            return;
        }
        self.sized = Some(Instant::now());
        for name in &self.status.names.stores {
            if let Some(bytes) = self.stores.bytes(name) {
                names::store_bytes(name).set(bytes as f64);
            }
            if let Some(reads) = self.stores.reads(name) {
                self.counters.reads.reach(&(name.clone(), "memory"), reads.memory);
                self.counters.reads.reach(&(name.clone(), "disk"), reads.disk);
            }
        }
    }
}

impl Counters {
    fn new(status: &Status) -> Self {
        let known = &status.names;
        let by_source = |make: fn(&str) -> metrics::Counter| {
            let entries = known.entries.iter();
            entries.map(|(name, _)| Following::new(make(name))).collect()
        };
        let by = |names: &[String], make: fn(&str) -> metrics::Counter| {
            names.iter().map(|name| Following::new(make(name))).collect()
        };
        Self {
            consumed: by_source(names::records_consumed),
            consumed_bytes: by_source(names::bytes_consumed),
            produced: by(&known.topics, names::records_produced),
            produced_bytes: by(&known.topics, names::bytes_produced),
            processed: by(&known.processors, names::processor_records),
            dead_letters: Family::new(|(processor, reason): &(String, &'static str)| {
                names::dead_letters(processor, reason)
            }),
            counted: Family::new(|(processor, what): &(String, &'static str)| names::counted(processor, what)),
            dropped: Family::new(|processor: &String| names::dropped(processor, "failed")),
            reads: Family::new(|(store, from): &(String, &'static str)| names::store_reads(store, from)),
            aborts: Family::new(|reason: &&'static str| names::transactions_aborted(reason)),
            rebalances: Family::new(|kind: &&'static str| names::rebalances(kind)),
            commits: Following::new(names::commits()),
            rebuilds: Following::new(names::producer_rebuilds()),
            restored: Following::new(names::restore_records()),
            timeouts: Following::new(names::kafka_timeouts()),
        }
    }

    fn reach(&mut self, status: &Status, total: &Counts) {
        let lists = [
            (&mut self.consumed, &total.consumed),
            (&mut self.consumed_bytes, &total.consumed_bytes),
            (&mut self.produced, &total.produced),
            (&mut self.produced_bytes, &total.produced_bytes),
            (&mut self.processed, &total.processed),
        ];
        for (followings, counts) in lists {
            for (following, count) in followings.iter_mut().zip(counts) {
                following.reach(*count);
            }
        }
        for (labels, count) in &total.dead_letters {
            self.dead_letters.reach(labels, *count);
        }
        for ((processor, what), count) in &total.counted {
            let name = status.names.processors.get(*processor).cloned().unwrap_or_default();
            self.counted.reach(&(name, *what), *count);
        }
        for (processor, count) in &total.dropped {
            self.dropped.reach(processor, *count);
        }
        for (reason, count) in &total.aborts {
            self.aborts.reach(reason, *count);
        }
        for (kind, count) in &total.rebalances {
            self.rebalances.reach(kind, *count);
        }
        self.commits.reach(total.commits);
        self.rebuilds.reach(total.rebuilds);
        self.restored.reach(total.restored);
    }
}
