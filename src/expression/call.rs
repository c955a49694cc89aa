//! Calls the functions that we add to CEL: those of a few lines are here, the others in files by what they are about.

use super::functions::{Answer, Function, needs};
use super::{convert, scalars, texts, times, uuid5};
use crate::value::{SecretNames, Value};
use bumpalo::Bump;

/// How much of a missing word is shown.
const SHOWN: usize = 64;

/// Calls a function. `None` among the arguments: absent.
pub(super) fn call<'a>(function: Function, arguments: &[Option<Value<'a>>], arena: &'a Bump) -> Answer<'a> {
    let first = arguments.first().copied().flatten();
    match function {
        Function::First => return Ok(arguments.iter().flatten().find(|value| **value != Value::Null).copied()),
        Function::List => return Ok(Some(list(first, arena))),
        Function::Uuid5 => return uuid5::uuid5_text(arguments, arena),
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
        Function::Text => scalars::text(value).map(|text| Some(Value::String(text))),
        Function::Without => second.map_or(Ok(None), |names| Ok(Some(value.without(&names_of(names)?, arena)))),
        Function::Number => scalars::number(value),
        Function::WholeNumber => scalars::whole_number(value),
        Function::Filled => Ok(texts::filled(Some(value))),
        Function::Object => match value {
            Value::Object(_) => Ok(Some(value)),
            other => Err(needs(function, "an object", other)),
        },
        Function::Objects => objects(value, arena).map(Some),
        Function::Texts => texts::list(value, arena).map(Some),
        Function::Convert => second.map_or(Ok(None), |table| convert::convert(value, table, call, arena)),
        Function::Rfc3339 => times::utc(value, arena),
        Function::UrlWithQuery => url_with_query(arguments, arena),
        Function::First | Function::List | Function::Uuid5 | Function::Required => Ok(None),
    }
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
    let word = scalars::text(key).map_err(|_| needs(Function::Lookup, "a scalar to look up", key))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_objects_and_nothing_else_is() {
        let arena = Bump::new();
        let answer = |function, text: &str| {
            let value = crate::value::parse(text.as_bytes(), &arena).unwrap();
            let shown = |value| crate::value::to_text(&value);
            call(function, &[Some(value)], &arena).map(|value| value.map(shown).unwrap_or_default())
        };
        for (text, wanted) in [
            ("null", ""),
            ("[]", "[]"),
            (r#"{"a":1}"#, r#"[{"a":1}]"#),
            ("[{}]", "[{}]"),
        ] {
            assert_eq!(answer(Function::Objects, text), Ok(wanted.to_owned()));
        }
        assert_eq!(answer(Function::Object, "{}"), Ok("{}".to_owned()));
        for (text, met) in [
            (r#""hush""#, "string"),
            (r#"[{},"hush"]"#, "string"),
            ("[[]]", "list"),
            ("7", "number"),
        ] {
            let error = answer(Function::Objects, text).unwrap_err();
            assert_eq!(
                error,
                format!("`objects` needs an object or a list of objects, and met {met}")
            );
            assert!(answer(Function::Object, text).is_err());
        }
    }
}
