//! The documents of cases: written in place, read from files, changed here and there.

use crate::codec::{Choice, Writer};
use crate::record::Key;
use crate::value::{SecretNames, Value, parse, write};
use crate::yaml::{self, Fields, Kind, Mistakes, Node, shortened};
use bumpalo::Bump;
use std::path::Path;

/// The bytes of a `value:`: a tree as its codec writes it, or `{file, set, unset}`. `Some(None)`: no value at all.
pub fn value(node: &Node, folder: &Path, writer: &Writer, mistakes: &mut Mistakes) -> Option<Option<Vec<u8>>> {
    if matches!(node.kind, Kind::Null) {
        return Some(None);
    }
    let arena = Bump::new();
    if node.get("file").is_none()
        || node
            .entries()
            .iter()
            .any(|(key, _)| !FILE_KEYS.contains(&key.text.as_str()))
    {
        let tree = tree(node, &arena, mistakes)?;
        return complained(encoded_value(&tree, writer, &arena).map(Some), node, mistakes);
    }
    let mut fields = Fields::of("a file's value", &node.place, node, mistakes)?;
    let file = fields.required("file", |node, mistakes| read(node, folder, mistakes));
    fields.find("set");
    fields.find("unset");
    fields.finish();
    let (set, unset) = (node.get("set"), node.get("unset"));
    let file = file?;
    if set.is_none() && unset.is_none() && writer.is_plain() {
        return Some(Some(file));
    }
    let mut document = match parse(&file, &arena) {
        Ok(document) => document,
        Err(error) => {
            mistakes.add(
                &node.place,
                format!("the file is not JSON: {error}"),
                "only JSON can be changed, or written by a schema",
            );
            return None;
        }
    };
    for (path, change) in set.map(Node::entries).unwrap_or_default() {
        let change = tree(change, &arena, mistakes)?;
        match put(document, &parts(&path.text), Some(change), &arena) {
            Ok(changed) => document = changed,
            Err(why) => mistakes.add(&path.place, format!("`{}` can't be set: {why}", path.text), PATHS),
        }
    }
    for (path, node) in unset
        .and_then(|node| yaml::list_of(named)(node, mistakes))
        .unwrap_or_default()
    {
        match put(document, &parts(&path), None, &arena) {
            Ok(changed) => document = changed,
            Err(why) => mistakes.add(&node.place, format!("`{path}` can't be unset: {why}"), PATHS),
        }
    }
    if writer.is_plain() {
        return Some(Some(bytes(&document)));
    }
    complained(encoded_value(&document, writer, &arena).map(Some), node, mistakes)
}

/// The bytes of a `key:`: a text, or whatever its codec writes.
pub fn key(node: &Node, writer: &Writer, mistakes: &mut Mistakes) -> Option<Vec<u8>> {
    if !writer.has_key_codec() {
        return yaml::text(node, mistakes).map(String::into_bytes);
    }
    let arena = Bump::new();
    let value = tree(node, &arena, mistakes)?;
    complained(encoded_key(value, writer, &arena), node, mistakes)
}

/// # Errors
/// A value that its codec has no bytes for.
pub fn encoded_key(value: Value<'_>, writer: &Writer, arena: &Bump) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let key = Key {
        bytes: &[],
        value: Some(value),
    };
    let encoded = writer.key(&key, &SecretNames::default(), arena, &mut out);
    encoded.map(|()| out).map_err(|error| error.to_string())
}

/// # Errors
/// A value that its codec has no bytes for.
pub fn encoded_value(value: &Value<'_>, writer: &Writer, arena: &Bump) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let encoded = writer.value(value, Choice::default(), &SecretNames::default(), arena, &mut out);
    encoded.map(|()| out).map_err(|error| error.to_string())
}

fn complained<T, E: ToString>(encoded: Result<T, E>, node: &Node, mistakes: &mut Mistakes) -> Option<T> {
    match encoded {
        Ok(encoded) => Some(encoded),
        Err(error) => {
            mistakes.add(&node.place, error.to_string(), "write what the topic's `codec` can be");
            None
        }
    }
}

const FILE_KEYS: [&str; 3] = ["file", "set", "unset"];
const PATHS: &str = "write a path of names and of numbers in lists, as in detail.users.0.id";

