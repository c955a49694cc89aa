//! Our values as the JSON Schema library reads them: without making another tree of each.
//!
//! A document may repeat a name, and the last one counts. The library knows no such documents: [`distinct`] makes one of
//! them that says the same, so that what is validated is what everybody else reads.

use crate::value::{Exact, Member, Value, exact};
use ahash::AHashMap;
use bumpalo::Bump;
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use std::borrow::Cow;

/// The representation whose nodes are [`Value`]s.
pub(super) struct Document;

impl Json for Document {
    type Node<'a> = &'a Value<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    /// Arrays and objects are built from their parts, so nothing lies within itself.
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Self::Node<'_>) -> T) -> T {
        f(&Value::String(string))
    }
}

impl<'a> Node<'a, Document> for &'a Value<'a> {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        Value::as_object(self).map(Members)
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        self.as_list().map(Elements)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number<'a>> {
        match self {
            Value::Number(text) => Some(Number(text)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        match (self, expected) {
            // what nearly every `enum` and `const` is made of
            (Value::String(text), serde_json::Value::String(expected)) => text == expected,
            (Value::String(_), _) | (_, serde_json::Value::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&self.to_serde(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(self.to_serde())
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Value<'a>>(self) as usize))
    }
}

/// An object's members, each name once.
#[derive(Clone, Copy)]
pub(super) struct Members<'a>(&'a [Member<'a>]);

impl<'a> Object<'a, Document> for Members<'a> {
    type Node = &'a Value<'a>;
    type MemberName = &'a str;
    type MembersIter = std::iter::Map<std::slice::Iter<'a, Member<'a>>, fn(&'a Member<'a>) -> (&'a str, &'a Value<'a>)>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Box<str>) -> Option<&'a Value<'a>> {
        self.0
            .iter()
            .rev()
            .find(|(name, _)| *name == &**key)
            .map(|(_, value)| value)
    }

    fn members(&self) -> Self::MembersIter {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// A list's elements.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a>(&'a [Value<'a>]);

impl<'a> Array<'a, Document> for Elements<'a> {
    type Node = &'a Value<'a>;
    type ElementsIter = std::slice::Iter<'a, Value<'a>>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.0.iter()
    }
}

/// A number's text.
#[derive(Clone, Copy)]
pub(super) struct Number<'a>(&'a str);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        match exact(self.0)? {
            Exact::Int(value) => u64::try_from(value).ok(),
            Exact::Uint(value) => Some(value),
            Exact::Double(_) => None,
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match exact(self.0)? {
            Exact::Int(value) => Some(value),
            Exact::Uint(_) | Exact::Double(_) => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(serde_json::Number::from_string_unchecked(self.0.to_owned()))
    }

    fn is_integer(&self) -> bool {
        is_integer(self.0)
    }
}

/// The value without repeated names, of which the last one counts. `None`: there are none. The parser bounds the depth.
pub(super) fn distinct<'a>(value: &Value<'a>, arena: &'a Bump) -> Option<Value<'a>> {
    match value {
        Value::Object(members) if repeats(members) => {
            let last: AHashMap<&str, usize> = members.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
            let mut kept = bumpalo::collections::Vec::with_capacity_in(last.len(), arena);
            for (at, (name, value)) in members.iter().enumerate() {
                if last.get(name) == Some(&at) {
                    kept.push((*name, distinct(value, arena).unwrap_or(*value)));
                }
            }
            Some(Value::Object(kept.into_bump_slice()))
        }
        Value::Object(members) => {
            let mut changed: Option<&mut [Member<'a>]> = None;
            for (at, (_, value)) in members.iter().enumerate() {
                if let Some(value) = distinct(value, arena) {
                    let members = changed.get_or_insert_with(|| arena.alloc_slice_copy(members));
                    if let Some(member) = members.get_mut(at) {
                        member.1 = value;
                    }
                }
            }
            changed.map(|members| Value::Object(members))
        }
        Value::Array(elements) => {
            let mut changed: Option<&mut [Value<'a>]> = None;
            for (at, value) in elements.iter().enumerate() {
                if let Some(value) = distinct(value, arena) {
                    let elements = changed.get_or_insert_with(|| arena.alloc_slice_copy(elements));
                    if let Some(element) = elements.get_mut(at) {
                        *element = value;
                    }
                }
            }
            changed.map(|elements| Value::Array(elements))
        }
        _ => None,
    }
}

/// Whether a name stands more than once. Few members are compared each with each, many by a hash.
fn repeats(members: &[Member<'_>]) -> bool {
    if members.len() > 24 {
        let mut seen = ahash::AHashSet::with_capacity(members.len());
        return !members.iter().all(|(name, _)| seen.insert(*name));
    }
    let mut rest = members;
    while let Some(((name, _), others)) = rest.split_first() {
        if others.iter().any(|(other, _)| other == name) {
            return true;
        }
        rest = others;
    }
    false
}

/// Whether a number of JSON's grammar is whole, by its digits: `1.0` and `12e-1` of any length are decided exactly.
fn is_integer(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit);
    if digits().all(|digit| digit == b'0') {
        return true;
    }
    // digits after the point, less the zeros that end them, are what the exponent has to make up for
    let zeros = digits().rev().take_while(|digit| *digit == b'0').count();
    let places = i128::try_from(fraction.len()).unwrap_or(i128::MAX) - i128::try_from(zeros).unwrap_or(i128::MAX);
    match exponent.parse::<i128>() {
        Ok(exponent) => exponent >= places,
        // beyond any number of digits that a record holds
        Err(_) => !exponent.starts_with('-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_by_their_digits() {
        for whole in [
            "0",
            "-0",
            "0.0",
            "0e-5",
            "1",
            "-12",
            "1.0",
            "1.50e1",
            "10e-1",
            "1e400",
            "123456789012345678901",
            "1e+2",
        ] {
            assert!(is_integer(whole), "{whole}");
        }
        let long = format!("1{}", "0".repeat(500));
        assert!(is_integer(&format!("{long}.000")));
        for broken in ["0.5", "-1.25", "15e-1", "1e-400", "1.55e1", "123456789012345678901.5"] {
            assert!(!is_integer(broken), "{broken}");
        }
        assert!(!is_integer(&format!("1e-{long}")) && is_integer(&format!("1e{long}")));
    }
}
