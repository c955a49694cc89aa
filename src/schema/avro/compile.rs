//! From the JSON of a schema to its nodes, and to one JSON that needs no other.
//!
//! A named type that the text does not define is taken from the known ones, or looked for, and defined in place where it is first
//! used. Whether the outcome keeps all of Avro's rules is then for `apache-avro` to say.

mod definitions;
mod library;
mod names;

use super::defaults;
use super::error::{SchemaError, error};
use super::node::{Id, Kind, Node, Nodes, Union};
use super::{Compiled, logical};
use ahash::AHashMap;
use library::without_defaults;
use names::{full_name, own_name, primitive};
use serde_json::{Map, Value as Json};

/// Types may lie this deep in each other.
const DEEPEST: usize = 100;

/// Where types come from that are not known yet, by full name.
pub(super) type Find<'f> = &'f mut dyn FnMut(&str) -> Result<Option<Json>, SchemaError>;

pub(super) struct Compiler<'f> {
    nodes: Vec<Node>,
    /// Types that are defined, or are about to be, by full name.
    names: AHashMap<String, Id>,
    /// Definitions to be used when they are named, and the namespaces they stand in.
    known: AHashMap<String, (Json, String)>,
    find: Find<'f>,
    depth: usize,
}

/// Where a part of a schema stands.
#[derive(Clone, Copy)]
struct Scope<'s> {
    namespace: &'s str,
    /// The namespace in the JSON that comes out.
    written: &'s str,
    /// Whether it is another text's, which may define what is defined already.
    foreign: bool,
}

pub(super) fn json(text: &str) -> Result<Json, SchemaError> {
    serde_json::from_str(text).map_err(|wrong| SchemaError(format!("the schema is not JSON: {wrong}")))
}

impl<'f> Compiler<'f> {
    pub fn new(find: Find<'f>) -> Self {
        Self {
            nodes: Vec::new(),
            names: AHashMap::new(),
            known: AHashMap::new(),
            find,
            depth: 0,
        }
    }

    /// Takes the definitions of a text, to be used when they are named.
    pub fn learn(&mut self, json: &Json) -> Result<(), SchemaError> {
        self.collect(json, "")
    }

    pub fn compile(mut self, json: &Json) -> Result<Compiled, SchemaError> {
        let scope = Scope {
            namespace: "",
            written: "",
            foreign: false,
        };
        let (root, json) = self.schema(json, scope)?;
        // our reading of defaults is told apart from the library's, which does not know those of all logical types
        apache_avro::Schema::parse(&without_defaults(&json))
            .map_err(|wrong| SchemaError(format!("not an Avro schema: {wrong}")))?;
        let mut nodes = Nodes {
            nodes: self.nodes,
            root,
        };
        sort_branches(&mut nodes);
        defaults::settle(&mut nodes)?;
        let name = nodes.get(root).name().map(|name| name.full.clone());
        let doc = json.get("doc").and_then(Json::as_str).map(str::to_owned);
        Ok(Compiled {
            doc,
            text: json.to_string(),
            name,
            nodes,
        })
    }

    fn schema(&mut self, json: &Json, scope: Scope<'_>) -> Result<(Id, Json), SchemaError> {
        if self.depth >= DEEPEST {
            return error(format!("types lie deeper in each other than {DEEPEST}"));
        }
        self.depth += 1;
        let compiled = match json {
            Json::String(name) => self.named(name, scope),
            Json::Array(branches) => self.union(branches, scope),
            Json::Object(object) => self.object(object, scope),
            _ => error("a type is a name, a list or an object"),
        };
        self.depth -= 1;
        compiled
    }

    fn push(&mut self, kind: Kind) -> Result<Id, SchemaError> {
        let Ok(index) = u32::try_from(self.nodes.len()) else {
            return error("too many types");
        };
        self.nodes.push(Node { kind, logical: None });
        Ok(Id(index))
    }

