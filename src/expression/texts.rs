//! Functions over texts: what is filled, what must be, and a parameter put into a URL.

use super::functions::{Function, needs, text};
use crate::value::Value;
use bumpalo::Bump;

/// Whether there is nothing in it but white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}

/// `filled(x)`: what has nothing in it is nothing; anything else is itself.
pub(super) fn filled(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| match value {
        Value::Null | Value::Array([]) | Value::Object([]) => false,
        Value::String(text) => !is_blank(text),
        _ => true,
    })
}

/// `texts(x)`: a list of scalars, or one, as a list of their texts.
pub(super) fn list<'a>(value: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, String> {
    let wrong = |met| needs(Function::Texts, "a scalar or a list of scalars", met);
    let one = |value| text(value).map(Value::String).map_err(|_| wrong(value));
    match value {
        Value::Array(elements) if elements.iter().all(|element| element.as_str().is_some()) => Ok(value),
        Value::Array(elements) => {
            let mut made = bumpalo::collections::Vec::with_capacity_in(elements.len(), arena);
            for element in elements {
                made.push(one(*element)?);
            }
            Ok(Value::Array(made.into_bump_slice()))
        }
        other => Ok(Value::Array(arena.alloc_slice_copy(&[one(other)?]))),
    }
}

/// `required(x, what)`: as `filled`, but nothing is an error that says what is missing.
pub(super) fn required<'a>(value: Option<Value<'a>>, what: Option<Value<'_>>) -> Result<Value<'a>, String> {
    let what = what.and_then(|what| what.as_str()).unwrap_or("a value");
    filled(value).ok_or_else(|| format!("{what} is missing"))
}

/// `url_with_query(url, name, value)`: the URL with one more query parameter, before its fragment.
///
/// Name and value are percent-encoded but for RFC 3986's unreserved characters, so that no value can end the query, begin
/// another parameter or break a line.
pub(super) fn url_with_query<'a>(url: &str, name: &str, value: &str, arena: &'a Bump) -> &'a str {
    let (base, fragment) = match url.split_once('#') {
        Some((base, fragment)) => (base, Some(fragment)),
        None => (url, None),
    };
    let mut out = bumpalo::collections::String::with_capacity_in(url.len() + name.len() + value.len() + 2, arena);
    out.push_str(base);
    match base.split_once('?') {
        None => out.push('?'),
        Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
        Some(_) => out.push('&'),
    }
    encode(name, &mut out);
    out.push('=');
    encode(value, &mut out);
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out.into_bump_str()
}

fn encode(text: &str, out: &mut bumpalo::collections::String<'_>) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_joins_a_url_before_its_fragment_and_after_its_query() {
        let arena = Bump::new();
        let cases = [
            ("https://a.example/", "https://a.example/?p=v"),
            ("https://a.example/b?c=d", "https://a.example/b?c=d&p=v"),
            ("https://a.example/b?", "https://a.example/b?p=v"),
            ("https://a.example/b?c=d&", "https://a.example/b?c=d&p=v"),
            ("https://a.example/b#top", "https://a.example/b?p=v#top"),
            ("https://a.example/b?c=d#/x?y=z", "https://a.example/b?c=d&p=v#/x?y=z"),
        ];
        for (url, wanted) in cases {
            assert_eq!(url_with_query(url, "p", "v", &arena), wanted);
        }
    }

    #[test]
    fn a_parameter_can_not_break_out_of_its_place() {
        let arena = Bump::new();
        let url = url_with_query("https://a.example/", "a b", "x&y=z#\n\"é~", &arena);
        assert_eq!(url, "https://a.example/?a%20b=x%26y%3Dz%23%0A%22%C3%A9~");
    }

    #[test]
    fn objects_are_objects_and_nothing_else_is() {
        use super::super::functions::{Function, call};
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

    #[test]
    fn a_time_of_any_offset_and_precision_comes_out_in_utc_with_milliseconds() {
        use super::super::functions::{Function, call};
        let arena = Bump::new();
        let time = |text| call(Function::Rfc3339, &[Some(Value::String(text))], &arena);
        for text in [
            "2024-05-22T05:58:15Z",
            "2024-05-22T07:58:15.0009+02:00",
            "2024-05-22t05:58:15.000z",
        ] {
            assert_eq!(
                time(text),
                Ok(Some(Value::String("2024-05-22T05:58:15.000Z"))),
                "{text}"
            );
        }
        for text in [
            "",
            "yesterday",
            "2024-05-22",
            "2024-05-22T05:58:15",
            "2024-13-01T00:00:00Z",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_required_is_named_where_it_is_missing() {
        let what = Some(Value::String("the account"));
        for missing in [
            None,
            Some(Value::Null),
            Some(Value::String("")),
            Some(Value::String(" \n")),
        ] {
            assert_eq!(required(missing, what), Err("the account is missing".to_owned()));
        }
        assert_eq!(required(Some(Value::Bool(false)), what), Ok(Value::Bool(false)));
    }
}
