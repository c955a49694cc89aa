//! The functions that we add to CEL: few, pure, the same for the plan and for the interpreter.
//!
//! Unless it says otherwise, a function is absent where an argument is absent or null: an optional member can be handed
//! through any of them without a word. Reasons name types, never values; the word that [`Function::Lookup`] misses is the
//! one exception, as nobody could mend a map without it.

use super::{convert, texts, times};
use crate::value::{Exact, SecretNames, Value, exact, to_text};
use bumpalo::Bump;
use uuid::Uuid;

/// The namespace of `uuid5`: the UUIDv5 of the name `millstream` in the namespace of DNS names. Never to be changed, as
/// ids that were given would come out differently.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x4ae1_1f3c_c2b5_5f2c_ab43_1c47_be5e_e196);

/// How much of a missing word is shown.
const SHOWN: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// `id(x)`: the text of an id. `0`, `"0"` and a blank text mean none.
    Id,
    /// `first(a, b, ...)`: the first that is present and not null; those after it are not evaluated.
    First,
    /// `list(x)`: a list as it is, nothing as an empty one, anything else as a list of it.
    List,
    /// `lookup(map, key)`: the member of that name, which must be there.
    Lookup,
    /// `timestamp_ms(x)`, `timestamp_s(x)`: epoch time as RFC 3339 in UTC with milliseconds.
    TimestampMs,
    TimestampS,
    /// `date(text, format)`: `DD-MM-YYYY`, `MM-DD-YYYY` or `YYYY-MM-DD` as `YYYY-MM-DD`. A blank text means none.
    Date,
    /// `lower(s)`: in lower case.
    Lower,
    /// `text(x)`: a scalar as text; a number's digits as they are written.
    Text,
    /// `uuid5(a, b, ...)`: a UUIDv5 over texts, and the canonical JSON of anything else, joined by line feeds.
    Uuid5,
    /// `without(x, names)`: a copy without members of these names at any depth, without regard to case.
    Without,
    /// `number(x)`: a number, or a text that is one in JSON.
    Number,
    /// `whole_number(x)`: a whole number from 0 on, or a text that is one; anything else is an error.
    WholeNumber,
    /// `filled(x)`: as it is, but a blank text, an empty list and an empty object are nothing as well.
    Filled,
    /// `required(x, what)`: as `filled`, but nothing is an error that says what is missing.
    Required,
    /// `object(x)`: an object as it is; anything else is an error.
    Object,
    /// `objects(x)`: a list of objects as it is, an object as a list of it; anything else is an error.
    Objects,
    /// `texts(x)`: a list of scalars as texts, a scalar as a list of its text; anything else is an error.
    Texts,
    /// `convert(x, table)`: an object, or a list of them, with the members that the table names made ids or times.
    Convert,
    /// `rfc3339(text)`: a time of any offset and precision in UTC with milliseconds.
    Rfc3339,
    /// `url_with_query(url, name, value)`: the URL with one more query parameter.
    UrlWithQuery,
}

/// Name, least and most arguments.
const TABLE: [(&str, Function, usize, usize); 21] = [
    ("id", Function::Id, 1, 1),
    ("first", Function::First, 1, usize::MAX),
    ("list", Function::List, 1, 1),
    ("lookup", Function::Lookup, 2, 2),
    ("timestamp_ms", Function::TimestampMs, 1, 1),
    ("timestamp_s", Function::TimestampS, 1, 1),
    ("date", Function::Date, 2, 2),
    ("lower", Function::Lower, 1, 1),
    ("text", Function::Text, 1, 1),
    ("uuid5", Function::Uuid5, 1, usize::MAX),
    ("without", Function::Without, 2, 2),
    ("number", Function::Number, 1, 1),
    ("whole_number", Function::WholeNumber, 1, 1),
    ("filled", Function::Filled, 1, 1),
    ("required", Function::Required, 2, 2),
    ("object", Function::Object, 1, 1),
    ("objects", Function::Objects, 1, 1),
    ("texts", Function::Texts, 1, 1),
    ("convert", Function::Convert, 2, 2),
    ("rfc3339", Function::Rfc3339, 1, 1),
    ("url_with_query", Function::UrlWithQuery, 3, 3),
];

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// What is wrong with calling it with so many arguments.
    pub(super) fn refuses(self, count: usize) -> Option<String> {
        let (name, _, least, most) = TABLE.iter().find(|row| row.1 == self)?;
        let takes = match (*least, *most) {
            (least, most) if (least..=most).contains(&count) => return None,
            (least, usize::MAX) => format!("at least {least}"),
            (least, _) => least.to_string(),
        };
        let plural = if takes.ends_with('1') { "" } else { "s" };
        Some(format!("`{name}` takes {takes} argument{plural}, and this has {count}"))
    }
}