    fn node(&mut self, id: Id) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)
    }

    fn named(&mut self, name: &str, scope: Scope<'_>) -> Result<(Id, Json), SchemaError> {
        if let Some(kind) = primitive(name) {
            return Ok((self.push(kind)?, Json::from(name)));
        }
        let full = full_name(name, scope.namespace);
        if let Some(id) = self.names.get(&full) {
            if !full.contains('.') && !scope.written.is_empty() {
                let shown = super::failure::name(&full);
                return error(format!(
                    "the type `{shown}` has no namespace, so nothing inside of one can name it: give it one"
                ));
            }
            return Ok((*id, Json::from(full)));
        }
        if !self.known.contains_key(&full)
            && let Some(found) = (self.find)(&full)?
        {
            self.collect(&found, "")?;
        }
        match self.known.remove(&full) {
            Some((json, namespace)) => {
                let scope = Scope {
                    namespace: &namespace,
                    written: scope.written,
                    foreign: true,
                };
                self.schema(&json, scope)
            }
            None => error(format!("the type `{}` is not defined", super::failure::name(&full))),
        }
    }

    fn union(&mut self, branches: &[Json], scope: Scope<'_>) -> Result<(Id, Json), SchemaError> {
        let mut ids = Vec::new();
        let mut jsons = Vec::new();
        for branch in branches {
            let (id, json) = self.schema(branch, scope)?;
            ids.push(id);
            jsons.push(json);
        }
        let takes = std::array::from_fn(|_| Vec::new());
        let id = self.push(Kind::Union(Union { branches: ids, takes }))?;
        Ok((id, Json::Array(jsons)))
    }

    fn object(&mut self, object: &Map<String, Json>, scope: Scope<'_>) -> Result<(Id, Json), SchemaError> {
        let mut out = object.clone();
        let id = match object.get("type") {
            Some(Json::String(word)) => match word.as_str() {
                "record" | "error" => return self.record(object, scope),
                "enum" | "fixed" => return self.enum_or_fixed(word, object, scope),
                "array" | "map" => {
                    let of = if word == "array" { "items" } else { "values" };
                    let Some(part) = object.get(of) else {
                        return error(format!("`{word}` needs `{of}`"));
                    };
                    let (part, json) = self.schema(part, scope)?;
                    out.insert(of.to_owned(), json);
                    return Ok((
                        self.push(if word == "array" {
                            Kind::Array(part)
                        } else {
                            Kind::Map(part)
                        })?,
                        Json::Object(out),
                    ));
                }
                name => {
                    let (id, json) = self.named(name, scope)?;
                    if primitive(name).is_none() {
                        // attributes beside a name say nothing
                        return Ok((id, json));
                    }
                    id
                }
            },
            Some(inner) => {
                let (id, json) = self.schema(inner, scope)?;
                out.insert("type".to_owned(), json);
                if !inner.is_object() {
                    return Ok((id, Json::Object(out)));
                }
                id
            }
            None => return error("a type has no `type`"),
        };
        if let Some(node) = self.node(id)
            && node.logical.is_none()
        {
            node.logical = logical::of(object, &node.kind);
        }
        Ok((id, Json::Object(out)))
    }

    /// Finds the definitions in a text, those within others too.
    fn collect(&mut self, json: &Json, namespace: &str) -> Result<(), SchemaError> {
        match json {
            Json::Array(branches) => branches.iter().try_for_each(|branch| self.collect(branch, namespace)),
            Json::Object(object) => match object.get("type").and_then(Json::as_str) {
                Some("record" | "error" | "enum" | "fixed") => {
                    let (full, own) = own_name(object, namespace)?;
                    if !self.known.contains_key(&full) {
                        self.known.insert(full, (json.clone(), namespace.to_owned()));
                    }
                    let fields = object.get("fields").and_then(Json::as_array);
                    let types = fields.into_iter().flatten().filter_map(|field| field.get("type"));
                    types.into_iter().try_for_each(|of| self.collect(of, &own))
                }
                _ => ["type", "items", "values"]
                    .into_iter()
                    .filter_map(|part| object.get(part))
                    .try_for_each(|part| self.collect(part, namespace)),
            },
            _ => Ok(()),
        }
    }
}

/// Finds for each union the branches that each type of value may take.
fn sort_branches(nodes: &mut Nodes) {
    let takes = |union: &Union| {
        let takes = |shape: usize| {
            let fits = |(index, branch): (u32, &Id)| nodes.get(*branch).takes(shape).then_some(index);
            (0..).zip(&union.branches).filter_map(fits).collect()
        };
        std::array::from_fn(takes)
    };
    let mut sorted: Vec<Option<[Vec<u32>; 6]>> = Vec::new();
    for node in &nodes.nodes {
        sorted.push(match &node.kind {
            Kind::Union(union) => Some(takes(union)),
            _ => None,
        });
    }
    for (node, takes) in nodes.nodes.iter_mut().zip(sorted) {
        if let (Kind::Union(union), Some(takes)) = (&mut node.kind, takes) {
            union.takes = takes;
        }
    }
}