fn named<'n>(node: &'n Node, mistakes: &mut Mistakes) -> Option<(String, &'n Node)> {
    yaml::text(node, mistakes).map(|text| (text, node))
}

/// A file's bytes. It lies in the topology's folder.
pub fn read(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Vec<u8>> {
    let name = yaml::text(node, mistakes)?;
    let path = yaml::within(folder, &name, &node.place, mistakes)?;
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let message = format!("the file `{}` can't be read: {error}", shortened(&name, 100));
            mistakes.add(&node.place, message, "name a file, relative to the topology's folder");
            None
        }
    }
}

/// The tree of an expected document: written in place, or `{file}`.
pub fn expected(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Node> {
    let file = match node.entries() {
        [(key, file)] if key.text == "file" => file,
        _ => return tree(node, &Bump::new(), mistakes).map(|_| node.clone()),
    };
    let bytes = read(file, folder, mistakes)?;
    let name = yaml::text(file, mistakes)?;
    // JSON is YAML
    mistakes.take(yaml::read_text(&String::from_utf8_lossy(&bytes), &name))
}

/// A constant tree as a document.
pub fn tree<'a>(node: &Node, arena: &'a Bump, mistakes: &mut Mistakes) -> Option<Value<'a>> {
    if node.expression().is_some() {
        let help =
            "write the value itself; conditions stand under `that:`, and a text that begins with `= ` under `text:`";
        mistakes.add(&node.place, "an expression can't stand here", help);
        return None;
    }
    Some(match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(text) => Value::Number(arena.alloc_str(text)),
        Kind::String(text) => Value::String(arena.alloc_str(text)),
        Kind::List(nodes) => {
            let elements: Option<Vec<_>> = nodes.iter().map(|node| tree(node, arena, mistakes)).collect();
            Value::Array(arena.alloc_slice_copy(&elements?))
        }
        Kind::Map(entries) => {
            let member = |(key, node): &(yaml::Key, Node), mistakes: &mut Mistakes| {
                Some((&*arena.alloc_str(&key.text), tree(node, arena, mistakes)?))
            };
            let members: Option<Vec<_>> = entries.iter().map(|entry| member(entry, mistakes)).collect();
            Value::Object(arena.alloc_slice_copy(&members?))
        }
    })
}

pub fn bytes(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &SecretNames::default(), &mut out);
    out
}

fn parts(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

/// The document with `change` at `path`, or without what is there.
fn put<'a>(
    document: Value<'a>,
    path: &[&str],
    change: Option<Value<'a>>,
    arena: &'a Bump,
) -> Result<Value<'a>, String> {
    let Some((first, rest)) = path.split_first() else {
        return change.ok_or_else(|| "the path is empty".to_owned());
    };
    let below = |old: Option<Value<'a>>| match (rest.is_empty(), change, old) {
        (true, None, None) | (false, None, None) => Err(format!("there is no `{first}`")),
        (true, change, _) => Ok(change),
        (false, _, old) => put(old.unwrap_or(Value::Object(&[])), rest, change, arena).map(Some),
    };
    match document {
        Value::Object(members) => {
            let new = below(document.get(first))?;
            let mut changed: Vec<_> = members.to_vec();
            match (changed.iter().position(|(name, _)| name == first), new) {
                (Some(at), None) => {
                    changed.remove(at);
                }
                (at, Some(new)) => {
                    let at = at.unwrap_or_else(|| {
                        changed.push((arena.alloc_str(first), new));
                        changed.len() - 1
                    });
                    if let Some(slot) = changed.get_mut(at) {
                        slot.1 = new;
                    }
                }
                (None, None) => {}
            }
            Ok(Value::Object(arena.alloc_slice_copy(&changed)))
        }
        Value::Array(elements) => {
            let at: usize = first
                .parse()
                .map_err(|_| format!("`{first}` is not a number, and this is a list"))?;
            if at > elements.len() {
                return Err(format!("the list has {} elements", elements.len()));
            }
            let new = below(elements.get(at).copied())?;
            let mut changed = elements.to_vec();
            changed.splice(at..(at + 1).min(elements.len()), new);
            Ok(Value::Array(arena.alloc_slice_copy(&changed)))
        }
        other => Err(format!("a {} has no `{first}`", other.type_name())),
    }
}
