//! The topology as data.

use super::words;
use crate::topology::{Input, Topology};
use serde_json::{Value, json};

pub(super) fn draw(topology: &Topology) -> String {
    let plan = topology.plan();
    let graph = topology.graph();
    let subtopologies: Vec<Value> = graph
        .subtopologies
        .iter()
        .map(|sub| {
            let processors = sub
                .processors
                .iter()
                .filter_map(|index| topology.processors.get(*index));
            let sinks = sub.sinks.iter().filter_map(|index| topology.sinks.get(*index));
            json!({
                "name": sub.name,
                "reads": sub.entries.iter().map(|entry| json!({
                    "topic": entry.topic, "from": topology.input_name(entry.input),
                })).collect::<Vec<_>>(),
                "processors": processors.map(|processor| json!({
                    "name": processor.name,
                    "type": processor.definition.type_name(),
                    "from": names(topology, &processor.from),
                    "branches": processor.definition.branches(),
                    "tables": words::tables(processor),
                    "topic": processor.definition.through().map(|through| through.topic),
                    "keeps": processor.definition.keeps().map(|kept| kept.topic),
                })).collect::<Vec<_>>(),
                "stores": sub.stores.iter().map(|(_, store)| json!({
                    "name": store.name, "changelog": topology.changelog(&store.name),
                })).collect::<Vec<_>>(),
                "sinks": sinks.map(|sink| json!({
                    "name": sink.name,
                    "from": names(topology, &sink.from),
                    "condition": words::condition(sink),
                    "topic": sink.topic.text,
                    "topics": sink.topic.topics(),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let document = json!({
        "application": topology.application,
        "group": plan.group,
        "feeds": topology.feeds.iter().map(|feed| json!({
            "name": feed.name, "type": feed.kind.type_name(), "topic": feed.topic,
        })).collect::<Vec<_>>(),
        "subtopologies": subtopologies,
        "tables": topology.tables.iter().map(|table| json!({"name": table.name, "topic": table.topic})).collect::<Vec<_>>(),
        "dead_letters": topology.dead_letters,
    });
    format!("{document}\n")
}

fn names<'t>(topology: &'t Topology, inputs: &[Input]) -> Vec<&'t str> {
    inputs.iter().map(|input| topology.input_name(*input)).collect()
}
