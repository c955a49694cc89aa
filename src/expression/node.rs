//! The plan of an expression that needs no interpreter, and its evaluation.
//!
//! Invariant: for any document a plan gives what the interpreter gives for the same expression, or both fail. What can't
//! be held to that is not planned.

use super::call::call;
use super::compare::{add, contains, equal, order};
use super::failed::Failed;
use super::functions::Function;
use super::path::Path;
use super::{Locals, Scope};
use crate::value::{Member, SecretNames, Value};
use bumpalo::Bump;
use regex::Regex;
use std::cmp::Ordering;

/// One step of a plan. `None` as its result: absent.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value<'static>),
    Absent,
    Path(Box<Path>),
    Has(Box<Path>, Box<str>),
    Call(Function, Box<[Node]>),
    /// `first`: evaluates no more than it needs.
    First(Box<[Node]>),
    /// `without` of constant names.
    Without(Box<Node>, SecretNames),
    /// `matches` of a constant pattern.
    Matches(Box<Node>, Regex),
    OrValue(Box<[Node; 2]>),
    HasValue(Box<Node>),
    /// `value()`: fails where it is absent.
    Demand(Box<Node>),
    Equal(Box<[Node; 2]>, bool),
    In(Box<[Node; 2]>),
    Compare(Comparison, Box<[Node; 2]>),
    Add(Box<[Node; 2]>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
    If(Box<[Node; 3]>),
    List(Box<[Node]>),
    Object(Box<[(Node, Node)]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn operator(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// What an evaluation sees.
#[derive(Clone, Copy)]
pub(super) struct View<'e, 'a> {
    pub scope: Scope<'a>,
    pub locals: &'e dyn Locals<'a>,
}

type Outcome<'a> = Result<Option<Value<'a>>, Failed>;

impl Node {
    pub(super) fn evaluate<'a>(&self, view: View<'_, 'a>) -> Outcome<'a> {
        match self {
            Node::Constant(value) => Ok(Some(*value)),
            Node::Absent => Ok(None),
            Node::Path(path) => path.walk(view),
            Node::Has(path, name) => truth(path.has(view, name)?),
            Node::Call(function, arguments) => match &**arguments {
                [one] => Ok(call(*function, &[one.evaluate(view)?], view.scope.arena)?),
                [one, two] => Ok(call(
                    *function,
                    &[one.evaluate(view)?, two.evaluate(view)?],
                    view.scope.arena,
                )?),
                many => {
                    let mut values = bumpalo::collections::Vec::with_capacity_in(many.len(), view.scope.arena);
                    for argument in many {
                        values.push(argument.evaluate(view)?);
                    }
                    Ok(call(*function, &values, view.scope.arena)?)
                }
            },
            Node::First(nodes) => {
                for node in nodes {
                    let value = node.evaluate(view)?;
                    if is_something(value) {
                        return Ok(value);
                    }
                }
                Ok(None)
            }
            Node::Without(node, names) => Ok(node
                .evaluate(view)?
                .filter(|value| *value != Value::Null)
                .map(|v| v.without(names, view.scope.arena))),
            Node::Matches(node, pattern) => match node.evaluate(view)? {
                Some(Value::String(text)) => truth(pattern.is_match(text)),
                other => Err(Failed::because(format!(
                    "`matches` needs a string, and met {}",
                    met(other)
                ))),
            },
            Node::OrValue(nodes) => {
                let [first, second] = &**nodes;
                // both are evaluated, as the interpreter does
                let (first, second) = (first.evaluate(view)?, second.evaluate(view)?);
                Ok(first.or(second))
            }
            Node::HasValue(node) => truth(node.evaluate(view)?.is_some()),
            Node::Demand(node) => match node.evaluate(view)? {
                Some(value) => Ok(Some(value)),
                None => Err(Failed::because(ABSENT.to_owned())),
            },
            Node::Equal(nodes, wanted) => {
                let [one, other] = &**nodes;
                truth(same(one.evaluate(view)?, other.evaluate(view)?) == *wanted)
            }
            Node::In(nodes) => {
                let [value, container] = &**nodes;
                let value = value.evaluate(view)?;
                truth(within(value, container.evaluate(view)?)?)
            }
            Node::Compare(comparison, nodes) => {
                let operator = comparison.operator();
                let (one, other) = both(operator, nodes, view)?;
                truth(comparison.holds(order(one, other, operator)?))
            }
            Node::Add(nodes) => {
                let (one, other) = both("+", nodes, view)?;
                Ok(Some(add(one, other, view.scope.arena)?))
            }
            Node::And(nodes) => logic("&&", nodes, false, view),
            Node::Or(nodes) => logic("||", nodes, true, view),
            Node::Not(node) => truth(!boolean("!", node.evaluate(view)?)?),
            Node::If(nodes) => {
                let [condition, then, otherwise] = &**nodes;
                if boolean("?:", condition.evaluate(view)?)? {
                    then.evaluate(view)
                } else {
                    otherwise.evaluate(view)
                }
            }
            Node::List(nodes) => {
                let mut list = bumpalo::collections::Vec::with_capacity_in(nodes.len(), view.scope.arena);
                for node in nodes {
                    list.extend(node.evaluate(view)?);
                }
                Ok(Some(Value::Array(list.into_bump_slice())))
            }
            Node::Object(entries) => {
                let mut pairs = Vec::with_capacity(entries.len());
                for (name, value) in entries {
                    pairs.push((name.evaluate(view)?, value.evaluate(view)?));
                }
                Ok(Some(object(&pairs, view.scope.arena)?))
            }
        }
    }

    /// Whether it is an optional in CEL's sense, even where it is present: a `.?` is in it.
    pub(super) fn is_optional(&self) -> bool {
        match self {
            Node::Absent => true,
            Node::Path(path) => path.is_optional(),
            Node::If(nodes) => nodes.iter().skip(1).any(Node::is_optional),
            _ => false,
        }
    }
}

/// Why `value()` fails.
pub(super) const ABSENT: &str = "`value()` of what is absent";

fn truth<'a>(flag: bool) -> Outcome<'a> {
    Ok(Some(Value::Bool(flag)))
}

fn met(value: Option<Value<'_>>) -> &'static str {
    value.map_or("what is absent", |value| value.type_name())
}

fn boolean(operator: &str, value: Option<Value<'_>>) -> Result<bool, Failed> {
    match value {
        Some(Value::Bool(flag)) => Ok(flag),
        other => Err(Failed::because(format!(
            "`{operator}` needs a boolean, and met {}",
            met(other)
        ))),
    }
}

fn both<'a>(operator: &str, nodes: &[Node; 2], view: View<'_, 'a>) -> Result<(Value<'a>, Value<'a>), Failed> {
    let [one, other] = nodes;
    match (one.evaluate(view)?, other.evaluate(view)?) {
        (Some(one), Some(other)) => Ok((one, other)),
        (one, other) => Err(Failed::because(format!(
            "`{operator}` can't be applied to {} and {}",
            met(one),
            met(other)
        ))),
    }
}

/// `&&` and `||`: `deciding` on either side decides, even beside an error.
fn logic<'a>(operator: &str, nodes: &[Node; 2], deciding: bool, view: View<'_, 'a>) -> Outcome<'a> {
    let [left, right] = nodes;
    let left = left.evaluate(view).and_then(|value| boolean(operator, value));
    if matches!(left, Ok(flag) if flag == deciding) {
        return truth(deciding);
    }
    let right = boolean(operator, right.evaluate(view)?);
    match (left, right) {
        (Ok(_), right) => truth(right?),
        (Err(_), Ok(flag)) if flag == deciding => truth(deciding),
        (Err(failed), _) => Err(failed),
    }
}

/// Whether it is present and not null.
pub(super) fn is_something(value: Option<Value<'_>>) -> bool {
    !matches!(value, None | Some(Value::Null))
}

/// `==`: what is absent equals only what is absent.
pub(super) fn same(one: Option<Value<'_>>, other: Option<Value<'_>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => equal(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// `in`: nothing is in what is absent.
pub(super) fn within(value: Option<Value<'_>>, container: Option<Value<'_>>) -> Result<bool, String> {
    container.map_or(Ok(false), |container| contains(container, value))
}

/// An object of names and values; what is absent is left out.
pub(super) fn object<'a>(
    pairs: &[(Option<Value<'a>>, Option<Value<'a>>)],
    arena: &'a Bump,
) -> Result<Value<'a>, String> {
    let mut members = bumpalo::collections::Vec::<Member<'a>>::with_capacity_in(pairs.len(), arena);
    for (name, value) in pairs {
        let Some(Value::String(name)) = name else {
            return Err(format!("an object's names must be strings, and one is {}", met(*name)));
        };
        members.extend(value.map(|value| (*name, value)));
    }
    members.sort_by_key(|(name, _)| *name);
    if members
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one.0 == other.0))
    {
        return Err("an object's name is given twice".to_owned());
    }
    Ok(Value::Object(members.into_bump_slice()))
}
