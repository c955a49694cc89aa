//! Equality, order and `+` of values, as CEL has them.

use crate::value::{Exact, Value, exact, same_number};
use bumpalo::Bump;
use std::cmp::Ordering;

/// CEL's `==`: numbers by their worth, objects without regard to order.
pub(super) fn equal(one: Value<'_>, other: Value<'_>) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other,
        (Value::Number(one), Value::Number(other)) => match (exact(one), exact(other)) {
            (Some(one), Some(other)) => order_of(one, other) == Some(Ordering::Equal),
            (None, None) => same_number(one, other),
            _ => false,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(*one, *other))
        }
        (Value::Object(_), Value::Object(_)) => same_members(one, other) && same_members(other, one),
        (one, other) => one == other,
    }
}

fn same_members(one: Value<'_>, other: Value<'_>) -> bool {
    one.as_object()
        .unwrap_or_default()
        .iter()
        .all(|(name, _)| match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => equal(one, other),
            _ => false,
        })
}

fn order_of(one: Exact, other: Exact) -> Option<Ordering> {
    match (one, other) {
        (Exact::Int(one), Exact::Int(other)) => Some(one.cmp(&other)),
        (Exact::Uint(one), Exact::Uint(other)) => Some(one.cmp(&other)),
        // `Uint` holds only what is beyond `Int`
        (Exact::Int(_), Exact::Uint(_)) => Some(Ordering::Less),
        (Exact::Uint(_), Exact::Int(_)) => Some(Ordering::Greater),
        (one, other) => double(one).partial_cmp(&double(other)),
    }
}

fn double(number: Exact) -> f64 {
    match number {
        Exact::Int(value) => value as f64,
        Exact::Uint(value) => value as f64,
        Exact::Double(value) => value,
    }
}

/// CEL's order, for `<` and its like.
pub(super) fn order(one: Value<'_>, other: Value<'_>, operator: &str) -> Result<Ordering, String> {
    let ordering = match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(&other)),
        (Value::Number(one), Value::Number(other)) => order_of(computable(one)?, computable(other)?),
        _ => None,
    };
    ordering.ok_or_else(|| inapplicable(operator, one, other))
}

/// CEL's `in`.
pub(super) fn contains(container: Value<'_>, value: Option<Value<'_>>) -> Result<bool, String> {
    match (container, value) {
        (Value::Array(_) | Value::Object(_), None) => Ok(false),
        (Value::Array(elements), Some(value)) => Ok(elements.iter().any(|element| equal(*element, value))),
        (Value::Object(_), Some(Value::String(name))) => Ok(container.get(name).is_some()),
        (Value::Object(_), Some(Value::Number(_) | Value::Bool(_))) => Ok(false),
        (container, value) => Err(inapplicable("in", value.unwrap_or(Value::Null), container)),
    }
}

/// CEL's `+`: texts and lists one after the other, whole numbers, doubles.
pub(super) fn add<'a>(one: Value<'a>, other: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, String> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            let mut text = bumpalo::collections::String::with_capacity_in(one.len() + other.len(), arena);
            text.push_str(one);
            text.push_str(other);
            Ok(Value::String(text.into_bump_str()))
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut list = bumpalo::collections::Vec::with_capacity_in(one.len() + other.len(), arena);
            list.extend_from_slice(one);
            list.extend_from_slice(other);
            Ok(Value::Array(list.into_bump_slice()))
        }
        (Value::Number(a), Value::Number(b)) => {
            let too_large = || "`+` makes a number beyond 64 bits".to_owned();
            match (computable(a)?, computable(b)?) {
                (Exact::Int(a), Exact::Int(b)) => a.checked_add(b).map(|sum| number(sum, arena)).ok_or_else(too_large),
                (Exact::Uint(_), Exact::Uint(_)) => Err(too_large()),
                (Exact::Double(a), Exact::Double(b)) => double_value(a + b, arena),
                _ => Err(inapplicable("+", one, other)),
            }
        }
        _ => Err(inapplicable("+", one, other)),
    }
}

fn computable(text: &str) -> Result<Exact, String> {
    exact(text).ok_or_else(|| BEYOND.to_owned())
}

/// Why a number is only passed through.
pub(super) const BEYOND: &str =
    "a number has more digits than 64 bits or a double keep, so it can be passed through but not computed with";

pub(super) fn inapplicable(operator: &str, one: Value<'_>, other: Value<'_>) -> String {
    format!(
        "`{operator}` can't be applied to {} and {}",
        one.type_name(),
        other.type_name()
    )
}

pub(super) fn number<'a>(value: impl std::fmt::Display, arena: &'a Bump) -> Value<'a> {
    Value::Number(bumpalo::format!(in arena, "{}", value).into_bump_str())
}

/// A double as JSON has it, in the fewest digits that read back as the same.
pub(super) fn double_value(value: f64, arena: &Bump) -> Result<Value<'_>, String> {
    if !value.is_finite() {
        return Err("the result is no number: infinite, or not a number at all".to_owned());
    }
    Ok(Value::Number(bumpalo::format!(in arena, "{:?}", value).into_bump_str()))
}
