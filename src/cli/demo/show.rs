//! What the demo prints.

use super::samples::Sample;
use super::watch::{Arrived, Watch};
use crate::cli::Terminal;
use crate::engine::{Counts, Status};
use crate::topology::Topology;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// The sample whose way is shown in full.
const SHOWN: &str = "eventbridge/CreateUser";

pub fn begin(terminal: &mut Terminal<'_>, topology: &Topology, samples: &[Sample]) -> io::Result<()> {
    writeln!(
        terminal.out,
        "{}: {} events into {} feed topics of a Kafka in this process\n",
        topology.application,
        samples.len(),
        topology.sources.len()
    )?;
    writeln!(
        terminal.out,
        "{}",
        columns(["topic", "message", "feed", "event", "key"])
    )
}

/// One line for a record that arrived, whole: a line that is too long for a terminal is the terminal's to break.
pub fn arrival(terminal: &mut Terminal<'_>, arrived: &Arrived) -> io::Result<()> {
    writeln!(terminal.out, "{}", line(arrived))
}

fn line(arrived: &Arrived) -> String {
    if let Some(message) = arrived.header("__streams.errors.message") {
        let feed = arrived.header("__streams.errors.topic").unwrap_or_default();
        return format!("  {}  from {feed}: {message}", arrived.topic);
    }
    let document = document(arrived);
    let origin = document.pointer("/detail/origin").cloned().unwrap_or_default();
    columns([
        &arrived.topic,
        &text(&document, "type"),
        &text(&origin, "feed"),
        &text(&origin, "type"),
        arrived.key.as_deref().unwrap_or("-"),
    ])
}

/// The key comes last, as nobody knows how long it is.
fn columns([topic, message, feed, event, key]: [&str; 5]) -> String {
    format!("  {topic:<16}  {message:<24}  {feed:<11}  {event:<36}  {key}")
}

fn document(arrived: &Arrived) -> Value {
    serde_json::from_slice(&arrived.value).unwrap_or_default()
}

