//! `validate`: passes records whose value matches a JSON Schema (2020-12). `format` is checked too, where it is known.
//!
//! A failure names the schema's own path, the place in the value and the reason, and no value: a value may be a secret.

#[cfg(test)]
mod tests;

use super::{Context, Definition, Failure, Processor, Reading, kind, read};
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::schema::json::JsonSchema;
use crate::yaml::{self, Fields};
use std::sync::Arc;

#[derive(Clone)]
struct Validate {
    schema: Arc<JsonSchema>,
    /// What is validated; without it, the record's value.
    value: Option<Expression>,
}

/// Reads `{schema: path, value: = expression}`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let schema = fields.required("schema", |node, mistakes| {
        let name = yaml::text(node, mistakes)?;
        yaml::within(reading.folder, &name, &node.place, mistakes)?;
        mistakes.take_one(JsonSchema::load(reading.folder, &name, &node.place))
    });
    let value = fields.optional("value", read::expression(reading));
    Some(Arc::new(Validate {
        schema: Arc::new(schema?),
        value,
    }))
}

impl Definition for Validate {
    fn type_name(&self) -> &'static str {
        "validate"
    }

    fn validates(&self) -> Option<serde_json::Value> {
        // of an expression, it says nothing of the value as a whole
        let whole = self.value.is_none();
        whole.then(|| self.schema.alone().ok()).flatten()
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Validate {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let arena = context.arena();
        let value = match &self.value {
            None => &record.value,
            Some(expression) => match super::evaluate(expression, &Scope { arena, record })? {
                Some(value) => &*arena.alloc(value),
                None => {
                    let message = format!("the value to validate by `{}` is absent", self.schema.name());
                    return Err(Failure::new(kind::VALIDATION, message));
                }
            },
        };
        let Err(reasons) = self.schema.check(value, arena) else {
            context.forward(*record);
            return Ok(());
        };
        let shown: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.at, reason.message))
            .collect();
        let paths: Vec<&str> = reasons.iter().map(|reason| reason.schema_path.as_str()).collect();
        Err(Failure {
            kind: kind::VALIDATION,
            message: format!("does not match `{}`: {}", self.schema.name(), shown.join("; ")),
            detail: Some(format!("{}#{}", self.schema.name(), paths.join(", #"))),
        })
    }
}
