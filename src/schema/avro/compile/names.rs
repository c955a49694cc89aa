//! Names of types, and what else is read of a definition's JSON.

use super::super::error::{SchemaError, error};
use super::super::node::Kind;
use serde_json::{Map, Value as Json};

pub(super) fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

pub(super) fn full_name(name: &str, namespace: &str) -> String {
    match name.strip_prefix('.') {
        Some(name) => name.to_owned(),
        None if name.contains('.') || namespace.is_empty() => name.to_owned(),
        None => format!("{namespace}.{name}"),
    }
}

/// The full name of a definition, and its namespace.
pub(super) fn own_name(object: &Map<String, Json>, enclosing: &str) -> Result<(String, String), SchemaError> {
    let Some(name) = object.get("name").and_then(Json::as_str) else {
        return error("a record, enum or fixed needs a name");
    };
    let namespace = object.get("namespace").and_then(Json::as_str).unwrap_or(enclosing);
    let full = full_name(name, namespace);
    let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
    Ok((full, namespace))
}

pub(super) fn texts<'j>(object: &'j Map<String, Json>, key: &str) -> impl Iterator<Item = &'j str> {
    let list = object.get(key).and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_str)
}
