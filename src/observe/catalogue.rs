//! What every metric is and says: for the exposition, for the page in `docs/`, and for whoever names one elsewhere.

use super::names::*;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// A metric. A histogram has its name followed by `_bucket`, `_sum` and `_count` in the exposition.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    /// What is counted or measured.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// Every metric that a process of ours can show.
pub fn metrics_list() -> &'static [Metric] {
    METRICS
}

/// The metric of that name.
pub(super) fn of(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

const fn metric(
    kind: Kind,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        unit,
        labels,
        help,
    }
}

use Kind::{Counter, Gauge, Histogram};

#[rustfmt::skip]
const METRICS: &[Metric] = &[
    metric(Counter, RECORDS_CONSUMED, "records", &["source"], "Records read, by source or repartition processor. Those of an aborted transaction are read and counted again."),
    metric(Counter, BYTES_CONSUMED, "bytes", &["source"], "Bytes of their keys and values."),
    metric(Counter, RECORDS_PRODUCED, "records", &["topic"], "Records written, by topic: sinks, dead letters and repartition topics, not changelogs. Those of an aborted transaction are counted, too."),
    metric(Counter, BYTES_PRODUCED, "bytes", &["topic"], "Bytes of their keys and values."),
    metric(Counter, PROCESSOR_RECORDS, "records", &["processor"], "Records that went into a processor."),
    metric(Histogram, PROCESSOR_SECONDS, "seconds", &["processor"], "How long a processor takes for a record, what comes after it left out. One of 64 records is measured, so the count is of measurements."),
    metric(Histogram, INGEST_LATENCY, "seconds", &["sink"], "From the timestamp of the record that was read to the commit of what came of it, by sink. Only what was committed counts."),
    metric(Histogram, EVENT_LATENCY, "seconds", &["sink"], "From the event's own time (the sink's event_time) to the commit, by sink; nothing where the sink has no event_time or a record has no time there."),
    metric(Counter, DEAD_LETTERS, "records", &["processor", "reason"], "Records that became dead letters, by where they failed and the kind of failure."),
    metric(Counter, DUPLICATES, "records", &["processor"], "Records dropped because their id was seen before."),
    metric(Counter, DROPPED, "records", &["processor", "reason"], "Records dropped by a condition or a case (the reason is its word), or by `on_error: drop` (reason `failed`)."),
    metric(Counter, LATE, "records", &["processor"], "Records older than the window of their dedupe; passed on."),
    metric(Counter, MISSING_ROWS, "records", &["processor"], "Keys for which a table had no row."),
    metric(Counter, COMMITS, "transactions", &[], "Transactions committed."),
    metric(Histogram, COMMIT_SECONDS, "seconds", &[], "How long commits take, the flush included; one that has to be called again counts from its first call."),
    metric(Counter, TRANSACTIONS_ABORTED, "transactions", &["reason"], "Transactions aborted; their records are read again. `broker`: a call failed; `registry`: the schema registry did not answer; `store`: a store is damaged; `fenced`: the group or another producer took the work away."),
    metric(Counter, PRODUCER_REBUILDS, "producers", &[], "Producers replaced in process, because fenced or failed."),
    metric(Counter, REBALANCES, "rebalances", &["kind"], "Rebalances that a worker went through: `assigned`, `revoked` or `lost`."),
    metric(Gauge, LAG, "records", &["topic"], "Records not yet committed: from the committed offset to the last stable offset, over this process' partitions. Brought up to date every 5 seconds; nothing for a topic of which nothing is fetched yet. Offsets of transaction markers in between count as records, except where all was read."),
    metric(Gauge, LAG_SECONDS, "seconds", &["topic"], "Age of the oldest record that was read and is not yet committed, by its timestamp; where there is lag and nothing was read of it yet, for how long there has been lag. 0: no lag."),
    metric(Gauge, STABLE_LAG, "records", &["topic"], "Records behind the last stable offset, of transactions that are still open: nobody can read these yet. Over this process' partitions."),
    metric(Gauge, TASKS, "tasks", &["state"], "Tasks of this process: `running`, `restoring`, or `standby` (copies of other instances' stores)."),
    metric(Counter, RESTORE_RECORDS, "records", &[], "Changelog records read to restore stores."),
    metric(Gauge, RESTORE_REMAINING, "records", &[], "Changelog records still to be read before tasks can start."),
    metric(Gauge, STORE_ENTRIES, "entries", &["store"], "Entries of this process' part of a store: ids held, or keys."),
    metric(Gauge, STORE_BYTES, "bytes", &["store"], "Size on disk of this process' part of a store. Nothing for stores in memory."),
    metric(Counter, STORE_READS, "reads", &["store", "from"], "Reads of this process' part of a store on disk, answered from `memory` or from the `disk` (files, which the system may have in its own cache). Of ids: look-ups, and those that new ids and filters do not answer read a page. Of values by key: blocks of index, filter and data, from the block cache or a file; what is still in a write buffer reads none. Brought up to date every 10 seconds; nothing for stores in memory."),
    metric(Gauge, TABLE_ROWS, "rows", &["table"], "Rows of a table."),
    metric(Counter, FEED_RECEIVED, "messages", &["feed"], "Messages that a feed took."),
    metric(Counter, FEED_WRITTEN, "messages", &["feed"], "Messages of a feed that Kafka has."),
    metric(Counter, FEED_DEAD_LETTERS, "messages", &["feed"], "Messages of a feed that Kafka has as dead letters."),
    metric(Counter, FEED_REFUSED, "messages", &["feed", "reason"], "Messages that a feed did not take."),
    metric(Gauge, FEED_CONNECTED, "1: it does", &["feed"], "Whether a feed takes messages."),
    metric(Gauge, FEED_UNACKNOWLEDGED, "messages", &["feed"], "Messages that a feed took and has not acknowledged yet."),
    metric(Counter, REGISTRY_REQUESTS, "requests", &["result"], "Requests to the schema registry, by address: `ok`, `unknown` (it has no such schema or subject), `away` (no answer), `refused`. What is known already is not asked again."),
    metric(Gauge, KAFKA_QUEUE_MESSAGES, "messages", &["client"], "Messages in librdkafka's queues: of a `producer`, not yet acknowledged; of a `consumer`, fetched and not yet processed."),
    metric(Gauge, KAFKA_QUEUE_BYTES, "bytes", &["client"], "Bytes in the same queues."),
    metric(Gauge, KAFKA_ROUND_TRIP, "seconds", &[], "Mean time from a request to the brokers' answer, over the last 5 seconds. A fetch may wait at the broker for records, so an idle process shows long ones."),
    metric(Counter, KAFKA_TIMEOUTS, "requests", &[], "Requests that the brokers did not answer in time."),
    metric(Counter, SPANS_EXPORTED, "spans", &[], "Spans of traces that the collector took. 0 where no traces are exported."),
    metric(Counter, SPANS_DROPPED, "spans", &["reason"], "Spans that no collector has: `queue_full` (there were more than could be sent), `collector` (it did not answer, or refused them)."),
    metric(Counter, PROCESS_SECONDS, "seconds", &[], "Time that workers spent on records, waiting and commits left out; a worker that adds a second each second can take no more."),
    metric(Gauge, READY, "1: ready", &[], "Whether the process is ready, as `/readyz` says."),
    metric(Gauge, BUILD_INFO, "always 1", &["version"], "The version of the program."),
    metric(Gauge, TOPOLOGY_INFO, "always 1", &["application", "fingerprint"], "The topology that runs: instances with one fingerprint have the same one."),
    metric(Gauge, MEMORY_LIMIT, "bytes", &[], "Memory that the process' control group may use. Nothing where there is no limit."),
    metric(Counter, CPU_SECONDS, "seconds", &[], "User and system CPU time."),
    metric(Gauge, START_TIME, "seconds since 1970", &[], "When the process started."),
    metric(Gauge, RESIDENT_MEMORY, "bytes", &[], "Memory in use."),
    metric(Gauge, VIRTUAL_MEMORY, "bytes", &[], "Address space in use."),
    metric(Gauge, THREADS, "threads", &[], "Threads."),
    metric(Gauge, OPEN_FDS, "files", &[], "Open file descriptors."),
    metric(Gauge, MAX_FDS, "files", &[], "Most file descriptors that may be open."),
];

