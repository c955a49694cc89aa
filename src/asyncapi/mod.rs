//! An AsyncAPI 3.0 document of a topology: what it sends and what it receives, for the people at the other end of its topics.
//!
//! Messages are those of the sinks' and sources' `schema`; a sink that chooses one of several sends as many messages. Examples are
//! what the topology's own cases make.

mod components;
mod examples;
#[cfg(test)]
mod tests;

pub use examples::Examples;

use crate::codec::{Codec, Encoding, Schemas, Side};
use crate::schema::Schema;
use crate::topology::{ApiInfo, Parameter, Sink, Source, TemplatePart, Topology};
use components::Components;
use serde_json::{Map, Value, json};

/// The document.
pub fn document(topology: &Topology, examples: &Examples) -> Value {
    let info = topology
        .api
        .clone()
        .unwrap_or_else(|| ApiInfo::of(&topology.application));
    let mut document = Document {
        info,
        examples,
        components: Components::default(),
        channels: Map::new(),
        operations: Map::new(),
    };
    for sink in &topology.sinks {
        document.send(sink);
    }
    for source in &topology.sources {
        document.receive(source, topology);
    }
    document.into_json()
}

struct Document<'d> {
    info: ApiInfo,
    examples: &'d Examples,
    components: Components,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Document<'_> {
    fn send(&mut self, sink: &Sink) {
        let Side { encoding, schemas } = &sink.format.value;
        let messages = match schemas {
            Schemas::None => vec![self.message(&sink.name, *encoding, None)],
            Schemas::One(schema) => {
                let name = schema.record().map_or(sink.name.as_str(), simple);
                vec![self.message(name, *encoding, Some(schema))]
            }
            Schemas::By(_, schemas) => {
                let message = |(name, schema): &(String, Schema)| self.message(name, *encoding, Some(schema));
                schemas.iter().map(message).collect()
            }
        };
        for (name, message) in &messages {
            let mut message = message.clone();
            if let Some(id) = &self.info.correlation_id {
                let mut correlation = json!({"location": id.location});
                set(&mut correlation, "description", id.description.as_deref());
                set(&mut message, "correlationId", Some(correlation));
            }
            let examples = self.examples.of(sink, name);
            if !examples.is_empty() {
                set(&mut message, "examples", Some(examples));
            }
            self.components.message(name, message);
        }
        let mut parameters = Map::new();
        for part in &sink.topic.parts {
            if let TemplatePart::Parameter(_, parameter) = part {
                parameters.insert(parameter.name.clone(), about(parameter));
            }
        }
        let mut channel = json!({"address": sink.topic.text});
        set(&mut channel, "description", sink.description.as_deref());
        if !parameters.is_empty() {
            set(&mut channel, "parameters", Some(Value::Object(parameters)));
        }
        let names: Vec<&str> = messages.iter().map(|(name, _)| name.as_str()).collect();
        self.channel("send", &sink.name, channel, &names);
    }

    fn receive(&mut self, source: &Source, topology: &Topology) {
        let schema = source.format.value.schemas.iter().next();
        let (name, mut message) = self.message(&source.name, source.format.value.encoding, schema);
        // What the first processor validates is what is expected, too.
        if schema.is_none()
            && let Some(schema) = topology.validated(source)
        {
            let payload = self.components.json_schema(&source.name, schema);
            set(&mut message, "payload", Some(payload));
        }
        self.components.message(&name, message);
        let mut channel = json!({"address": source.topic});
        set(&mut channel, "description", source.description.as_deref());
        self.channel("receive", &source.name, channel, &[&name]);
    }

    /// A message, and its name in the components.
    fn message(&mut self, name: &str, encoding: Encoding, schema: Option<&Schema>) -> (String, Value) {
        let mut message = json!({"name": name, "contentType": content_type(encoding)});
        if let Some(schema) = schema {
            set(&mut message, "summary", schema.description());
            if let Ok(text) = schema.to_json_schema() {
                let payload = match schema.avro() {
                    Some(_) => self.components.types(name, text),
                    None => self.components.json_schema(name, text),
                };
                set(&mut message, "payload", Some(payload));
            }
        }
        (name.to_owned(), message)
    }

    fn channel(&mut self, action: &str, name: &str, mut channel: Value, messages: &[&str]) {
        let of = |message: &&str| ((*message).to_owned(), reference(&["components", "messages", message]));
        let of: Map<String, Value> = messages.iter().map(of).collect();
        set(&mut channel, "messages", Some(Value::Object(of)));
        let listed = messages
            .iter()
            .map(|message| reference(&["channels", name, "messages", message]));
        let operation = json!({
            "action": action,
            "channel": reference(&["channels", name]),
            "messages": listed.collect::<Vec<_>>(),
        });
        self.channels.insert(name.to_owned(), channel);
        self.operations.insert(self.info.operation(action, name), operation);
    }

    fn into_json(self) -> Value {
        let mut info = json!({"title": self.info.title, "version": self.info.version});
        set(&mut info, "description", self.info.description.as_deref());
        json!({
            "asyncapi": "3.0.0",
            "info": info,
            "defaultContentType": "application/json",
            "channels": self.channels,
            "operations": self.operations,
            "components": self.components.into_json(),
        })
    }
}

fn about(parameter: &Parameter) -> Value {
    let mut about = json!({"enum": parameter.allowed});
    set(&mut about, "description", parameter.description.as_deref());
    about
}

fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Plain(Codec::Json) | Encoding::JsonSchema => "application/json",
        Encoding::Avro | Encoding::AvroRaw => "application/vnd.apache.avro",
        Encoding::Plain(Codec::String) => "text/plain",
        Encoding::Plain(_) => "application/octet-stream",
    }
}

/// The last part of a full name.
fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A reference into the document, as a JSON pointer.
fn reference(path: &[&str]) -> Value {
    let escaped = path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    json!({"$ref": format!("#/{}", escaped.collect::<Vec<_>>().join("/"))})
}

/// Sets a member, where there is something to set.
fn set(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Value::Object(members), Some(value)) = (object, value) {
        members.insert(name.to_owned(), value.into());
    }
}