type Answer<'a> = Result<Option<Value<'a>>, String>;

/// Calls a function. `None` among the arguments: absent.
pub(super) fn call<'a>(function: Function, arguments: &[Option<Value<'a>>], arena: &'a Bump) -> Answer<'a> {
    let first = arguments.first().copied().flatten();
    match function {
        Function::First => return Ok(arguments.iter().flatten().find(|value| **value != Value::Null).copied()),
        Function::List => return Ok(Some(list(first, arena))),
        Function::Uuid5 => return uuid5_text(arguments, arena),
        Function::Required => return texts::required(first, arguments.get(1).copied().flatten()).map(Some),
        _ => {}
    }
    let Some(value) = first.filter(|value| *value != Value::Null) else {
        return Ok(None);
    };
    let second = arguments
        .get(1)
        .copied()
        .flatten()
        .filter(|value| *value != Value::Null);
    match function {
        Function::Id => id(value),
        Function::Lookup => second.map_or(Ok(None), |key| lookup(value, key)),
        Function::TimestampMs => times::timestamp(value, 1, arena),
        Function::TimestampS => times::timestamp(value, 1000, arena),
        Function::Date => second.map_or(Ok(None), |format| times::date(value, format, arena)),
        Function::Lower => match value {
            Value::String(text) => Ok(Some(Value::String(lower(text, arena)))),
            other => Err(needs(function, "a string", other)),
        },
        Function::Text => text(value).map(|text| Some(Value::String(text))),
        Function::Without => second.map_or(Ok(None), |names| Ok(Some(value.without(&names_of(names)?, arena)))),
        Function::Number => number(value),
        Function::WholeNumber => whole_number(value),
        Function::Filled => Ok(texts::filled(Some(value))),
        Function::Object => match value {
            Value::Object(_) => Ok(Some(value)),
            other => Err(needs(function, "an object", other)),
        },
        Function::Objects => objects(value, arena).map(Some),
        Function::Texts => texts::list(value, arena).map(Some),
        Function::Convert => second.map_or(Ok(None), |table| convert::convert(value, table, arena)),
        Function::Rfc3339 => times::utc(value, arena),
        Function::UrlWithQuery => url_with_query(arguments, arena),
        Function::First | Function::List | Function::Uuid5 | Function::Required => Ok(None),
    }
}

pub(super) fn needs(function: Function, needed: &str, met: Value<'_>) -> String {
    format!("`{}` needs {needed}, and met {}", function.name(), met.type_name())
}

fn id(value: Value<'_>) -> Answer<'_> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(text) if !text.contains(['.', 'e', 'E']) => text,
        Value::Number(_) => return Err("`id` needs a whole number, and met a fraction or an exponent".to_owned()),
        other => return Err(needs(Function::Id, "a string or a whole number", other)),
    };
    let none = matches!(text, "0" | "-0") || texts::is_blank(text);
    Ok((!none).then_some(Value::String(text)))
}

fn list<'a>(value: Option<Value<'a>>, arena: &'a Bump) -> Value<'a> {
    match value {
        None | Some(Value::Null) => Value::Array(&[]),
        Some(Value::Array(elements)) => Value::Array(elements),
        Some(other) => Value::Array(arena.alloc_slice_copy(&[other])),
    }
}

fn objects<'a>(value: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, String> {
    let Value::Array(elements) = list(Some(value), arena) else {
        return Ok(value);
    };
    match elements.iter().find(|element| !matches!(element, Value::Object(_))) {
        Some(other) => Err(needs(Function::Objects, "an object or a list of objects", *other)),
        None => Ok(Value::Array(elements)),
    }
}

