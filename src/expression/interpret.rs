//! Runs what has no plan in CEL's interpreter: one environment for the process, a context per evaluation that costs
//! next to nothing.
//!
//! Subtrees that do have a plan, and everything whose meaning is ours, are names in the tree (`@0`, `@1`...) that the
//! resolver answers; see [`super::rewrite`].

use super::compare::{BEYOND, double_value, number};
use super::doc::Asking;
use super::node::{Failed, Node, View};
use super::rewrite::{Call, Callable};
use super::thread::OnThread;
use crate::value::Value;
use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelDouble, CelInt, CelOptional, CelString, CelUInt, Kind};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError};
use std::cell::{Cell, RefCell};
use std::sync::{Arc, LazyLock};

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(true)));

/// An expression for the interpreter.
#[derive(Debug)]
pub(super) struct Interpreted {
    pub tree: IdedExpr,
    pub parts: Vec<Part>,
}

/// What a name `@n` in the tree stands for.
#[derive(Debug)]
pub(super) enum Part {
    Plan(Node),
    Callable(Callable),
}

/// What the values of one evaluation share.
pub(super) struct Inner<'e, 'a> {
    pub view: View<'e, 'a>,
    parts: &'e [Part],
    /// What a [`super::doc::Doc`] answered to [`Asking`].
    pub told: Cell<Option<Value<'a>>>,
    /// Doubles written otherwise than we would: their bits and their text.
    pub spellings: RefCell<Vec<(u64, &'a str)>>,
    /// Why the part of that name failed: the interpreter only knows that it is not there.
    failed: RefCell<Option<(String, Failed)>>,
}

struct Resolver<'e, 'a>(OnThread<&'e Inner<'e, 'a>>);

impl VariableResolver for Resolver<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let inner = self.0.get()?;
        match inner.parts.get(name.strip_prefix('@')?.parse::<usize>().ok()?)? {
            Part::Callable(callable) => Some(CowVal::owned(Call::new(callable, inner))),
            Part::Plan(node) => match node.evaluate(inner.view) {
                Ok(None) => Some(CowVal::owned(CelOptional::none())),
                Ok(Some(value)) if node.is_optional() => {
                    Some(CowVal::owned(CelOptional::of(inner.shown(value).clone_as_boxed())))
                }
                Ok(Some(value)) => Some(CowVal::Borrowed(inner.shown(value))),
                Err(failed) => {
                    *inner.failed.borrow_mut() = Some((name.to_owned(), failed));
                    None
                }
            },
        }
    }
}

impl Interpreted {
    pub(super) fn evaluate<'a>(&self, view: View<'_, 'a>, text: &str) -> Result<Option<Value<'a>>, Failed> {
        let inner = Inner {
            view,
            parts: &self.parts,
            told: Cell::new(None),
            spellings: RefCell::new(Vec::new()),
            failed: RefCell::new(None),
        };
        let resolver = Resolver(OnThread::new(&inner));
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        match cel::Value::resolve_val(&self.tree, &context) {
            Ok(value) => Ok(inner.value_of(&*value)?),
            Err(error) => Err(inner.explain(error, text)),
        }
    }
}

impl<'e, 'a> Inner<'e, 'a> {
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

    /// The reason in types: what the interpreter says may hold values.
    fn explain(&self, error: ExecutionError, text: &str) -> Failed {
        Failed::because(match error {
            ExecutionError::UndeclaredReference(name) => {
                return match self.failed.take() {
                    Some((failed, why)) if failed == *name => why,
                    _ => Failed::because("a name is not known".to_owned()),
                };
            }
            // what is ours says types only
            ExecutionError::FunctionError { function, message } if function == OURS => message,
            ExecutionError::FunctionError { function, .. } => format!("`{function}` can't do this"),
            ExecutionError::NoSuchKey(name) if !name.is_empty() && text.contains(name.as_str()) => {
                format!("no member `{name}`")
            }
            ExecutionError::NoSuchKey(_) => "no member of the name in brackets".to_owned(),
            ExecutionError::NoSuchOverload(overload) => {
                let types: Vec<&str> = overload.argument_types().iter().map(|name| type_name(name)).collect();
                if types.contains(&"number beyond 64 bits") {
                    return Failed::because(BEYOND.to_owned());
                }
                format!(
                    "`{}` can't be applied to {}",
                    operator(overload.function()),
                    types.join(" and ")
                )
            }
            ExecutionError::UnexpectedType { got, want } => match (known_type(&got), known_type(&want)) {
                (Some(got), Some(want)) => format!("it needs {want}, and met {got}"),
                (Some(got), None) => format!("{got} can't stand here"),
                _ => "a value of another type is needed".to_owned(),
            },
            ExecutionError::UnsupportedBinaryOperator(name, one, other) => {
                let types = [one, other].map(|value| value.type_of().to_string());
                // what is ours is shown as null there
                let types = types.iter().map(|name| match name.as_str() {
                    "null" => "an object, a list, null or a number beyond 64 bits",
                    name => type_name(name),
                });
                format!(
                    "`{name}` can't be applied to {}",
                    types.collect::<Vec<_>>().join(" and ")
                )
            }
            ExecutionError::IndexOutOfBounds(_) => "an index outside of the list".to_owned(),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
            ExecutionError::Overflow(..) => "a number beyond 64 bits".to_owned(),
            _ => "values of other types are needed".to_owned(),
        })
    }
}

/// The function that errors of our own are said to be of.
pub(super) const OURS: &str = "@";

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

fn known_type(name: &str) -> Option<&str> {
    (super::names::TYPES.contains(&name) || name == "number").then(|| type_name(name))
}

fn operator(name: &str) -> &str {
    match name {
        "_[_]" | "_[?_]" => "[]",
        "_._" => ".",
        "_?._" => ".?",
        name => name.trim_matches('_'),
    }
}
