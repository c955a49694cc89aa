//! Every metric's name, and how to get its handle; what it says is in [`super::catalogue`].
//!
//! After Prometheus' conventions: base units, counters end in `_total`. A handle is made once and kept: making one looks
//! its labels up in a locked map.

use metrics::{Counter, Gauge, counter, gauge};

pub const RECORDS_CONSUMED: &str = "millstream_records_consumed_total";
pub const BYTES_CONSUMED: &str = "millstream_bytes_consumed_total";
pub const RECORDS_PRODUCED: &str = "millstream_records_produced_total";
pub const BYTES_PRODUCED: &str = "millstream_bytes_produced_total";
pub const PROCESSOR_RECORDS: &str = "millstream_processor_records_total";
pub const PROCESSOR_SECONDS: &str = "millstream_processor_seconds";
pub const INGEST_LATENCY: &str = "millstream_ingest_latency_seconds";
pub const EVENT_LATENCY: &str = "millstream_event_latency_seconds";
pub const DEAD_LETTERS: &str = "millstream_dead_letters_total";
pub const DUPLICATES: &str = "millstream_duplicates_total";
pub const DROPPED: &str = "millstream_dropped_total";
pub const LATE: &str = "millstream_late_total";
pub const MISSING_ROWS: &str = "millstream_missing_rows_total";
pub const COMMITS: &str = "millstream_commits_total";
pub const COMMIT_SECONDS: &str = "millstream_commit_seconds";
pub const TRANSACTIONS_ABORTED: &str = "millstream_transactions_aborted_total";
pub const PRODUCER_REBUILDS: &str = "millstream_producer_rebuilds_total";
pub const REBALANCES: &str = "millstream_rebalances_total";
pub const TASKS: &str = "millstream_tasks";
pub const RESTORE_RECORDS: &str = "millstream_restore_records_total";
pub const RESTORE_REMAINING: &str = "millstream_restore_remaining_records";
pub const STORE_ENTRIES: &str = "millstream_store_entries";
pub const STORE_BYTES: &str = "millstream_store_bytes";
pub const STORE_READS: &str = "millstream_store_reads_total";
pub const TABLE_ROWS: &str = "millstream_table_rows";
pub const FEED_RECEIVED: &str = "millstream_feed_received_total";
pub const FEED_WRITTEN: &str = "millstream_feed_written_total";
pub const FEED_DEAD_LETTERS: &str = "millstream_feed_dead_letters_total";
pub const FEED_REFUSED: &str = "millstream_feed_refused_total";
pub const FEED_CONNECTED: &str = "millstream_feed_connected";
pub const FEED_UNACKNOWLEDGED: &str = "millstream_feed_unacknowledged";
pub const REGISTRY_REQUESTS: &str = "millstream_registry_requests_total";
pub const LAG: &str = "millstream_lag_records";
pub const LAG_SECONDS: &str = "millstream_lag_seconds";
pub const STABLE_LAG: &str = "millstream_last_stable_offset_lag_records";
pub const KAFKA_QUEUE_MESSAGES: &str = "millstream_kafka_queue_messages";
pub const KAFKA_QUEUE_BYTES: &str = "millstream_kafka_queue_bytes";
pub const KAFKA_ROUND_TRIP: &str = "millstream_kafka_round_trip_seconds";
pub const KAFKA_TIMEOUTS: &str = "millstream_kafka_request_timeouts_total";
pub const SPANS_EXPORTED: &str = "millstream_spans_exported_total";
pub const SPANS_DROPPED: &str = "millstream_spans_dropped_total";
pub const PROCESS_SECONDS: &str = "millstream_process_seconds_total";
pub const READY: &str = "millstream_ready";
pub const BUILD_INFO: &str = "millstream_build_info";
pub const TOPOLOGY_INFO: &str = "millstream_topology_info";
pub const MEMORY_LIMIT: &str = "millstream_memory_limit_bytes";

/// Of the process, under the names that all of Prometheus' client libraries use; written by [`super::process`].
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";
pub const RESIDENT_MEMORY: &str = "process_resident_memory_bytes";
pub const VIRTUAL_MEMORY: &str = "process_virtual_memory_bytes";
pub const START_TIME: &str = "process_start_time_seconds";
pub const OPEN_FDS: &str = "process_open_fds";
pub const MAX_FDS: &str = "process_max_fds";
pub const THREADS: &str = "process_threads";

/// A commit takes a few milliseconds, and minutes when a broker is away.
pub const COMMIT_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// A processor takes a few microseconds, and milliseconds where it reads a disk.
pub const PROCESSOR_BUCKETS: &[f64] = &[
    0.000_001,
    0.000_002_5,
    0.000_005,
    0.000_01,
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.001,
    0.01,
    0.1,
    1.0,
];
/// A record waits for its commit, and hours where there is a backlog.
pub const LATENCY_BUCKETS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
];

/// Records read from a source's (or repartition) topic.
pub fn records_consumed(source: &str) -> Counter {
    counter!(RECORDS_CONSUMED, "source" => source.to_owned())
}

/// Records written to a topic, dead letters and repartition topics included.
pub fn records_produced(topic: &str) -> Counter {
    counter!(RECORDS_PRODUCED, "topic" => topic.to_owned())
}

