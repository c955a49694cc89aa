//! What a case expects beside what came, path by path.

use super::read_by::read_by;
use super::shown::{NOTHING, SHOWN, quoted, shown, shown_node, text};
use super::{ExpectedDeadLetter, ExpectedRecord, ExpectedValue};
use crate::broker::memory::Dumped;
use crate::codec::{DecodeError, Reader};
use crate::expression::Scope;
use crate::record::{self, Key, Origin, Record};
use crate::value::{Value, to_text};
use crate::yaml::{Kind, Node, Place, shortened};
use bumpalo::Bump;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the case says what it expects.
    pub place: Place,
    /// Which part of which record: `integration-dev[0] value.detail.customer.id`.
    pub at: String,
    pub expected: String,
    pub found: String,
}

/// Compares lists of which each element expects something: in order where that fits, else whatever fits first; what is left is
/// compared one by one. `show` says in short what was found.
pub fn compare_lists<E, F>(
    at: &str,
    place: &Place,
    expected: &[E],
    found: &[F],
    compare: impl Fn(&E, &F, &str) -> Vec<Problem>,
    show: impl Fn(&F) -> String,
    missing: impl Fn(&E, &str) -> Problem,
) -> Vec<Problem> {
    let mut free: Vec<usize> = (0..found.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    let mut taken: Vec<usize> = Vec::new();
    let fits = |e: usize, f: usize| match (expected.get(e), found.get(f)) {
        (Some(expected), Some(found)) => compare(expected, found, "").is_empty(),
        _ => false,
    };
    for index in 0..expected.len() {
        // The same position first: a record that fits several places belongs to its own.
        let same = free.iter().position(|f| *f == index).filter(|_| fits(index, index));
        match same.or_else(|| free.iter().position(|f| fits(index, *f))) {
            Some(position) => taken.push(free.remove(position)),
            None => open.push(index),
        }
    }
    let mut problems = Vec::new();
    for index in open {
        let Some(expected) = expected.get(index) else { continue };
        let at = format!("{at}[{index}]");
        if free.is_empty() {
            problems.push(missing(expected, &at));
        } else if let Some(found) = found.get(free.remove(0)) {
            problems.extend(compare(expected, found, &at));
        }
    }
    if problems.is_empty() && free.is_empty() && !taken.is_sorted() {
        let order: Vec<String> = taken.iter().map(ToString::to_string).collect();
        problems.push(Problem {
            place: place.clone(),
            at: at.to_owned(),
            expected: "these records in this order".to_owned(),
            found: format!(
                "the same records in another: what is expected in turn came as number {}",
                order.join(", ")
            ),
        });
    }
    for index in free {
        let found = found.get(index).map(&show).unwrap_or_default();
        let (place, at) = (place.clone(), format!("{at}[{index}]"));
        problems.push(Problem {
            place,
            at,
            expected: NOTHING.to_owned(),
            found,
        });
    }
    problems
}

/// Compares one record of an output topic.
pub fn compare_record(expected: &ExpectedRecord, found: &Dumped, reader: &Reader, at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut differ = |place: &Place, part: &str, expected: String, found: String| {
        problems.push(Problem {
            place: place.clone(),
            at: format!("{at} {part}"),
            expected,
            found,
        });
    };
    let arena = Bump::new();
    let decoded = found.key.as_deref().map(|key| decoded_key(key, reader, &arena));
    let key = decoded.as_ref().map(key_text);
    if let Some(expected_key) = &expected.key
        && *expected_key != key
    {
        let show = |key: &Option<String>| key.as_ref().map_or(NOTHING.to_owned(), |key| quoted(key));
        differ(&expected.place, "key", show(expected_key), show(&key));
    }
    for (name, value) in &expected.headers {
        let header = found
            .headers
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_deref().map(text));
        if header.as_ref() != Some(value) {
            let show = |value: Option<&Option<String>>| match value {
                None => NOTHING.to_owned(),
                Some(None) => "null".to_owned(),
                Some(Some(value)) => quoted(value),
            };
            differ(
                &expected.place,
                &format!("headers.{name}"),
                show(Some(value)),
                show(header.as_ref()),
            );
        }
    }
    match decoded_value(found, reader, &arena) {
        Ok(value) => {
            if let Some(ExpectedValue { tree, whole }) = &expected.value {
                compare_value(tree, Some(value), *whole, &format!("{at} value"), &mut problems);
            }
            problems.extend(conditions(expected, found, decoded, value, &arena, at));
        }
        Err(error) if expected.value.is_some() || !expected.that.is_empty() => {
            differ(
                &expected.place,
                "value",
                format!("what `codec: {}` reads", reader.value_name()),
                format!("{error}: {}", quoted(&text(found.value.as_deref().unwrap_or_default()))),
            );
        }
        Err(_) => {}
    }
    problems
}

fn conditions<'a>(
    expected: &ExpectedRecord,
    found: &'a Dumped,
    key: Option<Key<'a>>,
    value: Value<'a>,
    arena: &'a Bump,
    at: &str,
) -> Vec<Problem> {
    let headers = record::headers(&found.headers);
    let record: &'a Record<'a> = arena.alloc(Record {
        key,
        value,
        headers: arena.alloc_slice_copy(&headers),
        timestamp: found.timestamp,
        origin: Origin {
            topic: &found.topic,
            partition: found.partition,
            offset: found.offset,
        },
    });
    let scope = Scope::new(arena, record);
    let failed = |(source, place, condition): &(String, Place, crate::expression::Expression)| {
        let why = match condition.evaluate_bool(&scope) {
            Ok(true) => return None,
            Ok(false) => match read_by(condition, record) {
                nothing if nothing.is_empty() => "it does not hold".to_owned(),
                read => format!("it does not hold: {read}"),
            },
            Err(error) => error.reason,
        };
        Some(Problem {
            place: place.clone(),
            at: format!("{at} that"),
            expected: source.clone(),
            found: why,
        })
    };
    expected.that.iter().filter_map(failed).collect()
}

