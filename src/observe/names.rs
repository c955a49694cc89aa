//! Every metric: its name, what it says, and how to get its handle.
//!
//! After Prometheus' conventions: base units, counters end in `_total`. A handle is made once and kept: making one looks
//! its labels up in a locked map.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

pub const RECORDS_CONSUMED: &str = "millstream_records_consumed_total";
pub const RECORDS_PRODUCED: &str = "millstream_records_produced_total";
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
pub const TABLE_ROWS: &str = "millstream_table_rows";
pub const FEED_RECEIVED: &str = "millstream_feed_received_total";
pub const FEED_WRITTEN: &str = "millstream_feed_written_total";
pub const FEED_DEAD_LETTERS: &str = "millstream_feed_dead_letters_total";
pub const FEED_REFUSED: &str = "millstream_feed_refused_total";
pub const FEED_CONNECTED: &str = "millstream_feed_connected";
pub const FEED_UNACKNOWLEDGED: &str = "millstream_feed_unacknowledged";
pub const BUILD_INFO: &str = "millstream_build_info";

/// Written by [`super::Live`].
pub const LAG: &str = "millstream_lag_records";
pub const PROCESS_SECONDS: &str = "millstream_process_seconds_total";

/// Of the process, under the names that all of Prometheus' client libraries use; written by [`super::process`].
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";
pub const RESIDENT_MEMORY: &str = "process_resident_memory_bytes";
pub const VIRTUAL_MEMORY: &str = "process_virtual_memory_bytes";
pub const START_TIME: &str = "process_start_time_seconds";
pub const OPEN_FDS: &str = "process_open_fds";
pub const MAX_FDS: &str = "process_max_fds";
pub const THREADS: &str = "process_threads";

/// A commit takes a few milliseconds, and minutes when a broker is away.
pub const COMMIT_BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

pub const LAG_HELP: &str = "Records between the committed offset and the last stable offset.";
pub const PROCESS_SECONDS_HELP: &str = "Time that workers spent on processing records, polls and commits left out.";

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

/// From the flush to the broker's answer.
pub fn commit_seconds() -> Histogram {
    histogram!(COMMIT_SECONDS)
}

/// `reason`: `error`, `lost`, `fenced`...: one of a few words.
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

pub fn table_rows(table: &str) -> Gauge {
    gauge!(TABLE_ROWS, "table" => table.to_owned())
}

/// Says once what each metric means, and shows those that have no labels from the start, at 0.
pub fn describe() {
    describe_counter!(
        RECORDS_CONSUMED,
        Unit::Count,
        "Records read, by source or repartition topic."
    );
    describe_counter!(RECORDS_PRODUCED, Unit::Count, "Records written, by topic.");
    describe_counter!(
        DEAD_LETTERS,
        Unit::Count,
        "Records that became dead letters, by processor and kind of failure."
    );
    describe_counter!(
        DUPLICATES,
        Unit::Count,
        "Records dropped because their id was seen before."
    );
    describe_counter!(
        DROPPED,
        Unit::Count,
        "Records dropped by a condition, a case or on_error, by processor and reason."
    );
    describe_counter!(
        LATE,
        Unit::Count,
        "Records older than the window of their dedupe; passed on."
    );
    describe_counter!(MISSING_ROWS, Unit::Count, "Keys for which a table had no row.");
    describe_counter!(COMMITS, Unit::Count, "Transactions committed.");
    describe_histogram!(
        COMMIT_SECONDS,
        Unit::Seconds,
        "How long commits take, the flush included."
    );
    describe_counter!(
        TRANSACTIONS_ABORTED,
        Unit::Count,
        "Transactions aborted, by reason; their records are read again."
    );
    describe_counter!(
        PRODUCER_REBUILDS,
        Unit::Count,
        "Producers replaced in process, because fenced or failed."
    );
    describe_counter!(REBALANCES, Unit::Count, "Rebalances of the consumer group, by kind.");
    describe_counter!(FEED_RECEIVED, Unit::Count, "Messages that a feed took.");
    describe_counter!(FEED_WRITTEN, Unit::Count, "Messages of a feed that Kafka has.");
    describe_counter!(
        FEED_DEAD_LETTERS,
        Unit::Count,
        "Messages of a feed that Kafka has as dead letters."
    );
    describe_counter!(
        FEED_REFUSED,
        Unit::Count,
        "Messages that a feed did not take, by reason."
    );
    describe_gauge!(FEED_CONNECTED, Unit::Count, "Whether a feed takes messages.");
    describe_gauge!(
        FEED_UNACKNOWLEDGED,
        Unit::Count,
        "Messages that a feed took and has not acknowledged yet."
    );
    describe_gauge!(TASKS, Unit::Count, "Tasks of this process, by state.");
    describe_counter!(
        RESTORE_RECORDS,
        Unit::Count,
        "Changelog records read to restore stores."
    );
    describe_gauge!(
        RESTORE_REMAINING,
        Unit::Count,
        "Changelog records still to be read before tasks can start."
    );
    describe_gauge!(STORE_ENTRIES, Unit::Count, "Entries of this process' part of a store.");
    describe_gauge!(TABLE_ROWS, Unit::Count, "Rows of a table.");
    describe_gauge!(BUILD_INFO, "Always 1; the version is the label.");
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for zero in [commits(), producer_rebuilds(), restore_records()] {
        zero.increment(0);
    }
    restore_remaining().set(0.0);
}
