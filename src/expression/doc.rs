//! Our values as CEL's interpreter sees them: lists and objects borrowed as they are, scalars as CEL's own.
//!
//! A number that CEL can't hold whole is a value that nothing can be computed with. A double written otherwise than we
//! would write it is remembered by its spelling, so that it leaves as it came.

use super::compare::double_value;
use super::evaluation::{Asking, Evaluation};
use super::path::element;
use super::thread::OnThread;
use crate::value::{Exact, Value, exact};
use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Iterator, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt, Kind, LIST_TYPE, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};
use std::fmt;

static LIST: Type = LIST_TYPE;
static OBJECT: Type = MAP_TYPE;
static NUMBER: Type = Type::new_unspecified_type("number");

/// A list, an object, or a number that is only passed through.
#[derive(Clone, Copy)]
pub(super) struct Doc<'e, 'a> {
    value: Value<'a>,
    evaluation: OnThread<&'e Evaluation<'e, 'a>>,
}

/// Names types only, as what is shown of an evaluation may end up in a message.
impl fmt::Debug for Doc<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value.type_name())
    }
}

impl<'e, 'a> Evaluation<'e, 'a> {
    /// A value as CEL has it, in the arena.
    pub(super) fn shown<'b>(&'e self, value: Value<'a>) -> &'b (dyn Val + 'b)
    where
        'a: 'b,
        'e: 'b,
    {
        let arena: &'b bumpalo::Bump = self.view.scope.arena;
        match value {
            Value::Null => &CelNull,
            Value::Bool(flag) => arena.alloc(CelBool::from(flag)),
            Value::String(text) => arena.alloc(CelString::from(text)),
            Value::Number(text) => match exact(text) {
                Some(Exact::Int(number)) => arena.alloc(CelInt::from(number)),
                Some(Exact::Uint(number)) => arena.alloc(CelUInt::from(number)),
                Some(Exact::Double(number)) => {
                    if double_value(number, arena) != Ok(value) {
                        self.spellings.borrow_mut().push((number.to_bits(), text));
                    }
                    arena.alloc(CelDouble::from(number))
                }
                None => arena.alloc(Doc {
                    value,
                    evaluation: OnThread::new(self),
                }),
            },
            Value::Array(_) | Value::Object(_) => arena.alloc(Doc {
                value,
                evaluation: OnThread::new(self),
            }),
        }
    }
}

impl<'e, 'a> Doc<'e, 'a> {
    fn evaluation(&self) -> Result<&'e Evaluation<'e, 'a>, ExecutionError> {
        self.evaluation
            .get()
            .ok_or_else(|| ExecutionError::InternalError("evaluated on another thread".to_owned()))
    }
}

impl Val for Doc<'_, '_> {
    fn get_type(&self) -> &Type {
        match self.value {
            Value::Array(_) => &LIST,
            Value::Object(_) => &OBJECT,
            _ => &NUMBER,
        }
    }

    fn cel_type() -> &'static Type {
        &NUMBER
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        matches!(self.value, Value::Array(_)).then_some(self)
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        matches!(self.value, Value::Array(_) | Value::Object(_)).then_some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        matches!(self.value, Value::Array(_) | Value::Object(_)).then_some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        matches!(self.value, Value::Array(_) | Value::Object(_)).then_some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Container for Doc<'_, '_> {
    /// Only asks: `in` is our own, see [`super::rewrite`].
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        if value.downcast_ref::<Asking>().is_some() {
            self.evaluation()?.told.set(Some(self.value));
        }
        Ok(false)
    }
}

impl Indexer for Doc<'_, '_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let wrong = || ExecutionError::UnexpectedType {
            got: index.get_type().name().to_owned(),
            want: "an index".to_owned(),
        };
        let name = index.downcast_ref::<CelString>().map(|name| name.inner());
        let found = match (self.value, name) {
            (Value::Object(_), Some(name)) => self.value.get(name).ok_or_else(|| ExecutionError::no_such_key(name))?,
            (Value::Object(_), None) => match index.get_type().kind() {
                Kind::Int | Kind::UInt | Kind::Double | Kind::Boolean => return Err(ExecutionError::no_such_key("")),
                _ => return Err(wrong()),
            },
            _ => {
                let position = position(index).ok_or_else(wrong)?;
                let outside = || ExecutionError::IndexOutOfBounds(position.into());
                element(self.value, position).ok_or_else(outside)?
            }
        };
        Ok(CowVal::Borrowed(self.evaluation()?.shown(found)))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

fn position(index: &dyn Val) -> Option<i64> {
    if let Some(index) = index.downcast_ref::<CelInt>() {
        return Some(*index.inner());
    }
    if let Some(index) = index.downcast_ref::<CelUInt>() {
        return i64::try_from(*index.inner()).ok();
    }
    let index = *index.downcast_ref::<CelDouble>()?.inner();
    (index.fract() == 0.0).then_some(index as i64)
}

/// Goes through a list's elements or an object's names, in the document's order.
struct Elements<'e, 'a> {
    value: Value<'a>,
    position: usize,
    evaluation: &'e Evaluation<'e, 'a>,
}

impl<'b, 'v, 'e: 'b + 'v, 'a: 'b + 'v> Iterator<'b, 'v> for Elements<'e, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        let next = match self.value {
            Value::Array(elements) => *elements.get(self.position)?,
            Value::Object(members) => Value::String(members.get(self.position)?.0),
            _ => return None,
        };
        self.position += 1;
        Some(self.evaluation.shown(next))
    }
}

impl Iterable for Doc<'_, '_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        match self.evaluation.get() {
            Some(evaluation) => Box::new(Elements {
                value: self.value,
                position: 0,
                evaluation,
            }),
            None => Box::new(Nothing),
        }
    }
}

struct Nothing;

impl<'b, 'v> Iterator<'b, 'v> for Nothing {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        None
    }
}

impl Sizer for Doc<'_, '_> {
    fn size(&self) -> CelInt {
        let size = match self.value {
            Value::Array(elements) => elements.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        CelInt::from(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

impl Zeroer for Doc<'_, '_> {
    fn is_zero_value(&self) -> bool {
        matches!(self.value, Value::Array([]) | Value::Object([]))
    }
}

impl Adder for Doc<'_, '_> {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let mut list: Vec<Box<dyn Val + 'v>> = Vec::new();
        for iterable in [
            self.as_iterable(),
            other.as_iterable().filter(|_| other.get_type().kind() == Kind::List),
        ] {
            let iterable = iterable.ok_or_else(|| {
                let types = [self.get_type(), other.get_type()].map(|t| t.name().to_owned());
                ExecutionError::no_such_overload("_+_", types.to_vec())
            })?;
            let mut elements = iterable.iter();
            while let Some(element) = elements.next() {
                list.push(element.clone_as_boxed());
            }
        }
        Ok(CowVal::owned(CelList::from(list)))
    }
}
