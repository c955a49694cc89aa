//! The topology for Graphviz. Ids are kinds and names, quoted.

use super::words;
use crate::topology::{Graph, Input, Topology};
use std::fmt::Write as _;

pub(super) fn draw(topology: &Topology) -> String {
    let mut out = format!(
        "digraph {} {{\n  rankdir=LR;\n  compound=true;\n  graph [fontname=\"sans-serif\"];\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
        quoted(&topology.application)
    );
    let graph = topology.graph();
    // writing to a String can't fail, here and below
    for (number, sub) in graph.subtopologies.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{number} {{\n    label={}; style=rounded;",
            quoted(&words::title(sub))
        );
        for processor in sub
            .processors
            .iter()
            .filter_map(|index| topology.processors.get(*index))
        {
            let label = format!("{}\n{}", processor.name, words::kind(processor));
            let _ = writeln!(
                out,
                "    {} [shape=box, label={}];",
                node("processor", &processor.name),
                quoted(&label)
            );
        }
        for (index, store) in &sub.stores {
            let Some(processor) = topology.processors.get(*index) else {
                continue;
            };
            let id = node("store", &store.name);
            let _ = writeln!(
                out,
                "    {id} [shape=cylinder, label={}];",
                quoted(&words::store(store))
            );
            let _ = writeln!(out, "    {} -> {id} [dir=none];", node("processor", &processor.name));
        }
        out.push_str("  }\n");
    }
    let mut topics: Vec<String> = topology.sources.iter().map(|source| source.topic.clone()).collect();
    for feed in &topology.feeds {
        let (id, label) = (
            node("feed", &feed.name),
            format!("{}\n{}", feed.name, feed.kind.type_name()),
        );
        let _ = writeln!(out, "  {id} [shape=oval, label={}];", quoted(&label));
        let _ = writeln!(out, "  {id} -> {};", node("topic", &feed.topic));
    }
    for (index, source) in topology.sources.iter().enumerate() {
        edges(
            &mut out,
            topology,
            Input::Source(index),
            &node("topic", &source.topic),
            &mut topics,
        );
    }
    for (index, processor) in topology.processors.iter().enumerate() {
        let mut from = node("processor", &processor.name);
        if let Some(through) = processor.definition.through() {
            let topic = node("topic", &through.topic);
            let _ = writeln!(out, "  {from} -> {topic};");
            topics.push(through.topic);
            from = topic;
        }
        edges(&mut out, topology, Input::Processor(index), &from, &mut topics);
        if let Some(kept) = processor.definition.keeps() {
            let from = node("processor", &processor.name);
            let _ = writeln!(out, "  {from} -> {};", node("topic", &kept.topic));
            topics.push(kept.topic);
        }
        for name in words::tables(processor) {
            if let Some(table) = topology.tables.iter().find(|table| table.name == name) {
                let to = node("processor", &processor.name);
                let _ = writeln!(out, "  {} -> {to} [style=dashed];", node("topic", &table.topic));
                topics.push(table.topic.clone());
            }
        }
    }
    dead_letters(&mut out, topology, &graph);
    topics.push(topology.dead_letters.clone());
    topics.sort_unstable();
    topics.dedup();
    for topic in topics {
        let _ = writeln!(
            out,
            "  {} [shape=cds, label={}];",
            node("topic", &topic),
            quoted(&topic)
        );
    }
    out.push_str("}\n");
    out
}

fn edges(out: &mut String, topology: &Topology, input: Input, from: &str, topics: &mut Vec<String>) {
    for processor in topology
        .processors
        .iter()
        .filter(|processor| processor.from.contains(&input))
    {
        let _ = writeln!(out, "  {from} -> {};", node("processor", &processor.name));
    }
    for sink in topology.sinks.iter().filter(|sink| sink.from.contains(&input)) {
        let label = words::condition(sink).map(|text| format!(" [label={}]", quoted(&words::cut(&text, 60))));
        let _ = writeln!(
            out,
            "  {from} -> {}{};",
            node("topic", &sink.topic.text),
            label.unwrap_or_default()
        );
        topics.push(sink.topic.text.clone());
    }
}

/// What fails in a sub-topology, from its box; from the topics that it reads where there is no processor in it.
fn dead_letters(out: &mut String, topology: &Topology, graph: &Graph) {
    let to = node("topic", &topology.dead_letters);
    for (number, sub) in graph.subtopologies.iter().enumerate() {
        let processor = sub.processors.first().and_then(|index| topology.processors.get(*index));
        let (from, tail) = match processor {
            Some(processor) => (
                vec![node("processor", &processor.name)],
                format!(", ltail=cluster_{number}"),
            ),
            None => (sub.topics().map(|topic| node("topic", topic)).collect(), String::new()),
        };
        for from in from {
            let _ = writeln!(out, "  {from} -> {to} [style=dotted, label=\"what fails\"{tail}];");
        }
    }
}

fn node(kind: &str, name: &str) -> String {
    quoted(&format!("{kind} {name}"))
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
