//! How long records take until they are committed: their times are kept while their transaction is open, as only its commit says
//! when that is.

use super::counts::Counts;
use crate::observe::Buckets;
use std::time::SystemTime;

/// Times of the open transaction's outputs, by sink.
#[derive(Debug, Default)]
pub struct Times {
    sinks: Vec<SinkTimes>,
}

#[derive(Clone, Debug, Default)]
struct SinkTimes {
    ingest: Runs,
    event: Runs,
}

/// Milliseconds since the epoch, and how many in a row had the same.
#[derive(Clone, Debug, Default)]
struct Runs(Vec<(i64, u64)>);

/// Of one sink: a megabyte. Beyond, two neighbours become one, with the older time.
const MOST_RUNS: usize = 1 << 16;

impl Runs {
    fn note(&mut self, time: i64) {
        match self.0.last_mut() {
            Some((last, count)) if *last == time => *count += 1,
            _ => {
                if self.0.len() >= MOST_RUNS {
                    self.halve();
                }
                self.0.push((time, 1));
            }
        }
    }

    fn halve(&mut self) {
        let pairs = self.0.chunks(2).map(|pair| {
            let oldest = pair.iter().map(|(time, _)| *time).min();
            (oldest.unwrap_or_default(), pair.iter().map(|(_, count)| count).sum())
        });
        self.0 = pairs.collect();
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds, and seconds are doubles")]
    fn committed(&self, now: i64, into: Option<&mut Buckets>) {
        let Some(into) = into else { return };
        for (time, count) in &self.0 {
            // A clock that goes before ours makes no negative time.
            let age = now.saturating_sub(*time).max(0);
            into.record(age as f64 / 1000.0, *count);
        }
    }
}

impl Times {
    /// An output was written: `ingest` is the timestamp of the record that it came of, `event` the event's own time.
    pub fn note(&mut self, sink: usize, ingest: i64, event: Option<i64>) {
        if self.sinks.len() <= sink {
            self.sinks.resize(sink + 1, SinkTimes::default());
        }
        let Some(times) = self.sinks.get_mut(sink) else { return };
        // Kafka has -1 for no timestamp.
        if ingest >= 0 {
            times.ingest.note(ingest);
        }
        if let Some(event) = event {
            times.event.note(event);
        }
    }

    /// The transaction is committed, at `now`.
    pub fn committed(&mut self, now: i64, counts: &mut Counts) {
        for (index, times) in self.sinks.iter().enumerate() {
            times.ingest.committed(now, counts.ingest_latency.get_mut(index));
            times.event.committed(now, counts.event_latency.get_mut(index));
        }
        self.clear();
    }

    /// The transaction is gone.
    pub fn clear(&mut self) {
        for times in &mut self.sinks {
            times.ingest.0.clear();
            times.event.0.clear();
        }
    }
}

/// Of the clock that timestamps of records are of. For metrics only: nothing that is done depends on it.
pub fn milliseconds_now() -> i64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_committed_counts_and_from_each_time_of_its_own() {
        let mut counts = Counts::new(0, 0, 0, 2);
        let mut times = Times::default();
        times.note(1, 500, None);
        times.clear();
        times.note(1, 9_000, Some(1_000));
        times.note(1, 9_000, Some(20_000));
        times.note(1, -1, None);
        times.note(7, 9_000, None);
        times.committed(10_000, &mut counts);
        times.committed(50_000, &mut counts);
        let sums = |buckets: &[Buckets]| buckets.iter().map(|b| (b.count(), b.sum())).collect::<Vec<_>>();
        assert_eq!(sums(&counts.ingest_latency), [(0, 0.0), (2, 2.0)]);
        assert_eq!(sums(&counts.event_latency), [(0, 0.0), (2, 9.0)]);
    }

    #[test]
    fn memory_is_bounded_and_no_record_is_lost_by_it() {
        let mut runs = Runs::default();
        let many = MOST_RUNS * 5;
        for time in 0..many {
            runs.note(i64::try_from(time).unwrap());
        }
        assert!(runs.0.len() <= MOST_RUNS);
        assert_eq!(runs.0.iter().map(|(_, count)| count).sum::<u64>(), many as u64);
    }
}
