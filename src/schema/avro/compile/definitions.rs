//! Records, enums and fixed: the types that have names.

use super::super::error::{SchemaError, error};
use super::super::node::{Default, Enum, Field, Id, Kind, Name, Node, Record, simple};
use super::super::{failure, logical};
use super::names::{full_name, own_name, texts};
use super::{Compiler, Scope};
use ahash::AHashSet;
use serde_json::{Map, Value as Json};

/// What a definition comes to.
enum Defined {
    /// Its name, its namespace, and its JSON with that name.
    New(Name, String, Map<String, Json>),
    /// It was there already: its place, and the JSON that stands for it.
    Known(Id, Json),
}

impl Compiler<'_> {
    fn define(&mut self, object: &Map<String, Json>, scope: Scope<'_>) -> Result<Defined, SchemaError> {
        let (full, namespace) = own_name(object, scope.namespace)?;
        if self.names.contains_key(&full) {
            if scope.foreign {
                let (id, json) = self.named(&full, Scope { namespace: "", ..scope })?;
                return Ok(Defined::Known(id, json));
            }
            return error(format!("the type `{}` is defined twice", failure::name(&full)));
        }
        self.known.remove(&full);
        let mut out = object.clone();
        out.insert("name".to_owned(), Json::from(simple(&full)));
        if namespace == scope.written {
            out.shift_remove("namespace");
        } else {
            out.insert("namespace".to_owned(), Json::from(namespace.as_str()));
        }
        let aliases = texts(object, "aliases").map(|alias| full_name(alias, &namespace));
        let aliases = aliases.collect();
        Ok(Defined::New(Name { full, aliases }, namespace, out))
    }

    pub(super) fn enum_or_fixed(
        &mut self,
        word: &str,
        object: &Map<String, Json>,
        scope: Scope<'_>,
    ) -> Result<(Id, Json), SchemaError> {
        let (name, _, out) = match self.define(object, scope)? {
            Defined::New(name, namespace, out) => (name, namespace, out),
            Defined::Known(id, json) => return Ok((id, json)),
        };
        let full = name.full.clone();
        let kind = if word == "enum" {
            let symbols: Vec<Box<str>> = texts(object, "symbols").map(Box::from).collect();
            let default: Option<Box<str>> = object.get("default").and_then(Json::as_str).map(Box::from);
            if default.as_ref().is_some_and(|default| !symbols.contains(default)) {
                let shown = failure::name(&full);
                return error(format!("the default of the enum `{shown}` is none of its symbols"));
            }
            Kind::Enum(Enum { name, symbols, default })
        } else {
            let size = object.get("size").and_then(Json::as_u64);
            let size = size.and_then(|size| i32::try_from(size).ok());
            match size.and_then(|size| usize::try_from(size).ok()) {
                Some(size) => Kind::Fixed(name, size),
                None => return error(format!("`{}` needs a size", failure::name(&full))),
            }
        };
        let logical = logical::of(object, &kind);
        let id = self.push(kind)?;
        if let Some(node) = self.node(id) {
            node.logical = logical;
        }
        self.names.insert(full, id);
        Ok((id, Json::Object(out)))
    }

    pub(super) fn record(&mut self, object: &Map<String, Json>, scope: Scope<'_>) -> Result<(Id, Json), SchemaError> {
        let (name, namespace, mut out) = match self.define(object, scope)? {
            Defined::New(name, namespace, out) => (name, namespace, out),
            Defined::Known(id, json) => return Ok((id, json)),
        };
        // named before its fields are seen, as they may be of this type
        let id = self.push(Kind::Null)?;
        let full = name.full.clone();
        self.names.insert(full.clone(), id);
        let inside = Scope {
            namespace: &namespace,
            written: &namespace,
            foreign: scope.foreign,
        };
        let shown = failure::name(&full);
        let Some(Json::Array(list)) = object.get("fields") else {
            return error(format!("the record `{shown}` needs a list of fields"));
        };
        let mut fields = Vec::new();
        let mut rest = None;
        let mut jsons = Vec::new();
        let mut seen = AHashSet::new();
        for json in list {
            let (Json::Object(json), Some(name)) = (json, json.get("name").and_then(Json::as_str)) else {
                return error(format!("a field of the record `{shown}` is no object with a name"));
            };
            let place =
                |wrong: SchemaError| SchemaError(format!("field `{}` of `{shown}`: {wrong}", failure::name(name)));
            if !seen.insert(name) {
                return Err(place(SchemaError("it is there twice".to_owned())));
            }
            let of = json.get("type").unwrap_or(&Json::Null);
            let (node, of) = self.schema(of, inside).map_err(place)?;
            if json.get("flatten").and_then(Json::as_bool) == Some(true) {
                let is_map = matches!(self.node(node), Some(Node { kind: Kind::Map(_), .. }));
                if !is_map || rest.is_some() {
                    let why = "one field of a record may be flattened, and it is a map";
                    return Err(place(SchemaError(why.to_owned())));
                }
                rest = Some(fields.len());
            }
            let mut field = json.clone();
            field.insert("type".to_owned(), of);
            jsons.push(Json::Object(field));
            fields.push(Field {
                name: name.into(),
                aliases: texts(json, "aliases").map(Box::from).collect(),
                node,
                default: json.get("default").map(|json| Default {
                    json: json.clone(),
                    text: "null".into(),
                }),
                absent: None,
            });
        }
        out.insert("fields".to_owned(), Json::Array(jsons));
        if let Some(node) = self.node(id) {
            node.kind = Kind::Record(Record { name, fields, rest });
        }
        Ok((id, Json::Object(out)))
    }
}
