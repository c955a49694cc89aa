//! The components of the document: messages and schemas, each under a name of its own.
//!
//! A JSON Schema keeps its definitions in itself, and refers to them from its own root. In the document there is one root: so each
//! definition becomes a component, and each reference is turned to it.

use super::{reference, simple};
use serde_json::{Map, Value, json};

/// What JSON Schema names its definitions.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

#[derive(Default)]
pub(super) struct Components {
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Components {
    pub fn message(&mut self, name: &str, message: Value) {
        self.messages.insert(name.to_owned(), message);
    }

    /// A schema that was made of Avro: its definitions are named types, the same wherever they stand.
    pub fn types(&mut self, name: &str, schema: Value) -> Value {
        self.lifted(name, schema, &|definition| simple(definition).to_owned())
    }

    /// A JSON Schema, whose definitions are its own.
    pub fn json_schema(&mut self, name: &str, schema: Value) -> Value {
        self.lifted(name, schema, &|definition| format!("{name}-{definition}"))
    }

    fn lifted(&mut self, name: &str, mut schema: Value, named: &dyn Fn(&str) -> String) -> Value {
        let mut definitions = Vec::new();
        if let Value::Object(members) = &mut schema {
            members.shift_remove("$schema");
            for section in DEFINITIONS {
                if let Some(Value::Object(found)) = members.shift_remove(section) {
                    definitions.extend(found);
                }
            }
        }
        for (definition, mut found) in definitions {
            turn(&mut found, name, named);
            self.schemas.insert(named(&definition), found);
        }
        turn(&mut schema, name, named);
        // the root of a schema that is a definition itself is that definition
        match schema.get("$ref").and_then(Value::as_str) {
            Some(_) if schema.as_object().is_some_and(|members| members.len() == 1) => schema,
            _ => {
                self.schemas.insert(name.to_owned(), schema);
                reference(&["components", "schemas", name])
            }
        }
    }

    pub fn into_json(self) -> Value {
        json!({"messages": self.messages, "schemas": self.schemas})
    }
}

/// Turns each reference from the schema's root to the document's.
fn turn(schema: &mut Value, root: &str, named: &dyn Fn(&str) -> String) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(target) if name == "$ref" => {
                        let definition = DEFINITIONS
                            .iter()
                            .find_map(|section| target.strip_prefix(&format!("#/{section}/")));
                        let component = match definition {
                            Some(definition) => named(definition),
                            None if target == "#" => root.to_owned(),
                            None => continue,
                        };
                        *target = format!("#/components/schemas/{component}");
                    }
                    value => turn(value, root, named),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| turn(element, root, named)),
        _ => {}
    }
}
