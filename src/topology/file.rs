//! `topology.yaml` read part by part into a [`Draft`].

use super::draft::{Draft, Named, ProcessorDraft};
use super::formats::{self, Use};
use super::names::{self, NAME_HELP, OURS, topic};
use super::parts::Parts;
use super::{Guarantee, OnError, Source, StateSettings, StoresIn, Table, api, feeds, from, schema_registry, sinks};
use crate::expression::Names;
use crate::processor::{self, Reading};
use crate::value::SecretNames;
use crate::yaml::{
    self, Fields, Key, Kind, Mistakes, Node, Place, duration, integer, list_of, map_of, scalar_text, size, text, word,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Reads the whole file. `None`: it is not even a map.
pub(super) fn read<'a>(root: &'a Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Draft<'a>> {
    if root.kind == Kind::Null {
        mistakes.add(
            &root.place,
            "the topology is empty",
            "begin with `application:`, `sources:`, `sinks:` and `dead_letters:`",
        );
        return None;
    }
    let mut fields = Fields::of("a topology", &root.place, root, mistakes)?;
    let application = fields.required("application", |node, mistakes| {
        let name = text(node, mistakes)?;
        named(&name, &node.place, mistakes).then_some(name)
    });
    let guarantee = fields.optional(
        "processing_guarantee",
        word(&[
            ("exactly_once", Guarantee::ExactlyOnce),
            ("at_least_once", Guarantee::AtLeastOnce),
        ]),
    );
    let commit_interval = fields.optional("commit_interval", duration);
    let workers = fields.optional("workers", integer(1..=256));
    let state = fields.optional("state", state);
    let standby_replicas = fields.optional("standby_replicas", integer(0..=16));
    let kafka = fields.optional("kafka", kafka);
    fields.find("variables");
    let registry = fields.optional("schema_registry", |node, mistakes| {
        schema_registry::read(node, folder, mistakes)
    });
    let secrets = fields.optional("secrets", list_of(text));
    let api = fields.optional("asyncapi", api::read);
    section(root, &mut fields, "feeds", false);
    section(root, &mut fields, "sources", true);
    section(root, &mut fields, "tables", false);
    section(root, &mut fields, "processors", false);
    section(root, &mut fields, "sinks", true);
    let dead_letters = fields.required("dead_letters", |node, mistakes| {
        let mut fields = Fields::of("dead_letters", &node.place, node, mistakes)?;
        let topic = fields.required("topic", topic);
        fields.finish();
        topic
    });
    fields.finish();

    let secrets = SecretNames::new(secrets.unwrap_or_default());
    let names = match root.get("variables") {
        // what is wrong with a variable would be said again of every expression that uses it
        Some(variables) => mistakes.take(Names::with_variables(variables)),
        None => Some(Names::default()),
    };
    let parts = Parts {
        folder,
        names: names.as_ref(),
        secrets: &secrets,
    };
    let under = |name: &str| root.get(name).map_or(&[][..], Node::entries).iter();
    Some(Draft {
        application,
        guarantee: guarantee.unwrap_or(Guarantee::ExactlyOnce),
        commit_interval: commit_interval.unwrap_or(Duration::from_millis(100)),
        workers: workers.and_then(|workers| usize::try_from(workers).ok()).unwrap_or(1),
        state: state.unwrap_or_default(),
        standby_replicas: standby_replicas
            .and_then(|replicas| usize::try_from(replicas).ok())
            .unwrap_or(0),
        kafka: kafka.unwrap_or_default(),
        feeds: under("feeds")
            .map(|(key, node)| (key, feeds::read(key, node, &parts, mistakes)))
            .collect(),
        sources: under("sources")
            .map(|(key, node)| source(key, node, &parts, mistakes))
            .collect(),
        tables: under("tables")
            .map(|(key, node)| table(key, node, &parts, mistakes))
            .collect(),
        processors: under("processors")
            .map(|(key, node)| processor(key, node, &parts, mistakes))
            .collect(),
        sinks: under("sinks")
            .map(|(key, node)| sinks::read(key, node, &parts, mistakes))
            .collect(),
        dead_letters,
        schema_registry: registry,
        secrets,
        api,
    })
}

/// Checks a map of named parts, and the names. What is no map has no entries, so nobody trips over it later.
fn section(root: &Node, fields: &mut Fields<'_>, name: &'static str, needed: bool) {
    if needed {
        fields.required(name, |_, _| Some(()));
    } else {
        fields.find(name);
    }
    let Some(node) = root.get(name) else { return };
    match &node.kind {
        Kind::Map(entries) if !(needed && entries.is_empty()) => {
            for (key, _) in entries {
                named(&key.text, &key.place, fields.mistakes);
            }
        }
        Kind::Null if !needed => {}
        Kind::Map(_) | Kind::Null => {
            let message = format!("there is nothing under `{name}`");
            fields.wrong(&node.place, message, "add at least one, as in {name: {...}}");
        }
        _ => {
            let message = format!("`{name}` must be a map, and this is {}", node.type_name());
            fields.wrong(
                &node.place,
                message,
                "write each under its own name, as in {name: {...}}",
            );
        }
    }
}

