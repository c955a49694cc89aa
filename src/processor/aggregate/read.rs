//! An aggregate in YAML.

use super::step::Step;
use super::{Aggregate, Makes, Shared};
use crate::expression::{Expression, constant};
use crate::processor::{Definition, Reading, read};
use crate::value::Value;
use crate::yaml::{self, Fields, Kind, Mistakes, Node};
use std::sync::Arc;

const STEPS: &str = "write `count`, or one of {sum: = ...}, {min: = ...}, {max: = ...}, {latest: = ...}";
/// What a fold calls the document before.
const STATE: &str = "state";

/// Reads one of `{values: {member: step, …}}`, `{value: step}` and `{fold: = expression over state and event, initial: constant}`,
/// where a step is `count` or one of `{sum: = …}`, `{min: = …}`, `{max: = …}`, `{latest: = …}`.
pub(in crate::processor) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let members = fields.optional("values", |node, mistakes| members(node, reading, mistakes));
    let value = fields.optional("value", |node, mistakes| step(node, reading, mistakes));
    let fold = fields.optional("fold", |node, mistakes| {
        let names = reading.names.with_locals([STATE]);
        let expression = read::expression(&Reading {
            names: &names,
            ..*reading
        })(node, mistakes)?;
        without_secrets(expression, reading, mistakes)
    });
    let initial = fields.optional("initial", constant);
    let said: Vec<&str> = ["values", "value", "fold"]
        .into_iter()
        .filter(|name| fields.find(name).is_some())
        .collect();
    let has_initial = fields.find("initial").is_some();
    match said.as_slice() {
        [] => {
            let place = fields.place();
            let help = "add `values:` (a document), `value:` (a bare value) or `fold:` (an expression)";
            fields.wrong(place, "this does not say what is aggregated", help);
            return None;
        }
        [_, second, ..] => {
            let place = fields.key_place(second);
            let message = format!("there is `{}` already", said.first().unwrap_or(second));
            fields.wrong(place, message, "an aggregate has one of `values`, `value` and `fold`");
            return None;
        }
        ["fold"] => {}
        [_] if has_initial => {
            let place = fields.key_place("initial");
            let help = "remove it: a count begins with 0, the others with the first value";
            fields.wrong(place, "only a `fold` begins with `initial`", help);
            return None;
        }
        [_] => {}
    }
    let initial = if has_initial { initial? } else { Value::Null };
    let makes = members
        .map(Makes::Members)
        .or(value.map(Makes::Value))
        .or(fold.map(|fold| Makes::Fold { fold, initial }))?;
    Some(Arc::new(Aggregate {
        shared: Arc::new(Shared {
            name: reading.name.to_owned(),
            makes,
            secrets: reading.secrets.clone(),
        }),
        written: Vec::new(),
    }))
}

fn members(node: &Node, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Vec<(String, Step)>> {
    let members = yaml::map_of(|node, mistakes| step(node, reading, mistakes))(node, mistakes)?;
    if members.is_empty() {
        mistakes.add(
            &node.place,
            "there is nothing to aggregate",
            "name a member, as in {orders: count}",
        );
        return None;
    }
    let mut right = true;
    for (key, _) in members.iter().filter(|(key, _)| reading.secrets.contains(&key.text)) {
        let message = format!(
            "`{}` is a secret's name, and is left out of all that is written",
            key.text
        );
        mistakes.add(&key.place, message, "choose another name");
        right = false;
    }
    right.then(|| {
        members
            .into_iter()
            .map(|(key, step)| (key.text.clone(), step))
            .collect()
    })
}

fn step(node: &Node, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Step> {
    let makes: fn(Expression) -> Step = match &node.kind {
        Kind::String(word) if word == "count" && node.expression().is_none() => return Some(Step::Count),
        Kind::Map(entries) => match entries.as_slice() {
            [(key, _)] => match key.text.as_str() {
                "sum" => Step::Sum,
                "min" => Step::Min,
                "max" => Step::Max,
                "latest" => Step::Latest,
                other => {
                    let message = format!("`{}` is not known here", yaml::shortened(other, 60));
                    mistakes.add(&key.place, message, STEPS);
                    return None;
                }
            },
            _ => {
                mistakes.add(&node.place, "this must say one way to aggregate", STEPS);
                return None;
            }
        },
        _ => {
            let message = format!("a way to aggregate is needed here, and this is {}", node.shown());
            mistakes.add(&node.place, message, STEPS);
            return None;
        }
    };
    let (_, inner) = node.entries().first()?;
    let expression = read::expression(reading)(inner, mistakes)?;
    without_secrets(expression, reading, mistakes).map(makes)
}

/// What is aggregated stays in the changelog and leaves under another name, so it must not be a secret.
fn without_secrets(expression: Expression, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Expression> {
    let secrets = expression.secrets_read(reading.secrets);
    if secrets.is_empty() {
        return Some(expression);
    }
    let help = "it would stay in the changelog and leave in the open: take another member";
    mistakes.extend(secrets.into_iter().map(|mistake| mistake.help(help)));
    None
}
