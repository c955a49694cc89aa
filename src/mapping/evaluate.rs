//! A plan at work on one record.

use super::template::{Member, Template};
use super::{ELEMENT, INDEX, Output, Plan};
use crate::expression::{Expression, ExpressionError, Locals, Scope};
use crate::record::{Header, Record};
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use std::cell::Cell;

/// A let's value, once it was asked for.
#[derive(Clone, Copy)]
enum Slot<'a> {
    Empty,
    Known(Option<Value<'a>>),
}

struct Evaluation<'p, 'a> {
    plan: &'p Plan,
    scope: Scope<'a>,
    slots: &'a [Cell<Slot<'a>>],
}

pub(super) fn apply<'a>(
    plan: &Plan,
    record: &'a Record<'a>,
    arena: &'a Bump,
    emit: &mut dyn FnMut(Record<'a>),
) -> Result<(), ExpressionError> {
    let slots = arena.alloc_slice_fill_with(plan.lets.len(), |_| Cell::new(Slot::Empty));
    let evaluation = Evaluation {
        plan,
        scope: Scope::new(arena, record),
        slots,
    };
    let Some(each) = &plan.each else {
        return evaluation.output(None, 0, emit);
    };
    let elements = match each.elements.evaluate_with(&evaluation.scope, &evaluation)? {
        None | Some(Value::Null) => &[],
        Some(Value::Array(elements)) => elements,
        Some(other) => {
            return Err(each
                .elements
                .error(format!("`each` goes through a list, and this is {}", other.type_name())));
        }
    };
    if elements.is_empty() && each.output_if_empty {
        return evaluation.output(None, 0, emit);
    }
    for (index, element) in elements.iter().enumerate() {
        evaluation.forget_element();
        evaluation.output(Some(*element), index, emit)?;
    }
    Ok(())
}

