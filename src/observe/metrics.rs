//! The recorder behind the handles, its text for Prometheus, and helpers for those who count by themselves.

use super::{names, process};
use ahash::AHashMap;
use metrics::Counter;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("metrics can't be recorded: {0}")]
    Build(#[from] BuildError),
    #[error("metrics are recorded already: install them once a process")]
    Installed,
}

/// Everything measured, as text for Prometheus. Cloning shares it.
#[derive(Clone)]
pub struct Exposition {
    handle: PrometheusHandle,
    live: Arc<Live>,
}

impl Exposition {
    /// Records from now on, for the whole process.
    ///
    /// # Errors
    /// Where something records already.
    pub fn install() -> Result<Exposition, MetricsError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Installed)?;
        names::describe();
        Ok(Exposition {
            handle,
            live: Arc::default(),
        })
    }

    /// What is shown as it is when asked.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// In Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        self.live.render(&mut text);
        process::render(&mut text);
        text
    }

    /// Sums up what histograms gathered. Called every few seconds by the HTTP server; without one, by nobody else.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let commit = Matcher::Full(names::COMMIT_SECONDS.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(commit, &names::COMMIT_BUCKETS)?;
    Ok(builder.build_recorder())
}

/// What the recorder has no form for: a counter of fractions of a second, and gauges that vanish with what they measure.
#[derive(Debug, Default)]
pub struct Live {
    process_nanoseconds: AtomicU64,
    lag: Mutex<BTreeMap<(String, i32), i64>>,
}

impl Live {
    /// Adds time that a worker spent on processing.
    pub fn add_process_time(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.process_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// How many records a partition has that are not committed yet.
    pub fn set_lag(&self, topic: &str, partition: i32, records: i64) {
        let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        lag.insert((topic.to_owned(), partition), records.max(0));
    }

    /// A partition is somebody else's now.
    pub fn forget_lag(&self, topic: &str, partition: i32) {
        let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        lag.remove(&(topic.to_owned(), partition));
    }

    /// Records that are not committed yet, by topic.
    pub fn lag(&self) -> BTreeMap<String, i64> {
        let mut by_topic = BTreeMap::new();
        for ((topic, _), records) in self.lag.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *by_topic.entry(topic.clone()).or_default() += records;
        }
        by_topic
    }

