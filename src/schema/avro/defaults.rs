//! Defaults of fields: JSON in Avro's own form, which knows no logical types, made into bytes and into what a reader sees.

use super::decode;
use super::error::SchemaError;
use super::failure::{Done, failed, name};
use super::node::{Field, Id, Kind, Nodes};
use super::resolve::Plan;
use super::{numbers, varint};
use crate::value::to_text;
use bumpalo::Bump;
use serde_json::Value as Json;
use std::cell::Cell;

/// Defaults may lie this deep in each other; that of a record may need those of its fields.
const DEEPEST: usize = 32;
/// The longest default, in bytes: those of fields add up.
const LONGEST: usize = 1 << 20;
/// As many values are tried for one default.
const MOST_VALUES: u32 = 1 << 20;

/// Finds what is written, and what is read, where a field is absent.
pub(super) fn settle(nodes: &mut Nodes) -> Result<(), SchemaError> {
    let plan = Plan::of_one(nodes);
    let mut settled = Vec::new();
    for node in &nodes.nodes {
        let Kind::Record(record) = &node.kind else { continue };
        for field in &record.fields {
            let of = |why: String| {
                let (field, record) = (name(&field.name), name(&record.name.full));
                SchemaError(format!("the default of field `{field}` of `{record}`: {why}"))
            };
            settled.push(one(nodes, &plan, field).map_err(of)?);
        }
    }
    let mut settled = settled.into_iter();
    for node in &mut nodes.nodes {
        let Kind::Record(record) = &mut node.kind else { continue };
        for field in &mut record.fields {
            let (absent, text) = settled.next().unwrap_or_default();
            field.absent = absent;
            if let (Some(default), Some(text)) = (&mut field.default, text) {
                default.text = text;
            }
        }
    }
    Ok(())
}

type Settled = (Option<Vec<u8>>, Option<Box<str>>);

fn one(nodes: &Nodes, plan: &Plan, field: &Field) -> Result<Settled, String> {
    let Some(default) = &field.default else {
        return Ok((null(nodes, field.node), None));
    };
    let mut bytes = Vec::new();
    let said = |failure| super::AvroError::from(failure).to_string();
    let left = Cell::new(MOST_VALUES);
    let settling = Settling { nodes, left };
    settling
        .put(field.node, &default.json, DEEPEST, &mut bytes)
        .map_err(said)?;
    let arena = Bump::new();
    let text = to_text(&decode::whole(plan, plan.of_node(field.node), &bytes, &arena).map_err(said)?);
    Ok((Some(bytes), Some(text.into())))
}

/// The bytes of null, where the type takes it.
fn null(nodes: &Nodes, id: Id) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match &nodes.get(id).kind {
        Kind::Null => {}
        Kind::Union(union) => {
            let is_null = |branch: &Id| matches!(nodes.get(*branch).kind, Kind::Null);
            let branch = union.branches.iter().position(is_null)?;
            varint::put(i64::try_from(branch).ok()?, &mut |byte| bytes.push(byte));
        }
        _ => return None,
    }
    Some(bytes)
}

struct Settling<'n> {
    nodes: &'n Nodes,
    /// As many values may still be tried.
    left: Cell<u32>,
}

impl Settling<'_> {
    fn put(&self, id: Id, json: &Json, depth: usize, out: &mut Vec<u8>) -> Done<()> {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        if depth == 0 || left == 0 || out.len() > LONGEST {
            return failed("it is too large, or needs itself");
        }
        let kind = &self.nodes.get(id).kind;
        let length = |length: usize, out: &mut Vec<u8>| {
            varint::put(i64::try_from(length).unwrap_or(i64::MAX), &mut |byte| out.push(byte));
        };
        match (kind, json) {
            (Kind::Null, Json::Null) => {}
            (Kind::Boolean, Json::Bool(flag)) => out.push(u8::from(*flag)),
            (Kind::Int, Json::Number(number)) => {
                let number = numbers::int(&number.to_string()).or_else(failed)?;
                varint::put(number.into(), &mut |byte| out.push(byte));
            }
            (Kind::Long, Json::Number(number)) => {
                let number = numbers::whole(&number.to_string()).or_else(failed)?;
                varint::put(number, &mut |byte| out.push(byte));
            }
            // as near as the type comes: a default is written by people
            (Kind::Float, Json::Number(number)) => match number.to_string().parse::<f32>() {
                Ok(number) if number.is_finite() => out.extend_from_slice(&number.to_le_bytes()),
                _ => return failed("it is beyond a float"),
            },
            (Kind::Double, Json::Number(number)) => match number.to_string().parse::<f64>() {
                Ok(number) if number.is_finite() => out.extend_from_slice(&number.to_le_bytes()),
                _ => return failed("it is beyond a double"),
            },
            (Kind::String, Json::String(text)) => {
                length(text.len(), out);
                out.extend_from_slice(text.as_bytes());
            }
            (Kind::Bytes, Json::String(text)) => {
                let bytes = bytes(text)?;
                length(bytes.len(), out);
                out.extend_from_slice(&bytes);
            }
            (Kind::Fixed(_, size), Json::String(text)) => {
                let bytes = bytes(text)?;
                if bytes.len() != *size {
                    return failed(format!("it has {} bytes, and {size} are needed", bytes.len()));
                }
                out.extend_from_slice(&bytes);
            }
            (Kind::Enum(of), Json::String(text)) => {
                let Some(symbol) = of.symbols.iter().position(|symbol| **symbol == **text) else {
                    return failed("it is none of the symbols");
                };
                length(symbol, out);
            }
            (Kind::Array(of), Json::Array(elements)) => {
                if !elements.is_empty() {
                    length(elements.len(), out);
                    for (index, element) in elements.iter().enumerate() {
                        self.put(*of, element, depth - 1, out)
                            .map_err(|failure| failure.at(index))?;
                    }
                }
                out.push(0);
            }
            (Kind::Map(of), Json::Object(members)) => {
                if !members.is_empty() {
                    length(members.len(), out);
                    for (name, member) in members {
                        length(name.len(), out);
                        out.extend_from_slice(name.as_bytes());
                        self.put(*of, member, depth - 1, out)
                            .map_err(|failure| failure.under(name))?;
                    }
                }
                out.push(0);
            }
            (Kind::Record(of), Json::Object(members)) => {
                for field in &of.fields {
                    let own = field.default.as_ref().map(|default| &default.json);
                    let Some(json) = members.get(&*field.name).or(own) else {
                        return failed(format!("it has no `{}`", name(&field.name)));
                    };
                    self.put(field.node, json, depth - 1, out)
                        .map_err(|failure| failure.under(&field.name))?;
                }
            }
            (Kind::Union(of), json) => {
                let start = out.len();
                for (index, branch) in of.branches.iter().enumerate() {
                    length(index, out);
                    if self.put(*branch, json, depth - 1, out).is_ok() {
                        return Ok(());
                    }
                    out.truncate(start);
                }
                return failed("it is of none of the union's types");
            }
            _ => return failed(format!("it is no {}", self.nodes.get(id).described())),
        }
        Ok(())
    }
}

/// One byte a character.
fn bytes(text: &str) -> Done<Vec<u8>> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.or_else(|_| failed("it has characters beyond U+00FF"))
}