impl<'a> Evaluation<'_, 'a> {
    fn output(
        &self,
        element: Option<Value<'a>>,
        index: usize,
        emit: &mut dyn FnMut(Record<'a>),
    ) -> Result<(), ExpressionError> {
        self.set(ELEMENT, element);
        self.set(INDEX, Some(Value::Number(digits(index, self.scope.arena))));
        if let Some(condition) = &self.plan.condition
            && !condition.evaluate_bool_with(&self.scope, self)?
        {
            return Ok(());
        }
        let incoming = self.scope.record;
        let key = match &self.plan.key {
            None => None,
            Some(key) => key.evaluate_key_with(&self.scope, self)?,
        };
        let timestamp = match &self.plan.timestamp {
            None => incoming.timestamp,
            Some(expression) => self.timestamp(expression)?.unwrap_or(incoming.timestamp),
        };
        let value = match &self.plan.output {
            Output::Whole(Template::Expression(expression)) => match expression.evaluate_with(&self.scope, self)? {
                Some(value) => value,
                None => return Err(expression.error("the output is absent".to_owned())),
            },
            Output::Whole(template) => self.tree(template)?.unwrap_or(Value::Null),
            Output::Set(members) => self.changed(members)?,
        };
        emit(Record {
            key: key.or(incoming.key),
            value,
            headers: self.headers()?,
            timestamp,
            origin: incoming.origin,
        });
        Ok(())
    }

    fn tree(&self, template: &Template) -> Result<Option<Value<'a>>, ExpressionError> {
        match template {
            Template::Constant(value) => Ok(Some(*value)),
            Template::Expression(expression) => expression.evaluate_with(&self.scope, self),
            Template::Object(members) => {
                let mut object = ArenaVec::with_capacity_in(members.len(), self.scope.arena);
                for Member {
                    name,
                    unless_empty,
                    template,
                } in members
                {
                    match self.tree(template)? {
                        None => {}
                        Some(Value::Object([]) | Value::Array([])) if *unless_empty => {}
                        Some(value) => object.push((*name, value)),
                    }
                }
                Ok(Some(Value::Object(object.into_bump_slice())))
            }
            Template::List(templates) => {
                let mut list = ArenaVec::with_capacity_in(templates.len(), self.scope.arena);
                for template in templates {
                    list.extend(self.tree(template)?);
                }
                Ok(Some(Value::Array(list.into_bump_slice())))
            }
        }
    }

    /// The incoming value, changed.
    fn changed(&self, members: &[(Vec<&'static str>, Template)]) -> Result<Value<'a>, ExpressionError> {
        let arena = self.scope.arena;
        let mut value = self.scope.record.value;
        for (path, template) in members {
            value = match self.tree(template)? {
                None => value.without_path(path, arena),
                Some(member) => value.with(path, member, arena).map_err(|found| {
                    blame(
                        template,
                        format!(
                            "{} can't be set: an object is needed on the way, and there is {found}",
                            path.join(".")
                        ),
                    )
                })?,
            };
        }
        Ok(value)
    }

    fn headers(&self) -> Result<&'a [Header<'a>], ExpressionError> {
        let incoming = self.scope.record.headers;
        if self.plan.headers.is_empty() {
            return Ok(incoming);
        }
        let mut headers = ArenaVec::with_capacity_in(incoming.len() + self.plan.headers.len(), self.scope.arena);
        headers.extend(
            incoming
                .iter()
                .filter(|header| !self.plan.headers.iter().any(|(name, _)| *name == header.name)),
        );
        for (name, expression) in &self.plan.headers {
            if let Some(text) = expression.evaluate_text_with(&self.scope, self)? {
                headers.push(Header {
                    name,
                    value: Some(text.as_bytes()),
                });
            }
        }
        Ok(headers.into_bump_slice())
    }

    fn timestamp(&self, expression: &Expression) -> Result<Option<i64>, ExpressionError> {
        let Some(value) = expression.evaluate_with(&self.scope, self)? else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(timestamp) if timestamp >= 0 => Ok(Some(timestamp)),
            _ => Err(expression.error(format!(
                "a timestamp is in milliseconds since 1970, and this is {}",
                value.type_name()
            ))),
        }
    }

    fn set(&self, slot: usize, value: Option<Value<'a>>) {
        if let Some(slot) = self.slots.get(slot) {
            slot.set(Slot::Known(value));
        }
    }

    /// The next element: what was made of the last one is made anew.
    fn forget_element(&self) {
        for (slot, made) in self.slots.iter().zip(&self.plan.lets) {
            if made.as_ref().is_some_and(|made| made.of_element) {
                slot.set(Slot::Empty);
            }
        }
    }
}

impl<'a> Locals<'a> for Evaluation<'_, 'a> {
    fn local(&self, slot: usize) -> Result<Option<Value<'a>>, ExpressionError> {
        let Some(cell) = self.slots.get(slot) else {
            return Ok(None);
        };
        if let Slot::Known(value) = cell.get() {
            return Ok(value);
        }
        // A circle was refused when the mapping was compiled, so this ends.
        let value = match self.plan.lets.get(slot) {
            Some(Some(made)) => self.tree(&made.template)?,
            _ => None,
        };
        cell.set(Slot::Known(value));
        Ok(value)
    }
}

fn digits(index: usize, arena: &Bump) -> &str {
    const FEW: [&str; 4] = ["0", "1", "2", "3"];
    FEW.get(index)
        .copied()
        .unwrap_or_else(|| arena.alloc_str(&index.to_string()))
}

/// The first expression of a template, to say where an error is.
fn blame(template: &Template, reason: String) -> ExpressionError {
    let mut first = None;
    template.expressions(&mut |expression| {
        first.get_or_insert(expression);
    });
    match first {
        Some(expression) => expression.error(reason),
        None => ExpressionError {
            expression: "set".to_owned(),
            place: crate::yaml::Place::start_of("mapping"),
            reason,
        },
    }
}
