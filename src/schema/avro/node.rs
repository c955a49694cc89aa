//! A schema as a flat arena of nodes: what both encoding and decoding walk.

use serde_json::Value as Json;

/// Where a node stands in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(pub u32);

/// All types of a schema; recursive types are ids that lead back.
#[derive(Debug)]
pub(super) struct Nodes {
    pub nodes: Vec<Node>,
    pub root: Id,
}

#[derive(Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub logical: Option<Logical>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(Name, usize),
    Enum(Enum),
    Array(Id),
    Map(Id),
    Record(Record),
    Union(Union),
}

/// What a logical type makes of the type beneath. Only those that fit that type are here, others count as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    Date,
    Time(Unit),
    Timestamp(Unit),
    LocalTimestamp(Unit),
    Decimal {
        precision: usize,
        scale: usize,
    },
    Uuid,
    Duration,
    /// A text of JSON stands for what it says.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

#[derive(Debug)]
pub(super) struct Name {
    /// With its namespace.
    pub full: String,
    /// With their namespaces.
    pub aliases: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub name: Name,
    pub symbols: Vec<Box<str>>,
    pub default: Option<Box<str>>,
}

#[derive(Debug)]
pub(super) struct Record {
    pub name: Name,
    pub fields: Vec<Field>,
    /// The field whose map has the members that no other field has.
    pub rest: Option<usize>,
}

impl Record {
    /// Whether a member of that name is a field's own.
    pub fn has(&self, name: &str) -> bool {
        let mut fields = self.fields.iter().enumerate();
        fields.any(|(index, field)| Some(index) != self.rest && *field.name == *name)
    }
}

#[derive(Debug)]
pub(super) struct Field {
    pub name: Box<str>,
    pub aliases: Vec<Box<str>>,
    pub node: Id,
    pub default: Option<Default>,
    /// What is written where a value has no such member: the default, else null where the type takes it.
    pub absent: Option<Vec<u8>>,
}

/// A field's default.
#[derive(Debug)]
pub(super) struct Default {
    /// As the schema has it.
    pub json: Json,
    /// As a reader sees it: canonical JSON of our value.
    pub text: Box<str>,
}

#[derive(Debug)]
pub(super) struct Union {
    pub branches: Vec<Id>,
    /// For each of [`shape`] the branches that may take it.
    pub takes: [Vec<u32>; 6],
}

impl Nodes {
    pub fn get(&self, id: Id) -> &Node {
        static NULL: Node = Node {
            kind: Kind::Null,
            logical: None,
        };
        self.nodes.get(id.0 as usize).unwrap_or(&NULL)
    }
}

impl Name {
    /// Without its namespace.
    pub fn simple(&self) -> &str {
        simple(&self.full)
    }
}

pub(super) fn simple(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, simple)| simple)
}

impl Node {
    pub fn name(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Fixed(name, _) => Some(name),
            Kind::Enum(of) => Some(&of.name),
            Kind::Record(of) => Some(&of.name),
            _ => None,
        }
    }

    /// The type in the words of Avro, with its name where it has one.
    pub fn described(&self) -> String {
        let word = match &self.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Fixed(..) => "fixed",
            Kind::Enum(_) => "enum",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Record(_) => "record",
            Kind::Union(_) => "union",
        };
        match self.name() {
            Some(name) => format!("{word} `{}`", super::failure::name(&name.full)),
            None => word.to_owned(),
        }
    }

    /// Whether values of a type can be of this one, by their JSON type alone.
    pub fn takes(&self, shape: usize) -> bool {
        match (&self.kind, self.logical) {
            (Kind::Null, _) => shape == NULL,
            (Kind::Boolean, _) => shape == BOOLEAN,
            (Kind::Int | Kind::Long, None) | (Kind::Float | Kind::Double, _) => shape == NUMBER,
            // a time is a text, or a number in its unit
            (Kind::String, Some(Logical::Json)) => true,
            (Kind::Int | Kind::Long, Some(_)) => shape == STRING || shape == NUMBER,
            (Kind::Bytes | Kind::Fixed(..), Some(Logical::Decimal { .. })) => shape == NUMBER,
            (Kind::Fixed(..), Some(Logical::Duration)) => shape == OBJECT,
            (Kind::Bytes | Kind::String | Kind::Fixed(..) | Kind::Enum(_), _) => shape == STRING,
            (Kind::Array(_), _) => shape == LIST,
            (Kind::Map(_) | Kind::Record(_), _) => shape == OBJECT,
            (Kind::Union(of), _) => of.takes.get(shape).is_some_and(|branches| !branches.is_empty()),
        }
    }
}

const NULL: usize = 0;
const BOOLEAN: usize = 1;
const NUMBER: usize = 2;
const STRING: usize = 3;
const LIST: usize = 4;
const OBJECT: usize = 5;

/// A number for each type of value.
pub(super) fn shape(value: &crate::value::Value<'_>) -> usize {
    use crate::value::Value;
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOLEAN,
        Value::Number(_) => NUMBER,
        Value::String(_) => STRING,
        Value::Array(_) => LIST,
        Value::Object(_) => OBJECT,
    }
}