fn url_with_query<'a>(arguments: &[Option<Value<'a>>], arena: &'a Bump) -> Answer<'a> {
    let mut parts = [""; 3];
    for (part, argument) in parts.iter_mut().zip(arguments) {
        *part = match argument {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text,
            Some(other) => return Err(needs(Function::UrlWithQuery, "strings", *other)),
        };
    }
    let [url, name, value] = parts;
    Ok(Some(Value::String(texts::url_with_query(url, name, value, arena))))
}

fn lookup<'a>(map: Value<'a>, key: Value<'a>) -> Answer<'a> {
    let Value::Object(_) = map else {
        return Err(needs(Function::Lookup, "an object to look in", map));
    };
    let word = text(key).map_err(|_| needs(Function::Lookup, "a scalar to look up", key))?;
    match map.get(word) {
        Some(found) => Ok(Some(found)),
        None => {
            let more = if word.chars().nth(SHOWN).is_some() { "…" } else { "" };
            let shown: String = word.chars().take(SHOWN).flat_map(char::escape_debug).collect();
            Err(format!("`lookup` knows no `{shown}{more}`"))
        }
    }
}

fn lower<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    // nothing to copy where it is in lower case, as most are
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text;
    }
    arena.alloc_str(&text.to_lowercase())
}

pub(super) fn text(value: Value<'_>) -> Result<&str, String> {
    match value {
        Value::String(text) | Value::Number(text) => Ok(text),
        Value::Bool(true) => Ok("true"),
        Value::Bool(false) => Ok("false"),
        other => Err(needs(Function::Text, "a scalar", other)),
    }
}

fn number(value: Value<'_>) -> Answer<'_> {
    match value {
        Value::Number(_) => Ok(Some(value)),
        Value::String(text) => match crate::value::number(text) {
            Some(number) => Ok(Some(number)),
            None => Err("`number` needs a text that is a number, and met another text".to_owned()),
        },
        other => Err(needs(Function::Number, "a number or a text that is one", other)),
    }
}

fn whole_number(value: Value<'_>) -> Answer<'_> {
    let needed = "a whole number from 0 on or a text that is one";
    match number(value) {
        Ok(Some(Value::Number(text))) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(Value::Number(text)))
        }
        Ok(_) => Err(format!("`whole_number` needs {needed}, and met another number")),
        Err(_) => Err(needs(Function::WholeNumber, needed, value)),
    }
}

/// The UUIDv5 over texts, and the canonical JSON of anything else, joined by line feeds.
pub fn uuid5<'v>(parts: impl Iterator<Item = &'v Value<'v>>) -> Uuid {
    let mut name = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            name.push('\n');
        }
        match part {
            Value::String(text) => name.push_str(text),
            other => name.push_str(&to_text(other)),
        }
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

fn uuid5_text<'a>(arguments: &[Option<Value<'a>>], arena: &'a Bump) -> Answer<'a> {
    if arguments.iter().any(Option::is_none) {
        return Ok(None);
    }
    let mut buffer = Uuid::encode_buffer();
    let id = uuid5(arguments.iter().flatten());
    Ok(Some(Value::String(
        arena.alloc_str(id.hyphenated().encode_lower(&mut buffer)),
    )))
}

/// A list of names, or one.
pub(super) fn names_of(value: Value<'_>) -> Result<SecretNames, String> {
    let wrong = |met| needs(Function::Without, "a list of names", met);
    match value {
        Value::String(name) => Ok(SecretNames::new([name])),
        Value::Array(names) => {
            let names: Result<Vec<&str>, String> = names
                .iter()
                .map(|name| name.as_str().ok_or_else(|| wrong(*name)))
                .collect();
            Ok(SecretNames::new(names?))
        }
        other => Err(wrong(other)),
    }
}

/// The number that a number, or a text that is one, stands for, to compute with.
pub(super) fn exact_number(function: Function, value: Value<'_>) -> Result<Exact, String> {
    let read = match number(value) {
        Ok(Some(Value::Number(text))) => exact(text),
        _ => return Err(needs(function, "a number or a text that is one", value)),
    };
    read.ok_or_else(|| format!("`{}` met a number beyond what can be computed with", function.name()))
}
