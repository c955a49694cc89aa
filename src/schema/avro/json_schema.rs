//! The same as a JSON Schema (2020-12), for who knows no Avro.
//!
//! It takes what the schema takes but for what JSON Schema has no words for: how many digits a float, double or decimal keeps, the
//! range of timestamps, texts of a time that have more digits than it keeps, and how deep values may lie in each other.

use super::logical::DURATION;
use super::node::{Id, Kind, Logical, Nodes, Record, Unit};
use serde_json::{Map, Value as Json, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The first and last day and second of the years 1 to 9999, counted from 1970-01-01.
const DAYS: [i64; 2] = [-719_162, 2_932_896];
const SECONDS: [i64; 2] = [-62_135_596_800, 253_402_300_800];
/// What is taken of dates and times of day, but for the digits after the point.
const DATE: &str = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
const TIME: &str = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
const UUID: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
const OFFSET: &str = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

pub(super) fn of(nodes: &Nodes) -> Json {
    let mut writing = Writing {
        nodes,
        defs: Map::new(),
    };
    let root = writing.schema(nodes.root);
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!(DRAFT));
    match root {
        Json::Object(root) => schema.extend(root),
        // a type that takes all there is
        other => {
            schema.insert("allOf".to_owned(), json!([other]));
        }
    }
    if !writing.defs.is_empty() {
        schema.insert("$defs".to_owned(), Json::Object(writing.defs));
    }
    Json::Object(schema)
}

struct Writing<'n> {
    nodes: &'n Nodes,
    /// Named types, by their full names.
    defs: Map<String, Json>,
}

impl Writing<'_> {
    fn schema(&mut self, id: Id) -> Json {
        let node = self.nodes.get(id);
        let Some(name) = node.name() else { return self.body(id) };
        if !self.defs.contains_key(&name.full) {
            // there before it is worked out, as it may lead back to itself
            self.defs.insert(name.full.clone(), Json::Null);
            let body = self.body(id);
            self.defs.insert(name.full.clone(), body);
        }
        // names of types have no character that a pointer or a URI would have to escape
        json!({ "$ref": format!("#/$defs/{}", name.full) })
    }

    fn body(&mut self, id: Id) -> Json {
        let node = self.nodes.get(id);
        match (&node.kind, node.logical) {
            (Kind::Int | Kind::Long, Some(logical)) => time(logical),
            (Kind::Bytes | Kind::Fixed(..), Some(Logical::Decimal { .. })) => json!({ "type": "number" }),
            (Kind::String, Some(Logical::Json)) => Json::Bool(true),
            (Kind::String | Kind::Fixed(..), Some(Logical::Uuid)) => json!({ "type": "string", "pattern": UUID }),
            (Kind::Fixed(..), Some(Logical::Duration)) => {
                let part = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
                let parts: Map<String, Json> = DURATION
                    .map(|name| (name.to_owned(), part.clone()))
                    .into_iter()
                    .collect();
                json!({ "type": "object", "properties": parts, "required": DURATION, "additionalProperties": false })
            }
            (Kind::Null, _) => json!({ "type": "null" }),
            (Kind::Boolean, _) => json!({ "type": "boolean" }),
            (Kind::Int, None) => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
            (Kind::Long, None) => json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
            (Kind::Float, _) => {
                json!({ "type": "number", "minimum": -f64::from(f32::MAX), "maximum": f32::MAX as f64 })
            }
            (Kind::Double, _) => json!({ "type": "number" }),
            (Kind::String, _) => json!({ "type": "string" }),
            (Kind::Bytes, _) => json!({ "type": "string", "pattern": "^[\\u0000-\\u00ff]*$" }),
            (Kind::Fixed(_, size), _) => {
                json!({ "type": "string", "pattern": "^[\\u0000-\\u00ff]*$", "minLength": size, "maxLength": size })
            }
            (Kind::Enum(of), _) => json!({ "enum": of.symbols }),
            (Kind::Array(of), _) => json!({ "type": "array", "items": self.schema(*of) }),
            (Kind::Map(of), _) => json!({ "type": "object", "additionalProperties": self.schema(*of) }),
            (Kind::Record(of), _) => self.record(of),
            (Kind::Union(of), _) => {
                let branches: Vec<Json> = of.branches.iter().map(|branch| self.schema(*branch)).collect();
                match branches.is_empty() {
                    true => json!({ "not": {} }),
                    false => json!({ "anyOf": branches }),
                }
            }
        }
    }

    fn record(&mut self, record: &Record) -> Json {
        let mut properties = Map::new();
        let mut further = Json::Bool(false);
        for (index, field) in record.fields.iter().enumerate() {
            if Some(index) == record.rest {
                if let Kind::Map(of) = self.nodes.get(field.node).kind {
                    further = self.schema(of);
                }
                continue;
            }
            properties.insert(field.name.to_string(), self.schema(field.node));
        }
        let fields = record.fields.iter().enumerate();
        let needed = fields.filter(|(index, field)| field.absent.is_none() && Some(*index) != record.rest);
        let required: Vec<&str> = needed.map(|(_, field)| &*field.name).collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": further,
        })
    }
}

/// A text, or a number in its unit.
fn time(logical: Logical) -> Json {
    let whole = |unit: Unit, [first, end]: [i64; 2]| {
        let first = first.saturating_mul(unit.per_second());
        [first, end.saturating_mul(unit.per_second()).saturating_sub(1)]
    };
    let digits = |unit: Unit| match unit {
        Unit::Millis => 3,
        Unit::Micros => 6,
        Unit::Nanos => 9,
    };
    let fraction = |unit: Unit| format!(r"(\.[0-9]{{1,{}}}0*)?", digits(unit));
    let ([minimum, maximum], text) = match logical {
        Logical::Time(unit) => (
            whole(unit, [0, 86_400]),
            json!({ "type": "string", "pattern": format!("^{TIME}{}$", fraction(unit)) }),
        ),
        Logical::Timestamp(unit) => {
            let pattern = format!("^(?!0000){DATE}[Tt ]{TIME}{}{OFFSET}$", fraction(unit));
            (whole(unit, SECONDS), json!({ "type": "string", "pattern": pattern }))
        }
        Logical::LocalTimestamp(unit) => {
            let pattern = format!("^(?!0000){DATE}[Tt ]{TIME}{}$", fraction(unit));
            (whole(unit, SECONDS), json!({ "type": "string", "pattern": pattern }))
        }
        _ => (
            DAYS,
            json!({ "type": "string", "format": "date", "pattern": format!("^(?!0000){DATE}$") }),
        ),
    };
    json!({ "anyOf": [text, { "type": "integer", "minimum": minimum, "maximum": maximum }] })
}
