//! Functions over texts: what is filled, what must be, and a parameter put into a URL.

use super::functions::{Function, needs};
use super::scalars::text;
use crate::uri;
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
/// Name and value are percent-encoded, so that no value can end the query, begin another parameter or break a line.
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
    out.extend(uri::part(name));
    out.push('=');
    out.extend(uri::part(value));
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out.into_bump_str()
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
