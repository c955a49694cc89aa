//! The topology as a Mermaid flowchart. Names are quoted, and ids are our own, so that no name can break it.

use super::words;
use crate::topology::{Input, Topology};
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(super) fn draw(topology: &Topology) -> String {
    let mut out = String::from("flowchart LR\n");
    let graph = topology.graph();
    let mut topics = Topics::default();
    // writing to a String can't fail, here and below
    for (number, sub) in graph.subtopologies.iter().enumerate() {
        let _ = writeln!(out, "  subgraph s{number} [{}]", quoted(&words::title(sub)));
        for index in &sub.processors {
            let Some(processor) = topology.processors.get(*index) else {
                continue;
            };
            let label = format!("{}<br/>{}", escaped(&processor.name), escaped(&words::kind(processor)));
            let _ = writeln!(out, "    p{index}[\"{label}\"]");
            for (position, (_, store)) in sub.stores.iter().filter(|(of, _)| of == index).enumerate() {
                let _ = writeln!(
                    out,
                    "    p{index} --- p{index}s{position}[({})]",
                    quoted(&words::store(store))
                );
            }
        }
        out.push_str("  end\n");
    }
    for (index, feed) in topology.feeds.iter().enumerate() {
        let label = format!("{}<br/>{}", escaped(&feed.name), feed.kind.type_name());
        let _ = writeln!(out, "  f{index}([\"{label}\"]) --> {}", topics.id(&feed.topic));
    }
    for (index, source) in topology.sources.iter().enumerate() {
        let topic = topics.id(&source.topic);
        for (taker, label) in takers(topology, Input::Source(index), &mut topics) {
            let _ = writeln!(out, "  {topic} -->{label} {taker}");
        }
    }
    for (index, processor) in topology.processors.iter().enumerate() {
        let from = match processor.definition.through() {
            Some(through) => {
                let topic = topics.id(&through.topic);
                let _ = writeln!(out, "  p{index} --> {topic}");
                topic
            }
            None => format!("p{index}"),
        };
        for (taker, label) in takers(topology, Input::Processor(index), &mut topics) {
            let _ = writeln!(out, "  {from} -->{label} {taker}");
        }
        if let Some(kept) = processor.definition.keeps() {
            let _ = writeln!(out, "  p{index} --> {}", topics.id(&kept.topic));
        }
        for name in words::tables(processor) {
            if let Some(table) = topology.tables.iter().find(|table| table.name == name) {
                let _ = writeln!(out, "  {} -.-> p{index}", topics.id(&table.topic));
            }
        }
    }
    let dead_letters = topics.id(&topology.dead_letters);
    for number in 0..graph.subtopologies.len() {
        let _ = writeln!(out, "  s{number} -.->|\"what fails\"| {dead_letters}");
    }
    for (topic, id) in &topics.ids {
        let _ = writeln!(out, "  {id}>{}]", quoted(topic));
    }
    out
}

fn takers(topology: &Topology, input: Input, topics: &mut Topics) -> Vec<(String, String)> {
    let processors = topology
        .processors
        .iter()
        .enumerate()
        .filter(|(_, processor)| processor.from.contains(&input));
    let mut takers: Vec<_> = processors
        .map(|(index, _)| (format!("p{index}"), String::new()))
        .collect();
    for sink in topology.sinks.iter().filter(|sink| sink.from.contains(&input)) {
        let label = words::condition(sink)
            .map(|text| format!("|{}|", quoted(&words::cut(&text, 60))))
            .unwrap_or_default();
        takers.push((topics.id(&sink.topic.text), label));
    }
    takers
}

/// Topics by name, each with an id.
#[derive(Default)]
struct Topics {
    ids: BTreeMap<String, String>,
}

impl Topics {
    fn id(&mut self, topic: &str) -> String {
        let next = self.ids.len();
        self.ids
            .entry(topic.to_owned())
            .or_insert_with(|| format!("t{next}"))
            .clone()
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// As Mermaid takes characters of its own: by their numbers.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '"' | '#' | '<' | '>' | '&' | ';' | '`' | '|' | '\\') || c.is_control() {
            let _ = write!(out, "#{};", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}
