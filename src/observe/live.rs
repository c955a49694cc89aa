//! Metrics that are given as they are: histograms that somebody keeps, counters of fractions, and gauges that vanish with what
//! they measure.

use super::buckets::Buckets;
use super::catalogue::{self, Kind};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// One line of a metric, or the lines of one histogram.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Values of the metric's labels, in their order.
    labels: Vec<String>,
    shown: Shown,
}

#[derive(Clone, Debug)]
enum Shown {
    Number(f64),
    Buckets(Buckets),
}

impl Sample {
    pub fn number(labels: &[&str], number: f64) -> Self {
        Self::new(labels, Shown::Number(number))
    }

    pub fn buckets(labels: &[&str], buckets: Buckets) -> Self {
        Self::new(labels, Shown::Buckets(buckets))
    }

    fn new(labels: &[&str], shown: Shown) -> Self {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self { labels, shown }
    }
}

/// Shown as they were last set.
#[derive(Debug, Default)]
pub struct Live {
    samples: Mutex<BTreeMap<&'static str, Vec<Sample>>>,
}

impl Live {
    /// Replaces all samples of a metric.
    pub fn set(&self, name: &'static str, samples: Vec<Sample>) {
        let mut all = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name, samples);
    }

    /// The numbers of a metric, by the first of its labels.
    pub fn numbers(&self, name: &str) -> BTreeMap<String, f64> {
        let all = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = all.get(name).into_iter().flatten();
        let number = |sample: &Sample| match sample.shown {
            Shown::Number(number) => Some((sample.labels.first()?.clone(), number)),
            Shown::Buckets(_) => None,
        };
        samples.filter_map(number).collect()
    }

    pub(super) fn render(&self, text: &mut String) {
        let all = self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, samples) in &all {
            write(text, name, samples);
        }
    }
}

/// Writes a metric of the catalogue; nothing where there are no samples.
pub(super) fn write(text: &mut String, name: &str, samples: &[Sample]) {
    let Some(metric) = catalogue::of(name).filter(|_| !samples.is_empty()) else {
        return;
    };
    // writing to a String can't fail
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", metric.help, metric.kind);
    for Sample { labels, shown } in samples {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .zip(labels)
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = labels.join(",");
        match shown {
            Shown::Number(number) => line(text, name, &labels, *number),
            Shown::Buckets(buckets) => histogram(text, name, &labels, buckets),
        }
    }
    let _ = writeln!(text);
    debug_assert!(
        metric.kind == Kind::Histogram || samples.iter().all(|sample| matches!(sample.shown, Shown::Number(_)))
    );
}

fn line(text: &mut String, name: &str, labels: &str, number: impl std::fmt::Display) {
    let _ = match labels {
        "" => writeln!(text, "{name} {number}"),
        labels => writeln!(text, "{name}{{{labels}}} {number}"),
    };
}

fn histogram(text: &mut String, name: &str, labels: &str, buckets: &Buckets) {
    let comma = if labels.is_empty() { "" } else { "," };
    for (bound, count) in buckets.cumulated() {
        let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}");
    }
    let count = buckets.count();
    let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    line(text, &format!("{name}_sum"), labels, buckets.sum());
    line(text, &format!("{name}_count"), labels, count);
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn what_is_set_replaces_what_was_and_labels_are_escaped() {
        let live = Live::default();
        let shown = || {
            let mut text = String::new();
            live.render(&mut text);
            text
        };
        live.set(
            names::LAG,
            vec![Sample::number(&["a\"b"], 12.0), Sample::number(&["c"], 0.0)],
        );
        live.set(names::PROCESS_SECONDS, vec![Sample::number(&[], 1.25)]);
        let text = shown();
        assert!(text.contains("# TYPE millstream_lag_records gauge\n"), "{text}");
        assert!(text.contains("millstream_lag_records{topic=\"a\\\"b\"} 12\n"), "{text}");
        assert!(text.contains("millstream_lag_records{topic=\"c\"} 0\n"), "{text}");
        assert!(text.contains("millstream_process_seconds_total 1.25\n"), "{text}");
        live.set(names::LAG, Vec::new());
        assert!(!shown().contains(names::LAG));
    }

    #[test]
    fn histograms_have_their_buckets_cumulated_and_a_sum_and_a_count() {
        let mut buckets = Buckets::new(names::COMMIT_BUCKETS);
        buckets.record(0.012, 1);
        buckets.record(100.0, 2);
        let mut text = String::new();
        write(
            &mut text,
            names::COMMIT_SECONDS,
            &[Sample::buckets(&[], buckets.clone())],
        );
        for line in [
            "# TYPE millstream_commit_seconds histogram",
            "millstream_commit_seconds_bucket{le=\"0.01\"} 0",
            "millstream_commit_seconds_bucket{le=\"0.025\"} 1",
            "millstream_commit_seconds_bucket{le=\"60\"} 1",
            "millstream_commit_seconds_bucket{le=\"+Inf\"} 3",
            "millstream_commit_seconds_sum 200.012",
            "millstream_commit_seconds_count 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
        text.clear();
        write(&mut text, names::INGEST_LATENCY, &[Sample::buckets(&["out"], buckets)]);
        assert!(text.contains("_bucket{sink=\"out\",le=\"+Inf\"} 3\n"), "{text}");
        assert!(text.contains("_count{sink=\"out\"} 3\n"), "{text}");
    }
}
