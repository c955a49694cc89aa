//! The names that may be used: of metrics, and of what the rules record.

use crate::alerts;
use millstream::observe::Kind;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// What a histogram's name is followed by in the exposition.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Names of metrics, and of recorded series.
pub struct Known {
    metrics: BTreeMap<&'static str, Kind>,
    recorded: BTreeSet<String>,
}

impl Known {
    pub fn new() -> Self {
        let metrics = millstream::observe::metrics_list().iter();
        let recorded = alerts::rules()
            .into_iter()
            .filter_map(|rule| rule.get("record").map(str::to_owned));
        Self {
            metrics: metrics.map(|metric| (metric.name, metric.kind)).collect(),
            recorded: recorded.collect(),
        }
    }

    /// The names in a text that look like one of ours, and are none.
    pub fn unknown(&self, text: &str) -> Vec<String> {
        let word = Regex::new(r"[A-Za-z_][A-Za-z0-9_:]*").expect("a pattern");
        let words = word.find_iter(text).map(|found| found.as_str().trim_end_matches(':'));
        let unknown = words.filter(|word| {
            if word.contains(":millstream_") {
                return !self.recorded.contains(*word);
            }
            let is_ours = word.starts_with("millstream_") || word.starts_with("process_");
            is_ours && !self.is_metric(word)
        });
        unknown.map(str::to_owned).collect()
    }

    /// As it is, or as one of the three that a histogram is in the exposition.
    fn is_metric(&self, word: &str) -> bool {
        let base = OF_HISTOGRAMS.iter().find_map(|ending| word.strip_suffix(ending));
        let is_histogram = |name| self.metrics.get(name).is_some_and(|kind| *kind == Kind::Histogram);
        base.is_some_and(is_histogram) || self.metrics.get(word).is_some_and(|kind| *kind != Kind::Histogram)
    }
}

#[test]
fn a_name_that_is_none_is_found() {
    let known = Known::new();
    let text =
        "rate(millstream_records_consumed_total[5m]) / millstream_commit_seconds_bucket, millstream_bytes_eaten_total";
    assert_eq!(known.unknown(text), ["millstream_bytes_eaten_total"]);
    let no_histogram = "millstream_commits_total_bucket millstream_commit_seconds";
    assert_eq!(known.unknown(no_histogram).len(), 2);
    assert_eq!(known.unknown("x:millstream_nothing:y"), ["x:millstream_nothing:y"]);
}