/// Tells the recorder what each metric means, and shows from the start, at 0, those whose labels are known.
pub(super) fn describe() {
    for metric in METRICS {
        match metric.kind {
            Counter => describe_counter!(metric.name, metric.help),
            Gauge => describe_gauge!(metric.name, metric.help),
            Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
    build_info().set(1.0);
    for zero in [
        commits(),
        producer_rebuilds(),
        restore_records(),
        kafka_timeouts(),
        spans_exported(),
    ] {
        zero.increment(0);
    }
    for zero in [restore_remaining(), ready()] {
        zero.set(0.0);
    }
    // A counter that appears with its first event shows no increase for it. The words of these are known.
    let aborted = ["broker", "registry", "store", "fenced"].map(transactions_aborted);
    let rebalanced = ["assigned", "revoked", "lost"].map(rebalances);
    let asked = ["ok", "unknown", "away", "refused"].map(registry_requests);
    let unexported = ["queue_full", "collector"].map(spans_dropped);
    for zero in aborted.into_iter().chain(rebalanced).chain(asked).chain(unexported) {
        zero.increment(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_is_there_once_and_named_after_prometheus_conventions() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, help, .. } in METRICS {
            assert_eq!(name.ends_with("_total"), *kind == Counter, "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        }
    }

    #[test]
    fn every_name_in_the_code_is_in_the_list() {
        let source = include_str!("names.rs");
        let named = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \""));
        let names: Vec<_> = named.map(|(_, rest)| rest.trim_end_matches("\";")).collect();
        assert!(names.len() > 40, "{names:?}");
        for name in names {
            assert!(of(name).is_some(), "{name}");
        }
    }
}