    fn render(&self, text: &mut String) {
        let nanoseconds = self.process_nanoseconds.load(Ordering::Relaxed);
        let seconds = Duration::from_nanos(nanoseconds).as_secs_f64();
        sample(
            text,
            names::PROCESS_SECONDS,
            "counter",
            names::PROCESS_SECONDS_HELP,
            seconds,
        );
        let lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        if lag.is_empty() {
            return;
        }
        head(text, names::LAG, "gauge", names::LAG_HELP);
        for ((topic, partition), records) in lag.iter() {
            let topic = escaped(topic);
            // writing to a String can't fail
            let _ = writeln!(
                text,
                "{}{{topic=\"{topic}\",partition=\"{partition}\"}} {records}",
                names::LAG
            );
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Writes a metric that has one sample.
pub(super) fn sample(text: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    head(text, name, kind, help);
    let _ = writeln!(text, "{name} {value}\n");
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A counter that follows a total kept elsewhere.
pub struct Following {
    counter: Counter,
    seen: u64,
}

impl Following {
    pub fn new(counter: Counter) -> Following {
        Following { counter, seen: 0 }
    }

    /// Adds what came since the last call. A total below the last one is of a new start, from 0.
    pub fn reach(&mut self, total: u64) {
        let more = total.checked_sub(self.seen).unwrap_or(total);
        if more > 0 {
            self.counter.increment(more);
        }
        self.seen = total;
    }
}

/// Counters that follow totals, by labels that are met as they come. Makes each handle once.
pub struct Family<K> {
    make: Box<dyn Fn(&K) -> Counter + Send>,
    known: AHashMap<K, Following>,
}

impl<K: Clone + Eq + Hash> Family<K> {
    pub fn new(make: impl Fn(&K) -> Counter + Send + 'static) -> Family<K> {
        Family {
            make: Box::new(make),
            known: AHashMap::new(),
        }
    }

    /// As [`Following::reach`], of the counter with these labels.
    pub fn reach(&mut self, key: &K, total: u64) {
        match self.known.get_mut(key) {
            Some(following) => following.reach(total),
            None => {
                let mut following = Following::new((self.make)(key));
                following.reach(total);
                self.known.insert(key.clone(), following);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Records what `body` does, beside whatever the process records.
    pub(crate) fn recorded(body: impl FnOnce()) -> Exposition {
        let recorder = recorder().expect("a recorder");
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            names::describe();
            body();
        });
        Exposition {
            handle,
            live: Arc::default(),
        }
    }

    #[test]
    fn handles_count_under_their_names_and_labels() {
        let text = recorded(|| {
            names::records_consumed("rabbitmq").increment(3);
            names::dead_letters("normalize", "unknown_case").increment(2);
            names::counted("dedupe", "duplicate").increment(5);
            names::counted("keep", "filtered").increment(7);
            names::commit_seconds().record(0.012);
            names::tasks("running").set(4.0);
        })
        .render();
        for line in [
            "# TYPE millstream_records_consumed_total counter",
            "millstream_records_consumed_total{source=\"rabbitmq\"} 3",
            "millstream_dead_letters_total{processor=\"normalize\",reason=\"unknown_case\"} 2",
            "millstream_duplicates_total{processor=\"dedupe\"} 5",
            "millstream_dropped_total{processor=\"keep\",reason=\"filtered\"} 7",
            "# TYPE millstream_commit_seconds histogram",
            "millstream_commit_seconds_bucket{le=\"0.01\"} 0",
            "millstream_commit_seconds_bucket{le=\"0.025\"} 1",
            "millstream_commit_seconds_count 1",
            "millstream_tasks{state=\"running\"} 4",
            "millstream_commits_total 0",
            concat!("millstream_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# TYPE millstream_process_seconds_total counter",
            "millstream_process_seconds_total 0",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
    }

    #[test]
    fn every_metric_has_a_type_and_a_help() {
        let exposition = recorded(|| names::late("x").increment(1));
        exposition.live().set_lag("t", 0, 1);
        let text = exposition.render();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().expect("a name");
            assert!(text.contains(&format!("# TYPE {name} ")), "{name} has no type");
            assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
        }
    }

    #[test]
    fn lag_vanishes_with_its_partition_and_process_time_has_fractions() {
        let exposition = recorded(|| ());
        let live = exposition.live();
        live.set_lag("a\"b", 3, 12);
        live.set_lag("c", 0, -5);
        live.add_process_time(Duration::from_millis(1_250));
        let text = exposition.render();
        assert!(
            text.contains("millstream_lag_records{topic=\"a\\\"b\",partition=\"3\"} 12\n"),
            "{text}"
        );
        assert!(
            text.contains("millstream_lag_records{topic=\"c\",partition=\"0\"} 0\n"),
            "{text}"
        );
        assert!(text.contains("millstream_process_seconds_total 1.25\n"), "{text}");
        live.forget_lag("a\"b", 3);
        live.forget_lag("c", 0);
        assert!(!exposition.render().contains(names::LAG));
    }

    #[test]
    fn a_following_counter_adds_only_what_came_since() {
        let text = recorded(|| {
            let mut commits = Following::new(names::commits());
            for total in [3, 3, 10, 2, 4] {
                commits.reach(total);
            }
            let mut produced = Family::new(|topic: &String| names::records_produced(topic));
            for (topic, total) in [("a", 1), ("b", 5), ("a", 4)] {
                produced.reach(&topic.to_owned(), total);
            }
        })
        .render();
        assert!(
            text.contains("millstream_commits_total 14\n"),
            "10, and 4 after a new start: {text}"
        );
        assert!(
            text.contains("{topic=\"a\"} 4\n") && text.contains("{topic=\"b\"} 5\n"),
            "{text}"
        );
    }
}
