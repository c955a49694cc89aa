//! The topology as nodes and edges.

use super::{RunView, milliseconds};
use crate::state::{StoreKind, StoreSpec};
use crate::topology::{Condition, Guarantee, Input, SubTopology, Topology};
use crate::yaml::show_duration;
use serde_json::{Value, json};

/// A node's id: names are unique within their kind only.
pub(super) fn id(kind: &str, name: &str) -> String {
    format!("{kind}:{name}")
}

/// The node that counts under this name: where none of several sinks took a record, all of them are named, and the first stands
/// for them.
pub(super) fn id_of(topology: &Topology, name: &str) -> Option<String> {
    let first = name.split(',').next().unwrap_or(name);
    for name in [name, first] {
        if topology.processors.iter().any(|node| node.name == name) {
            return Some(id("processor", name));
        }
        if topology.sources.iter().any(|source| source.name == name) {
            return Some(id("source", name));
        }
        if topology.sinks.iter().any(|sink| sink.name == name) {
            return Some(id("sink", name));
        }
    }
    None
}

fn input(topology: &Topology, input: Input) -> String {
    let kind = match input {
        Input::Source(_) => "source",
        Input::Processor(_) => "processor",
    };
    id(kind, topology.input_name(input))
}

pub(super) fn topology(view: &RunView) -> Value {
    let topology = &*view.topology;
    let graph = topology.graph();
    let guarantee = match topology.guarantee {
        Guarantee::ExactlyOnce => "exactly once",
        Guarantee::AtLeastOnce => "at least once",
    };
    let subs = graph.subtopologies.iter();
    json!({
        "application": topology.application,
        "instance": view.instance,
        "guarantee": guarantee,
        "version": env!("CARGO_PKG_VERSION"),
        "started": milliseconds(view.started),
        "dead_letters": topology.dead_letters,
        "samples": view.samples,
        "subtopologies": subs.map(|sub| json!({"name": sub.name, "runs": runs(view, sub)})).collect::<Vec<_>>(),
        "nodes": nodes(view, &graph.subtopologies),
        "edges": edges(topology),
    })
}

/// Whether this process runs it.
fn runs(view: &RunView, sub: &SubTopology) -> bool {
    sub.topics().any(|topic| view.selection.reads(topic))
}

fn nodes(view: &RunView, subs: &[SubTopology]) -> Vec<Value> {
    let topology = &*view.topology;
    let mut nodes = Vec::new();
    for feed in &topology.feeds {
        let own = json!({"type": feed.kind.type_name(), "topics": [feed.topic], "runs": view.selection.runs_feed(&feed.name)});
        nodes.push(node(view, "feed", &feed.name, own));
    }
    for (index, table) in topology.tables.iter().enumerate() {
        let own = json!({"type": "table", "topics": [table.topic], "runs": view.selection.looks_up(index)});
        nodes.push(node(view, "table", &table.name, own));
    }
    for (number, sub) in subs.iter().enumerate() {
        let runs = runs(view, sub);
        for entry in &sub.entries {
            let Input::Source(index) = entry.input else { continue };
            let Some(source) = topology.sources.get(index) else {
                continue;
            };
            let own = json!({"type": "source", "topics": [source.topic], "description": source.description,
                             "sub": number, "runs": runs});
            nodes.push(node(view, "source", &source.name, own));
        }
        for index in &sub.processors {
            let Some(processor) = topology.processors.get(*index) else {
                continue;
            };
            let definition = &processor.definition;
            let topics = definition.through().map(|through| through.topic);
            let topics = topics.into_iter().chain(definition.keeps().map(|kept| kept.topic));
            let stores = definition.stores().into_iter().map(|spec| store(topology, &spec));
            let own = json!({"type": definition.type_name(), "topics": topics.collect::<Vec<_>>(),
                             "stores": stores.collect::<Vec<_>>(), "sub": number, "runs": runs});
            nodes.push(node(view, "processor", &processor.name, own));
        }
        for index in &sub.sinks {
            let Some(sink) = topology.sinks.get(*index) else {
                continue;
            };
            let own = json!({"type": condition(&sink.condition), "topics": sink.topic.topics(),
                             "description": sink.description, "sub": number, "runs": runs});
            nodes.push(node(view, "sink", &sink.name, own));
        }
    }
    nodes
}

fn condition(condition: &Condition) -> &'static str {
    match condition {
        Condition::Always => "sink",
        Condition::Where(_) => "sink, where",
        Condition::Otherwise => "sink, otherwise",
    }
}

fn store(topology: &Topology, spec: &StoreSpec) -> Value {
    let kind = match &spec.kind {
        StoreKind::Ids { window } => format!("ids for {}", show_duration(*window)),
        StoreKind::Values => "values by key".to_owned(),
    };
    json!({"name": spec.name, "kind": kind, "changelog": topology.changelog(&spec.name)})
}

/// What all nodes have, and what is a node's own.
fn node(view: &RunView, kind: &'static str, name: &str, own: Value) -> Value {
    let section = match kind {
        "feed" => "feeds",
        "table" => "tables",
        "source" => "sources",
        "processor" => "processors",
        _ => "sinks",
    };
    let written = view.written.get(&(section, name.to_owned()));
    let mut node = json!({"id": id(kind, name), "kind": kind, "name": name,
                          "config": written.map(|written| &written.text), "place": written.map(|written| &written.place)});
    if let (Value::Object(node), Value::Object(own)) = (&mut node, own) {
        node.extend(own);
    }
    node
}

/// Who hands records to whom, `through` a topic or directly, and which processors look which tables up.
fn edges(topology: &Topology) -> Vec<Value> {
    let mut edges = Vec::new();
    let mut edge = |from: String, to: String, kind: &str, topic: Option<&str>| {
        edges.push(json!({"from": from, "to": to, "kind": kind, "topic": topic}));
    };
    for feed in &topology.feeds {
        for source in topology.sources.iter().filter(|source| source.topic == feed.topic) {
            edge(
                id("feed", &feed.name),
                id("source", &source.name),
                "topic",
                Some(&feed.topic),
            );
        }
    }
    let through = |from: Input| match from {
        Input::Source(_) => None,
        Input::Processor(index) => topology.processors.get(index)?.definition.through(),
    };
    let mut flows = |inputs: &[Input], to: String| {
        for from in inputs {
            let topic = through(*from).map(|through| through.topic);
            let kind = if topic.is_some() { "topic" } else { "flow" };
            edge(input(topology, *from), to.clone(), kind, topic.as_deref());
        }
    };
    for node in &topology.processors {
        flows(&node.from, id("processor", &node.name));
    }
    for sink in &topology.sinks {
        flows(&sink.from, id("sink", &sink.name));
    }
    for node in &topology.processors {
        let mut tables: Vec<String> = node.definition.tables().into_iter().map(|(name, _)| name).collect();
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            edge(id("table", &table), id("processor", &node.name), "lookup", None);
        }
    }
    edges
}
