//! `convert(x, table)`: the members of an object, or of each object of a list, that are ids or times, made so by name.
//!
//! For lists that pass through as they are but for a few members: an address keeps whatever it has, and its ids and dates
//! come out as everywhere else. Only direct members are converted, as what lies deeper may mean anything.

use super::functions::{Answer, Function};
use crate::value::{Member, Value};
use bumpalo::Bump;

/// Functions that a table may name.
const CONVERSIONS: [Function; 4] = [
    Function::Id,
    Function::TimestampMs,
    Function::TimestampS,
    Function::Text,
];

/// Calls a function.
type Call<'a> = fn(Function, &[Option<Value<'a>>], &'a Bump) -> Answer<'a>;

/// `call` makes the members.
pub(super) fn convert<'a>(value: Value<'a>, table: Value<'a>, call: Call<'a>, arena: &'a Bump) -> Answer<'a> {
    match value {
        Value::Object(members) => object(members, table, call, arena).map(Some),
        Value::Array(elements) => {
            let mut converted = bumpalo::collections::Vec::with_capacity_in(elements.len(), arena);
            for element in elements {
                let Value::Object(members) = element else {
                    return Err(wrong(*element));
                };
                converted.push(object(members, table, call, arena)?);
            }
            Ok(Some(Value::Array(converted.into_bump_slice())))
        }
        other => Err(wrong(other)),
    }
}

fn wrong(met: Value<'_>) -> String {
    format!(
        "`convert` needs an object or a list of objects, and met {}",
        met.type_name()
    )
}

fn object<'a>(members: &[Member<'a>], table: Value<'a>, call: Call<'a>, arena: &'a Bump) -> Result<Value<'a>, String> {
    let mut converted = bumpalo::collections::Vec::with_capacity_in(members.len(), arena);
    for (name, value) in members {
        match table.get(name) {
            None => converted.push((*name, *value)),
            Some(function) => {
                let made = call(named(function)?, &[Some(*value)], arena);
                let made = made.map_err(|reason| format!("{reason}, as `{}`", name.escape_debug()))?;
                converted.extend(made.map(|made| (*name, made)));
            }
        }
    }
    Ok(Value::Object(converted.into_bump_slice()))
}

/// The function that a table's entry names.
pub(super) fn named(entry: Value<'_>) -> Result<Function, String> {
    let function = entry.as_str().and_then(Function::named);
    function
        .filter(|function| CONVERSIONS.contains(function))
        .ok_or_else(|| "`convert` knows the conversions id, text, timestamp_ms and timestamp_s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::call::call;
    use super::*;
    use crate::value::{parse, to_text};

    fn converted(text: &str) -> Result<String, String> {
        let arena = Bump::new();
        let table = parse(br#"{"id":"id","createdDate":"timestamp_ms"}"#, &arena).unwrap();
        let value = parse(text.as_bytes(), &arena).unwrap();
        Ok(convert(value, table, call, &arena)?.map_or_else(|| "absent".to_owned(), |value| to_text(&value)))
    }

    #[test]
    fn direct_members_are_converted_by_name_and_others_stay() {
        let text = r#"[{"id":7,"createdDate":1716357357000,"a":{"id":7}},{"id":0}]"#;
        let wanted = r#"[{"a":{"id":7},"createdDate":"2024-05-22T05:55:57.000Z","id":"7"},{}]"#;
        assert_eq!(converted(text), Ok(wanted.to_owned()));
        assert_eq!(converted(r#"{"id":"x"}"#), Ok(r#"{"id":"x"}"#.to_owned()));
    }

    #[test]
    fn what_is_no_object_is_an_error_that_tells_types_only() {
        assert_eq!(
            converted(r#"["hush"]"#),
            Err("`convert` needs an object or a list of objects, and met string".to_owned())
        );
        let error = converted(r#"{"id":["hush"]}"#).unwrap_err();
        assert!(
            error.contains("list") && error.contains("`id`") && !error.contains("hush"),
            "{error}"
        );
    }
}
