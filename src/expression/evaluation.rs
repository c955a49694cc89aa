//! One evaluation in CEL's interpreter: what its values share, and what they come to as values of ours.

use super::compare::{double_value, number};
use super::failed::Failed;
use super::node::View;
use crate::value::Value;
use cel::common::types::{CelBool, CelDouble, CelInt, CelOptional, CelString, CelUInt, Kind, Type};
use cel::common::value::{StaticVal, Val};
use std::any::Any;
use std::cell::{Cell, RefCell};

static ASKING: Type = Type::new_unspecified_type("asking");

/// What the values of one evaluation in the interpreter share.
pub(super) struct Evaluation<'e, 'a> {
    pub view: View<'e, 'a>,
    /// What a [`super::doc::Doc`] answered to [`Asking`].
    pub told: Cell<Option<Value<'a>>>,
    /// Doubles written otherwise than we would: their bits and their text.
    pub spellings: RefCell<Vec<(u64, &'a str)>>,
    /// Why the part of that name failed: the interpreter only knows that it is not there.
    pub failed: RefCell<Option<(String, Failed)>>,
}

/// Handed to [`Container::contains`](cel::common::traits::Container::contains) of a [`super::doc::Doc`], makes it tell its value: what borrows can't be downcast.
#[derive(Debug)]
pub(super) struct Asking;

impl Val for Asking {
    fn get_type(&self) -> &Type {
        &ASKING
    }

    fn cel_type() -> &'static Type {
        &ASKING
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(Asking)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Asking {}

impl<'e, 'a> Evaluation<'e, 'a> {
    pub(super) fn new(view: View<'e, 'a>) -> Evaluation<'e, 'a> {
        Evaluation {
            view,
            told: Cell::new(None),
            spellings: RefCell::new(Vec::new()),
            failed: RefCell::new(None),
        }
    }

    /// One of our own lists, objects or numbers, as it came.
    pub(super) fn own(&self, value: &dyn Val) -> Option<Value<'a>> {
        self.told.set(None);
        // whatever else is asked says no, or nothing
        let _ = value.as_container()?.contains(&Asking);
        self.told.take()
    }

    /// What the interpreter made, as a value. `None`: absent.
    pub(super) fn value_of(&self, value: &dyn Val) -> Result<Option<Value<'a>>, String> {
        let arena = self.view.scope.arena;
        if let Some(text) = value.downcast_ref::<CelString>() {
            return Ok(Some(Value::String(arena.alloc_str(text.inner()))));
        }
        if let Some(flag) = value.downcast_ref::<CelBool>() {
            return Ok(Some(Value::Bool(*flag.inner())));
        }
        if let Some(whole) = value.downcast_ref::<CelInt>() {
            return Ok(Some(number(whole.inner(), arena)));
        }
        if let Some(whole) = value.downcast_ref::<CelUInt>() {
            return Ok(Some(number(whole.inner(), arena)));
        }
        if let Some(double) = value.downcast_ref::<CelDouble>() {
            let spellings = self.spellings.borrow();
            let spelled = spellings.iter().find(|(bits, _)| *bits == double.inner().to_bits());
            return match spelled {
                Some((_, text)) => Ok(Some(Value::Number(text))),
                None => double_value(*double.inner(), arena).map(Some),
            };
        }
        if let Some(optional) = value.downcast_ref::<CelOptional>() {
            return optional.option().map_or(Ok(None), |value| self.value_of(value));
        }
        if let Some(own) = self.own(value) {
            return Ok(Some(own));
        }
        match (value.get_type().kind(), value.as_iterable()) {
            (Kind::NullType, _) => Ok(Some(Value::Null)),
            (Kind::List, Some(elements)) => {
                let mut elements = elements.iter();
                let mut list = bumpalo::collections::Vec::new_in(arena);
                while let Some(element) = elements.next() {
                    list.extend(self.value_of(element)?);
                }
                Ok(Some(Value::Array(list.into_bump_slice())))
            }
            _ => Err(format!(
                "{} can't be a value of JSON",
                type_name(value.get_type().name())
            )),
        }
    }
}

/// CEL's name of a type in JSON's words.
pub(super) fn type_name(name: &str) -> &str {
    match name {
        "int" | "uint" | "double" | "float" => "number",
        "bool" => "boolean",
        "map" => "object",
        "null_type" => "null",
        "optional_type" => "what may be absent",
        "number" => "number beyond 64 bits",
        name => name,
    }
}