/// Compares a document; members that are not expected may be there unless the `whole` is.
pub fn compare_value(expected: &Node, found: Option<Value<'_>>, whole: bool, at: &str, problems: &mut Vec<Problem>) {
    let Some(found) = found else {
        return problems.push(differs(expected, at, shown_node(expected), NOTHING.to_owned()));
    };
    match (&expected.kind, found) {
        (Kind::Map(entries), Value::Object(members)) => {
            for (key, node) in entries {
                compare_value(
                    node,
                    found.get(&key.text),
                    whole,
                    &format!("{at}.{}", key.text),
                    problems,
                );
            }
            let unknown = members
                .iter()
                .filter(|(name, _)| whole && !entries.iter().any(|(key, _)| key.text == *name));
            for (name, value) in unknown {
                problems.push(differs(
                    expected,
                    &format!("{at}.{name}"),
                    NOTHING.to_owned(),
                    shown(*value),
                ));
            }
        }
        (Kind::List(nodes), Value::Array(elements)) => {
            for (index, node) in nodes.iter().enumerate() {
                let element = elements.get(index).copied();
                compare_value(node, element, whole, &format!("{at}[{index}]"), problems);
            }
            for (index, element) in elements.iter().enumerate().skip(nodes.len()) {
                problems.push(differs(
                    expected,
                    &format!("{at}[{index}]"),
                    NOTHING.to_owned(),
                    shown(*element),
                ));
            }
        }
        (Kind::Null, Value::Null) => {}
        (Kind::Bool(expected), Value::Bool(found)) if *expected == found => {}
        (Kind::Number(expected), Value::Number(found)) if expected == found => {}
        (Kind::String(expected), Value::String(found)) if expected == found => {}
        _ => problems.push(differs(expected, at, shown_node(expected), shown(found))),
    }
}

fn differs(node: &Node, at: &str, expected: String, found: String) -> Problem {
    Problem {
        place: node.place.clone(),
        at: at.to_owned(),
        expected,
        found,
    }
}

/// Compares a dead letter by what its headers say.
pub fn compare_dead_letter(expected: &ExpectedDeadLetter, found: &DeadLetter, at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut differ = |part: &str, wanted: String, found: String| {
        let at = format!("{at} {part}");
        problems.push(Problem {
            place: expected.place.clone(),
            at,
            expected: wanted,
            found,
        });
    };
    if let Some(reason) = &expected.reason
        && !found.message.contains(reason.as_str())
        && !found.detail.contains(reason.as_str())
    {
        differ("reason", format!("…{reason}…"), found.message.clone());
    }
    if let Some(processor) = &expected.processor
        && *processor != found.processor
    {
        differ("processor", processor.clone(), found.to_string());
    }
    if let Some(kind) = &expected.kind
        && *kind != found.kind
    {
        differ("kind", kind.clone(), found.to_string());
    }
    problems
}

/// What the headers of a dead letter say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetter {
    pub kind: String,
    pub message: String,
    pub detail: String,
    pub processor: String,
}

impl DeadLetter {
    pub fn of(record: &Dumped) -> DeadLetter {
        let header = |name: &str| {
            let found = record.headers.iter().rev().find(|(n, _)| n == name);
            found
                .and_then(|(_, value)| value.as_deref())
                .map(text)
                .unwrap_or_default()
        };
        DeadLetter {
            kind: header("__streams.errors.exception"),
            message: header("__streams.errors.message"),
            detail: header("__streams.errors.stacktrace"),
            processor: header("millstream.processor"),
        }
    }
}

impl std::fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}: {}", self.kind, self.processor, self.message)
    }
}

/// A record in short.
pub fn shown_record(record: &Dumped, reader: &Reader) -> String {
    let arena = Bump::new();
    let key = record.key.as_deref().map_or(String::new(), |key| {
        format!("{}: ", quoted(&key_text(&decoded_key(key, reader, &arena))))
    });
    let value = match decoded_value(record, reader, &arena) {
        Ok(value) => to_text(&value),
        Err(_) => record.value.as_deref().map_or("null".to_owned(), text),
    };
    shortened(&format!("{key}{value}"), SHOWN)
}

/// No value is null.
fn decoded_value<'a>(record: &'a Dumped, reader: &Reader, arena: &'a Bump) -> Result<Value<'a>, DecodeError> {
    let value = record.value.as_deref();
    value.map_or(Ok(Value::Null), |value| reader.value(value, arena))
}

/// A key that its codec can't read is shown as it is.
fn decoded_key<'a>(key: &'a [u8], reader: &Reader, arena: &'a Bump) -> Key<'a> {
    reader.key(key, arena).unwrap_or(Key::raw(key))
}

fn key_text(key: &Key<'_>) -> String {
    match key.value {
        Some(Value::String(text)) => text.to_owned(),
        Some(value) => to_text(&value),
        None => text(key.bytes),
    }
}