fn named(name: &str, place: &Place, mistakes: &mut Mistakes) -> bool {
    let right = names::is_name(name);
    if !right {
        mistakes.add(place, "this can't be a name", NAME_HELP);
    }
    right
}

const ON_ERROR: [(&str, OnError); 3] = [
    ("dead_letter", OnError::DeadLetter),
    ("drop", OnError::Drop),
    ("fail", OnError::Fail),
];

fn source<'a>(key: &'a Key, node: &'a Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Named<'a, Source> {
    let read = |mistakes: &mut Mistakes| {
        let mut fields = Fields::of("a source", &key.place, node, mistakes)?;
        let topic = fields.required("topic", topic);
        let format = formats::read(&mut fields, Use::Read, parts);
        let tombstones = fields.optional("tombstones", word(&[("dead_letter", false), ("pass", true)]));
        let on_error = fields.optional("on_error", word(&ON_ERROR));
        let description = fields.optional("description", text);
        fields.finish();
        let (topic, place) = topic?;
        Some((
            Source {
                name: key.text.clone(),
                topic,
                format: format?,
                tombstones: tombstones.unwrap_or_default(),
                on_error: on_error.unwrap_or_default(),
                description,
            },
            place,
        ))
    };
    split(key, read(mistakes))
}

fn table<'a>(key: &'a Key, node: &'a Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Named<'a, Table> {
    let read = |mistakes: &mut Mistakes| {
        let mut fields = Fields::of("a table", &key.place, node, mistakes)?;
        let topic = fields.required("topic", topic);
        let format = formats::read(&mut fields, Use::LookUp, parts);
        fields.finish();
        let (topic, place) = topic?;
        Some((
            Table {
                name: key.text.clone(),
                topic,
                format: format?,
            },
            place,
        ))
    };
    split(key, read(mistakes))
}

fn split<'a, T>(key: &'a Key, read: Option<(T, Place)>) -> Named<'a, T> {
    match read {
        Some((item, topic_place)) => Named {
            key,
            item: Some(item),
            topic_place,
        },
        None => Named {
            key,
            item: None,
            topic_place: key.place.clone(),
        },
    }
}

fn processor<'a>(key: &'a Key, node: &'a Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> ProcessorDraft<'a> {
    let mut draft = ProcessorDraft {
        key,
        node,
        from: None,
        on_error: OnError::default(),
        definition: None,
    };
    let what = format!("processor `{}`", yaml::shortened(&key.text, 60));
    let Some(mut fields) = Fields::of(what, &key.place, node, mistakes) else {
        return draft;
    };
    let types: Vec<_> = processor::registry()
        .iter()
        .map(|(name, reader)| (*name, *reader))
        .collect();
    let reader = fields.required("type", word(&types));
    draft.from = fields.required("from", from::read);
    draft.on_error = fields.optional("on_error", word(&ON_ERROR)).unwrap_or_default();
    // which keys a processor takes is known only with its type, and what an expression may name only with the variables
    if let (Some(reader), Some(names)) = (reader, parts.names) {
        let reading = Reading {
            name: &key.text,
            folder: parts.folder,
            names,
            secrets: parts.secrets,
        };
        draft.definition = reader(&mut fields, &reading);
        fields.finish();
    }
    draft
}

fn state(node: &Node, mistakes: &mut Mistakes) -> Option<StateSettings> {
    let mut fields = Fields::of("state", &node.place, node, mistakes)?;
    let stores = fields.optional(
        "stores",
        word(&[("disk", StoresIn::Disk), ("memory", StoresIn::Memory)]),
    );
    let memory = fields.optional("memory", size);
    fields.finish();
    let default = StateSettings::default();
    Some(StateSettings {
        stores: stores.unwrap_or(default.stores),
        memory: memory.unwrap_or(default.memory),
    })
}

fn kafka(node: &Node, mistakes: &mut Mistakes) -> Option<BTreeMap<String, (String, Place)>> {
    if node.kind == Kind::Null {
        return None;
    }
    let mut right = true;
    for (key, _) in node.entries() {
        if let Some((name, why)) = OURS.iter().find(|(name, _)| *name == key.text) {
            mistakes.add(
                &key.place,
                format!("`{name}` is not yours to set"),
                format!("remove it: {why}"),
            );
            right = false;
        }
    }
    let properties = map_of(scalar_text)(node, mistakes).filter(|_| right)?;
    Some(
        properties
            .into_iter()
            .map(|(key, value)| (key.text.clone(), (value, key.place.clone())))
            .collect(),
    )
}
