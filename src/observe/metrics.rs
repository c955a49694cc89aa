//! The recorder behind the handles, its text for Prometheus, and helpers for those who count by themselves.

use super::live::Live;
use super::{catalogue, process};
use ahash::AHashMap;
use metrics::Counter;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::hash::Hash;
use std::sync::Arc;

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
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
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Installed)?;
        catalogue::describe();
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

fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().build_recorder()
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
pub(crate) mod tests {
    use super::super::live::Sample;
    use super::super::names;
    use super::*;

    /// Records what `body` does, beside whatever the process records.
    pub(crate) fn recorded(body: impl FnOnce()) -> Exposition {
        recorded_with(|_| body())
    }

    /// As [`recorded`], with what is shown as it is.
    pub(crate) fn recorded_with(body: impl FnOnce(&Arc<Live>)) -> Exposition {
        let recorder = recorder();
        let handle = recorder.handle();
        let live = Arc::default();
        metrics::with_local_recorder(&recorder, || {
            catalogue::describe();
            body(&live);
        });
        Exposition { handle, live }
    }

    #[test]
    fn handles_count_under_their_names_and_labels() {
        let text = recorded(|| {
            names::records_consumed("rabbitmq").increment(3);
            names::dead_letters("normalize", "unknown_case").increment(2);
            names::counted("dedupe", "duplicate").increment(5);
            names::counted("keep", "filtered").increment(7);
            names::tasks("running").set(4.0);
        })
        .render();
        for line in [
            "# TYPE millstream_records_consumed_total counter",
            "millstream_records_consumed_total{source=\"rabbitmq\"} 3",
            "millstream_dead_letters_total{processor=\"normalize\",reason=\"unknown_case\"} 2",
            "millstream_duplicates_total{processor=\"dedupe\"} 5",
            "millstream_dropped_total{processor=\"keep\",reason=\"filtered\"} 7",
            "millstream_tasks{state=\"running\"} 4",
            "millstream_commits_total 0",
            concat!("millstream_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
    }

    #[test]
    fn every_metric_has_a_type_and_a_help() {
        let exposition = recorded(|| names::late("x").increment(1));
        exposition.live().set(names::LAG, vec![Sample::number(&["t"], 1.0)]);
        let text = exposition.render();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().expect("a name");
            assert!(text.contains(&format!("# TYPE {name} ")), "{name} has no type");
            assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
        }
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