fn text(document: &Value, name: &str) -> String {
    document
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What a person can check by adding up.
pub struct Summary {
    sent: BTreeMap<String, u64>,
    again: u64,
    duplicates: u64,
    /// Other things the processors counted, by processor and what.
    counted: BTreeMap<String, u64>,
    out: BTreeMap<(String, String), u64>,
    dead_letters: Vec<(String, String)>,
    elapsed: Duration,
    before: String,
    after: String,
}

impl Summary {
    pub fn new(samples: &[Sample], watch: &Watch, counts: &Counts, status: &Status, elapsed: Duration) -> Self {
        let mut sent = BTreeMap::new();
        for sample in samples {
            *sent.entry(sample.topic.clone()).or_default() += 1;
        }
        let mut duplicates = 0;
        let mut counted = BTreeMap::new();
        for ((processor, what), count) in &counts.counted {
            if *what == "duplicate" {
                duplicates += count;
            } else {
                let name = status.names.processors.get(*processor).cloned().unwrap_or_default();
                counted.insert(format!("{name}: {}", what.replace('_', " ")), *count);
            }
        }
        let shown = samples.iter().find(|sample| sample.name == SHOWN);
        let id = shown
            .and_then(|sample| serde_json::from_slice::<Value>(&sample.value).ok())
            .map(|value| text(&value, "id"));
        let mut out: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut dead_letters = Vec::new();
        let mut after = String::new();
        for arrived in watch.arrived() {
            if let Some(message) = arrived.header("__streams.errors.message") {
                let from = arrived.header("__streams.errors.topic").unwrap_or_default();
                dead_letters.push((from.to_owned(), message.to_owned()));
                continue;
            }
            let document = document(arrived);
            if id.as_deref() == Some(text(&document, "id").as_str()) {
                after = format!(
                    "{}, key {}\n{document:#}",
                    arrived.topic,
                    arrived.key.as_deref().unwrap_or("-")
                );
            }
            *out.entry((arrived.topic.clone(), text(&document, "type"))).or_default() += 1;
        }
        Self {
            sent,
            again: samples.iter().filter(|sample| sample.again).count() as u64,
            duplicates,
            counted,
            out,
            dead_letters,
            elapsed,
            before: shown
                .map(|sample| String::from_utf8_lossy(&sample.value).into_owned())
                .unwrap_or_default(),
            after,
        }
    }

    fn sums(&self) -> (u64, u64, u64) {
        (
            self.sent.values().sum(),
            self.out.values().sum(),
            self.dead_letters.len() as u64,
        )
    }

    /// What went in is what came out, was dropped as a duplicate, or is a dead letter.
    pub fn adds_up(&self) -> bool {
        let (sent, out, dead) = self.sums();
        sent == out + dead + self.duplicates && self.duplicates == self.again
    }

    pub fn print(&self, terminal: &mut Terminal<'_>) -> io::Result<()> {
        let (sent, out, dead) = self.sums();
        let w = &mut *terminal.out;
        writeln!(
            w,
            "\nbefore: {SHOWN}, from feed.eventbridge\n{}\n",
            self.before.trim_end()
        )?;
        writeln!(w, "after: {}\n", self.after)?;
        writeln!(w, "in {sent:>47}")?;
        for (topic, count) in &self.sent {
            writeln!(w, "  {topic:<40} {count:>7}")?;
        }
        writeln!(w, "duplicates dropped {:>31}", self.duplicates)?;
        writeln!(w, "dead letters {dead:>37}")?;
        for (topic, message) in &self.dead_letters {
            writeln!(w, "  {topic}: {message}")?;
        }
        writeln!(w, "out {out:>46}")?;
        for ((topic, message), count) in &self.out {
            writeln!(w, "  {topic:<18} {message:<21} {count:>7}")?;
        }
        for (what, count) in &self.counted {
            writeln!(w, "also counted: {what} {count}")?;
        }
        let verdict = if self.adds_up() { "adds up" } else { "DOES NOT ADD UP" };
        writeln!(
            w,
            "\n{verdict}: {sent} in = {out} out + {} duplicates + {dead} dead letters, in {:.1} s",
            self.duplicates,
            self.elapsed.as_secs_f64()
        )?;
        writeln!(
            w,
            "\nThe Kafka of this demo is librdkafka's mock cluster. It keeps no offsets of transactions and fences nobody, so this\n\
             shows what the pipeline does, and proves nothing about exactly-once: the tests do that, on real brokers.\n\
             Next: millstream run --topology topology/customer-events --brokers HOST:9092"
        )
    }

    pub fn json(&self) -> Value {
        let (sent, out, dead) = self.sums();
        let topics: Vec<Value> = self
            .out
            .iter()
            .map(|((topic, message), count)| json!({"topic": topic, "type": message, "count": count}))
            .collect();
        let letters: Vec<Value> = self
            .dead_letters
            .iter()
            .map(|(topic, message)| json!({"topic": topic, "message": message}))
            .collect();
        json!({
            "adds_up": self.adds_up(), "seconds": self.elapsed.as_secs_f64(),
            "in": {"total": sent, "topics": self.sent}, "duplicates": self.duplicates, "counted": self.counted,
            "out": {"total": out, "topics": topics}, "dead_letters": {"total": dead, "letters": letters},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(topic: &str, key: &str, headers: &[(&str, &str)], value: &str) -> Arrived {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Arrived {
            topic: topic.to_owned(),
            key: Some(key.to_owned()),
            headers: headers.collect(),
            value: value.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_line_says_the_feed_and_its_columns_stay_whatever_the_key() {
        let event = r#"{"type":"CustomerUpdated","detail":{"origin":{"feed":"native","type":"CustomerUpdated"}}}"#;
        let short = line(&arrived("integration-prod", "1", &[], event));
        let long = line(&arrived(
            "integration-dev",
            "2c998221-a73c-302d-700c-7978c0521df4",
            &[],
            event,
        ));
        assert_eq!(short.find(" native "), long.find(" native "));
        assert!(
            short.ends_with("  1") && long.ends_with("  2c998221-a73c-302d-700c-7978c0521df4"),
            "{short}\n{long}"
        );
    }

    #[test]
    fn a_dead_letters_reason_is_shown_whole() {
        let reason = "x".repeat(300);
        let headers = [
            ("__streams.errors.message", reason.as_str()),
            ("__streams.errors.topic", "feed.a"),
        ];
        let shown = line(&arrived("dead", "-", &headers, "{"));
        assert!(shown.ends_with(&format!("from feed.a: {reason}")), "{shown}");
    }
}
