//! A few records that passed a node, for whoever looks at it now.

use super::{RunView, milliseconds, nodes};
use crate::engine::{Part, Sample, Text};
use crate::observe::NoSamples;
use crate::topology::Topology;
use serde_json::{Value, json};

pub(super) fn samples(view: &RunView, node: &str) -> Result<Value, NoSamples> {
    if !view.samples {
        return Err(NoSamples::Off);
    }
    let part = part(&view.topology, node).ok_or(NoSamples::Unknown)?;
    let samples = view.status.samples.look_at(part);
    Ok(json!({"node": node, "records": samples.iter().map(sample).collect::<Vec<_>>()}))
}

fn part(topology: &Topology, node: &str) -> Option<Part> {
    let (kind, _) = node.split_once(':')?;
    let named = |name: &str| nodes::id(kind, name) == node;
    match kind {
        "source" => topology
            .sources
            .iter()
            .position(|source| named(&source.name))
            .map(Part::Source),
        "processor" => topology
            .processors
            .iter()
            .position(|node| named(&node.name))
            .map(Part::Processor),
        "sink" => topology.sinks.iter().position(|sink| named(&sink.name)).map(Part::Sink),
        _ => None,
    }
}

fn sample(sample: &Sample) -> Value {
    let headers = sample.headers.iter().map(|(name, value)| {
        let mut header = text(value);
        if let Some(members) = header.as_object_mut() {
            members.insert("name".to_owned(), name.as_str().into());
        }
        header
    });
    json!({
        "topic": sample.topic,
        "partition": sample.partition,
        "offset": sample.offset,
        "timestamp": (sample.timestamp >= 0).then_some(sample.timestamp),
        "at": milliseconds(sample.at),
        "key": sample.key.as_ref().map(text),
        "headers": headers.collect::<Vec<_>>(),
        "value": text(&sample.value),
    })
}

fn text(text: &Text) -> Value {
    json!({"text": text.text, "note": text.note})
}