/// `reason` is the kind of failure.
pub fn dead_letters(processor: &str, reason: &'static str) -> Counter {
    counter!(DEAD_LETTERS, "processor" => processor.to_owned(), "reason" => reason)
}

pub fn bytes_consumed(source: &str) -> Counter {
    counter!(BYTES_CONSUMED, "source" => source.to_owned())
}

pub fn bytes_produced(topic: &str) -> Counter {
    counter!(BYTES_PRODUCED, "topic" => topic.to_owned())
}

pub fn processor_records(processor: &str) -> Counter {
    counter!(PROCESSOR_RECORDS, "processor" => processor.to_owned())
}

pub fn duplicates(processor: &str) -> Counter {
    counter!(DUPLICATES, "processor" => processor.to_owned())
}

/// Messages that a feed took.
pub fn feed_received(feed: &str) -> Counter {
    counter!(FEED_RECEIVED, "feed" => feed.to_owned())
}

/// Messages of a feed that Kafka has.
pub fn feed_written(feed: &str) -> Counter {
    counter!(FEED_WRITTEN, "feed" => feed.to_owned())
}

/// Messages of a feed that Kafka has as dead letters.
pub fn feed_dead_letters(feed: &str) -> Counter {
    counter!(FEED_DEAD_LETTERS, "feed" => feed.to_owned())
}

/// Messages that a feed did not take: `reason` is one word.
pub fn feed_refused(feed: &str, reason: &'static str) -> Counter {
    counter!(FEED_REFUSED, "feed" => feed.to_owned(), "reason" => reason)
}

/// 1: the feed takes messages; 0: it does not.
pub fn feed_connected(feed: &str) -> Gauge {
    gauge!(FEED_CONNECTED, "feed" => feed.to_owned())
}

/// Messages that a feed took and has not acknowledged yet.
pub fn feed_unacknowledged(feed: &str) -> Gauge {
    gauge!(FEED_UNACKNOWLEDGED, "feed" => feed.to_owned())
}

/// `reason`: `filtered`, `dropped`, or the kind of a failure that `on_error: drop` dropped.
pub fn dropped(processor: &str, reason: &'static str) -> Counter {
    counter!(DROPPED, "processor" => processor.to_owned(), "reason" => reason)
}

pub fn late(processor: &str) -> Counter {
    counter!(LATE, "processor" => processor.to_owned())
}

pub fn missing_rows(processor: &str) -> Counter {
    counter!(MISSING_ROWS, "processor" => processor.to_owned())
}

/// The counter for what a processor counts, by the word it counts it under.
pub fn counted(processor: &str, what: &'static str) -> Counter {
    match what {
        "duplicate" => duplicates(processor),
        "late" => late(processor),
        "missing_row" => missing_rows(processor),
        reason => dropped(processor, reason),
    }
}

pub fn commits() -> Counter {
    counter!(COMMITS)
}

/// `reason`: `broker`, `registry`, `store` or `fenced`.
pub fn transactions_aborted(reason: &'static str) -> Counter {
    counter!(TRANSACTIONS_ABORTED, "reason" => reason)
}

pub fn producer_rebuilds() -> Counter {
    counter!(PRODUCER_REBUILDS)
}

/// `kind`: `assigned`, `revoked` or `lost`.
pub fn rebalances(kind: &'static str) -> Counter {
    counter!(REBALANCES, "kind" => kind)
}

/// `state`: `running`, `restoring`, or `standby` (copies of others' stores).
pub fn tasks(state: &'static str) -> Gauge {
    gauge!(TASKS, "state" => state)
}

pub fn restore_records() -> Counter {
    counter!(RESTORE_RECORDS)
}

pub fn restore_remaining() -> Gauge {
    gauge!(RESTORE_REMAINING)
}

pub fn store_entries(store: &str) -> Gauge {
    gauge!(STORE_ENTRIES, "store" => store.to_owned())
}

pub fn store_bytes(store: &str) -> Gauge {
    gauge!(STORE_BYTES, "store" => store.to_owned())
}

/// `from`: `memory` or `disk`.
pub fn store_reads(store: &str, from: &'static str) -> Counter {
    counter!(STORE_READS, "store" => store.to_owned(), "from" => from)
}

pub fn table_rows(table: &str) -> Gauge {
    gauge!(TABLE_ROWS, "table" => table.to_owned())
}

/// `result`: `ok`, `unknown`, `away` or `refused`.
pub fn registry_requests(result: &'static str) -> Counter {
    counter!(REGISTRY_REQUESTS, "result" => result)
}

pub fn kafka_timeouts() -> Counter {
    counter!(KAFKA_TIMEOUTS)
}

pub fn spans_exported() -> Counter {
    counter!(SPANS_EXPORTED)
}

/// `reason`: `queue_full` or `collector`.
pub fn spans_dropped(reason: &'static str) -> Counter {
    counter!(SPANS_DROPPED, "reason" => reason)
}

/// 1: ready for work; 0: not.
pub fn ready() -> Gauge {
    gauge!(READY)
}

pub fn build_info() -> Gauge {
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION"))
}

pub fn topology_info(application: &str, fingerprint: &str) -> Gauge {
    gauge!(TOPOLOGY_INFO, "application" => application.to_owned(), "fingerprint" => fingerprint.to_owned())
}
