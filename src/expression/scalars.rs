//! Functions over scalars: the text that one is, and the number.

use super::functions::{Answer, Function, needs};
use crate::value::{Exact, Value, exact};

pub(super) fn text(value: Value<'_>) -> Result<&str, String> {
    match value {
        Value::String(text) | Value::Number(text) => Ok(text),
        Value::Bool(true) => Ok("true"),
        Value::Bool(false) => Ok("false"),
        other => Err(needs(Function::Text, "a scalar", other)),
    }
}

pub(super) fn number(value: Value<'_>) -> Answer<'_> {
    match value {
        Value::Number(_) => Ok(Some(value)),
        Value::String(text) => match crate::value::number(text) {
            Some(number) => Ok(Some(number)),
            None => Err("`number` needs a text that is a number, and met another text".to_owned()),
        },
        other => Err(needs(Function::Number, "a number or a text that is one", other)),
    }
}

pub(super) fn whole_number(value: Value<'_>) -> Answer<'_> {
    let needed = "a whole number from 0 on or a text that is one";
    match number(value) {
        Ok(Some(Value::Number(text))) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(Value::Number(text)))
        }
        Ok(_) => Err(format!("`whole_number` needs {needed}, and met another number")),
        Err(_) => Err(needs(Function::WholeNumber, needed, value)),
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
