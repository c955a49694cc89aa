//! `aggregate`: one document for every key, made of all its records; the new one is handed on with every record that changes it.
//!
//! The document is the state: it is kept as canonical JSON under the record's key in a store of the processor's name, and the
//! store's changelog has the same. A record must come keyed, and with the key by which its topic is partitioned, for a task
//! aggregates only what it sees.

mod decimal;
mod read;
mod step;
#[cfg(test)]
mod tests;

pub(super) use read::read;

use super::{Context, Definition, Failure, Processor, count, kind};
use crate::expression::{Expression, ExpressionError, Locals, Scope};
use crate::record::Record;
use crate::state::{LONGEST_KEY, StoreKind, StoreSpec};
use crate::value::{SecretNames, Value, parse, write};
use bumpalo::Bump;
use std::sync::Arc;
use step::Step;

#[derive(Clone)]
struct Aggregate {
    shared: Arc<Shared>,
    /// The document as it is written, in a buffer that is used again.
    written: Vec<u8>,
}

struct Shared {
    name: String,
    makes: Makes,
    secrets: SecretNames,
}

/// What the document of a key is made of.
enum Makes {
    /// An object: each member aggregates on its own.
    Members(Vec<(String, Step)>),
    /// The aggregated value itself.
    Value(Step),
    /// What an expression makes of the document before, `state`, and the record.
    Fold { fold: Expression, initial: Value<'static> },
}

/// The only store.
const STORE: usize = 0;

impl Definition for Aggregate {
    fn type_name(&self) -> &'static str {
        "aggregate"
    }

    fn stores(&self) -> Vec<StoreSpec> {
        vec![StoreSpec {
            name: self.shared.name.clone(),
            kind: StoreKind::Values,
        }]
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

/// What became of the document of a key.
enum Outcome<'a> {
    /// The record has nothing for it.
    Untouched,
    Updated(Value<'a>),
    Removed,
}

impl Processor for Aggregate {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let Some(key) = record.key else {
            return Err(Failure::new(kind::MISSING_KEY, "the record has no key to aggregate by"));
        };
        if key.bytes.len() > LONGEST_KEY {
            let message = format!(
                "the key is {} bytes long; at most {LONGEST_KEY} are a key",
                key.bytes.len()
            );
            return Err(Failure::new(kind::WRONG_TYPE, message));
        }
        let arena = context.arena();
        let before = context.get(STORE, key.bytes);
        let state = before.map(|bytes| state(bytes, arena)).transpose()?;
        match self.shared.makes.of(state, &Scope { arena, record })? {
            Outcome::Untouched => context.count(count::FILTERED),
            Outcome::Removed => {
                if before.is_some() {
                    context.put(STORE, key.bytes, None);
                }
                context.count(count::FILTERED);
            }
            Outcome::Updated(value) => {
                self.written.clear();
                write(&value, &self.shared.secrets, &mut self.written);
                if before != Some(&self.written) {
                    context.put(STORE, key.bytes, Some(&self.written));
                }
                context.forward(Record { value, ..*record });
            }
        }
        Ok(())
    }
}

fn state<'a>(bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, Failure> {
    parse(bytes, arena)
        .map_err(|error| Failure::new(kind::STATE, format!("the state of this key is not JSON: {error}")))
}

/// The state is of another making: of an earlier version of the processor.
fn unusable(what: &str, needed: &str, found: Value<'_>) -> Failure {
    let message = format!(
        "the state of this key has {what} of type {}, and {needed} is needed: it was written when the processor was another. Give the \
         processor a new name, or begin anew with `millstream reset`",
        found.type_name()
    );
    Failure::new(kind::STATE, message)
}

impl Makes {
    fn of<'a>(&self, state: Option<Value<'a>>, scope: &Scope<'a>) -> Result<Outcome<'a>, Failure> {
        match self {
            Makes::Value(step) => Ok(match step.apply("a value", state, scope)? {
                Some(value) => Outcome::Updated(value),
                None => Outcome::Untouched,
            }),
            Makes::Members(steps) => members(steps, state, scope),
            Makes::Fold { fold, initial } => {
                let state = State(state.unwrap_or(*initial));
                let value = fold.evaluate_with(scope, &state);
                let value = value.map_err(|error| Failure::of(kind::EXPRESSION, &error))?;
                Ok(value.map_or(Outcome::Removed, Outcome::Updated))
            }
        }
    }
}

fn members<'a>(steps: &[(String, Step)], state: Option<Value<'a>>, scope: &Scope<'a>) -> Result<Outcome<'a>, Failure> {
    if let Some(other) = state.filter(|state| state.as_object().is_none()) {
        return Err(unusable("a value", "an object", other));
    }
    let mut touched = false;
    let mut members = bumpalo::collections::Vec::with_capacity_in(steps.len(), scope.arena);
    for (name, step) in steps {
        let before = state.and_then(|state| state.get(name));
        let after = step.apply(name, before, scope)?;
        touched |= after.is_some();
        if let Some(value) = after.or(before) {
            members.push((&*scope.arena.alloc_str(name), value));
        }
    }
    Ok(match touched {
        true => Outcome::Updated(Value::Object(members.into_bump_slice())),
        false => Outcome::Untouched,
    })
}

/// The name `state` in a fold.
struct State<'a>(Value<'a>);

impl<'a> Locals<'a> for State<'a> {
    fn local(&self, _: usize) -> Result<Option<Value<'a>>, ExpressionError> {
        Ok(Some(self.0))
    }
}
