//! One aggregated value: what it is after a record.

use super::{decimal, unusable};
use crate::expression::{Expression, Scope};
use crate::processor::{Failure, kind};
use crate::value::{Value, compare_numbers};
use std::cmp::Ordering;

pub(super) enum Step {
    /// How many records there were.
    Count,
    /// Exact: see [`decimal`].
    Sum(Expression),
    /// Of numbers, by their worth, or of texts, by their bytes.
    Min(Expression),
    Max(Expression),
    /// The value of the record that was processed last.
    Latest(Expression),
}

impl Step {
    /// The value after the record. `None`: as before, for the record has nothing for it. What is absent is passed over, and so is
    /// null, but by `latest`.
    pub fn apply<'a>(
        &self,
        name: &str,
        before: Option<Value<'a>>,
        scope: &Scope<'a>,
    ) -> Result<Option<Value<'a>>, Failure> {
        match self {
            Step::Count => {
                let count = match before {
                    None => Some(1),
                    Some(value) => match value.as_i64() {
                        Some(count) => count.checked_add(1),
                        None => return Err(unusable(name, "a count", value)),
                    },
                };
                let Some(count) = count else {
                    return Err(Failure::new(kind::OVERFLOW, format!("`{name}` can't count further")));
                };
                Ok(Some(Value::Number(scope.arena.alloc_str(&count.to_string()))))
            }
            Step::Latest(expression) => super::super::evaluate(expression, scope),
            Step::Sum(expression) => {
                let Some(value) = present(expression, scope)? else {
                    return Ok(None);
                };
                let Value::Number(number) = value else {
                    return Err(wrong_type(expression, "a number", value));
                };
                let before = match before {
                    None | Some(Value::Null) => "0",
                    Some(Value::Number(before)) => before,
                    Some(other) => return Err(unusable(name, "a number", other)),
                };
                let sum = decimal::sum(before, number)
                    .map_err(|why| Failure::of(kind::OVERFLOW, &expression.error(why.to_owned())))?;
                Ok(Some(Value::Number(scope.arena.alloc_str(&sum))))
            }
            Step::Min(expression) => extreme(Ordering::Less, expression, name, before, scope),
            Step::Max(expression) => extreme(Ordering::Greater, expression, name, before, scope),
        }
    }
}

/// The new value where it lies on the wanted side of the one before, else the one before.
fn extreme<'a>(
    wanted: Ordering,
    expression: &Expression,
    name: &str,
    before: Option<Value<'a>>,
    scope: &Scope<'a>,
) -> Result<Option<Value<'a>>, Failure> {
    let Some(value) = present(expression, scope)? else {
        return Ok(None);
    };
    if !matches!(value, Value::Number(_) | Value::String(_)) {
        return Err(wrong_type(expression, "a number or a text", value));
    }
    let order = match (value, before) {
        (_, None | Some(Value::Null)) => wanted,
        (Value::Number(value), Some(Value::Number(before))) => compare_numbers(value, before),
        (Value::String(value), Some(Value::String(before))) => value.cmp(before),
        (_, Some(before @ (Value::Number(_) | Value::String(_)))) => {
            let needed = format!("a {}, as it was so far,", before.type_name());
            return Err(wrong_type(expression, &needed, value));
        }
        (_, Some(before)) => return Err(unusable(name, "a number or a text", before)),
    };
    Ok(if order == wanted { Some(value) } else { before })
}

fn present<'a>(expression: &Expression, scope: &Scope<'a>) -> Result<Option<Value<'a>>, Failure> {
    let value = super::super::evaluate(expression, scope)?;
    Ok(value.filter(|value| *value != Value::Null))
}

fn wrong_type(expression: &Expression, needed: &str, found: Value<'_>) -> Failure {
    let why = format!("{needed} is needed here, and this is {}", found.type_name());
    Failure::of(kind::WRONG_TYPE, &expression.error(why))
}
