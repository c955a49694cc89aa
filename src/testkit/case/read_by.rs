//! What a condition that does not hold met: the value of each path that it reads, so that nobody has to look for it in the
//! whole record.

use super::shown::{NOTHING, shown};
use crate::expression::Expression;
use crate::record::Record;
use crate::value::Value;

/// `event.amount is 500, key is "c-1"`; nothing where the condition reads nothing.
pub(super) fn read_by(condition: &Expression, record: &Record<'_>) -> String {
    let mut told: Vec<String> = Vec::new();
    for path in condition.paths() {
        // of a list's elements, the list
        let path = path.split("[]").next().unwrap_or(path);
        let part = format!("{path} is {}", at(path, record));
        if !told.contains(&part) {
            told.push(part);
        }
    }
    told.join(", ")
}

fn at(path: &str, record: &Record<'_>) -> String {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let text = |bytes: &[u8]| shown(Value::String(&String::from_utf8_lossy(bytes)));
    let found = match (root, rest) {
        ("event", _) => within(record.value, rest).map(shown),
        ("key", _) => record.key.map(|key| key.value.map_or_else(|| text(key.bytes), shown)),
        // a header's name may have dots in it
        ("headers", name) => {
            let header = record.headers.iter().rev().find(|header| header.name == name);
            header.and_then(|header| header.value).map(text)
        }
        ("record", "timestamp") => Some(record.timestamp.to_string()),
        ("record", "topic") => Some(record.origin.topic.to_owned()),
        _ => Some("not shown".to_owned()),
    };
    found.unwrap_or_else(|| NOTHING.to_owned())
}

fn within<'a>(value: Value<'a>, path: &str) -> Option<Value<'a>> {
    let mut names = path.split('.').filter(|name| !name.is_empty());
    names.try_fold(value, |value, name| value.get(name))
}
