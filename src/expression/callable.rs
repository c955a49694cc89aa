//! What means something of ours in a tree for CEL's interpreter, and how it is called at run time: indexed by the list of its
//! arguments.

use super::call::call;
use super::evaluation::Evaluation;
use super::functions::Function;
use super::node::{ABSENT, is_something, object, same, within};
use super::thread::OnThread;
use crate::value::Value;
use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, CelList, CelOptional, Type};
use cel::common::value::{CowVal, Val};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Callable {
    Function(Function),
    Equal(bool),
    In,
    OrValue,
    HasValue,
    /// Present and not null.
    IsSomething,
    Demand,
    List,
    /// Names and values in turn.
    Object,
}

/// The function that errors of our own are said to be of.
pub(super) const OURS: &str = "@";

/// A callable at run time: indexed by the list of its arguments.
#[derive(Clone, Copy)]
pub(super) struct Call<'e, 'a> {
    callable: Callable,
    evaluation: OnThread<&'e Evaluation<'e, 'a>>,
}

static CALL: Type = Type::new_unspecified_type("function");

impl<'e, 'a> Call<'e, 'a> {
    pub(super) fn new(callable: &Callable, evaluation: &'e Evaluation<'e, 'a>) -> Call<'e, 'a> {
        Call {
            callable: *callable,
            evaluation: OnThread::new(evaluation),
        }
    }
}

impl fmt::Debug for Call<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.callable.fmt(f)
    }
}

impl Val for Call<'_, '_> {
    fn get_type(&self) -> &Type {
        &CALL
    }

    fn cel_type() -> &'static Type {
        &CALL
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for Call<'_, '_> {
    fn get<'b, 'v>(&'b self, arguments: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let ours = |reason: &str| ExecutionError::function_error(OURS, reason);
        let (Some(evaluation), Some(arguments)) = (self.evaluation.get(), arguments.downcast_ref::<CelList>()) else {
            return Err(ours("evaluated on another thread"));
        };
        let answer = match self.callable {
            Callable::Equal(wanted) => match arguments.inner() {
                [one, other] => {
                    return Ok(CowVal::owned(CelBool::from(
                        equal(evaluation, &**one, &**other) == wanted,
                    )));
                }
                _ => Err("`==` takes two".to_owned()),
            },
            callable => {
                let values: Result<Vec<Option<Value<'_>>>, String> = arguments
                    .inner()
                    .iter()
                    .map(|argument| evaluation.value_of(&**argument))
                    .collect();
                values.and_then(|values| apply(callable, &values, evaluation))
            }
        };
        match answer.map_err(|reason| ours(&reason))? {
            Some(value) => Ok(CowVal::Borrowed(evaluation.shown(value))),
            None => Ok(CowVal::owned(CelOptional::none())),
        }
    }

    fn steal<'v>(self: Box<Self>, arguments: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(arguments).map(CowVal::into_owned)
    }
}

fn apply<'a>(
    callable: Callable,
    values: &[Option<Value<'a>>],
    evaluation: &Evaluation<'_, 'a>,
) -> Result<Option<Value<'a>>, String> {
    let arena = evaluation.view.scope.arena;
    match (callable, values) {
        (Callable::Function(function), values) => call(function, values, arena),
        (Callable::In, [value, container]) => Ok(Some(Value::Bool(within(*value, *container)?))),
        (Callable::OrValue, [one, other]) => Ok(one.or(*other)),
        (Callable::HasValue, [one]) => Ok(Some(Value::Bool(one.is_some()))),
        (Callable::IsSomething, [one]) => Ok(Some(Value::Bool(is_something(*one)))),
        (Callable::Demand, [one]) => one.map(Some).ok_or_else(|| ABSENT.to_owned()),
        (Callable::List, values) => {
            let mut list = bumpalo::collections::Vec::with_capacity_in(values.len(), arena);
            list.extend(values.iter().flatten());
            Ok(Some(Value::Array(list.into_bump_slice())))
        }
        (Callable::Object, values) => {
            let pairs: Vec<_> = values
                .chunks_exact(2)
                .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
                .collect();
            object(&pairs, arena).map(Some)
        }
        _ => Err("a number of arguments that it does not take".to_owned()),
    }
}

/// `==` of whatever the interpreter has, types and bytes included.
fn equal(evaluation: &Evaluation<'_, '_>, one: &dyn Val, other: &dyn Val) -> bool {
    match (evaluation.value_of(one), evaluation.value_of(other)) {
        (Ok(one), Ok(other)) => same(one, other),
        _ => one.equals(other),
    }
}
