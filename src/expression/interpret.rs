//! Runs what has no plan in CEL's interpreter: one environment for the process, a context per evaluation that costs
//! next to nothing.
//!
//! Subtrees that do have a plan, and everything whose meaning is ours, are names in the tree (`@0`, `@1`...) that the
//! resolver answers; see [`super::rewrite`].

use super::callable::{Call, OURS};
use super::compare::BEYOND;
use super::evaluation::{Evaluation, type_name};
use super::failed::Failed;
use super::node::View;
use super::rewrite::Part;
use super::thread::OnThread;
use crate::value::Value;
use cel::common::ast::IdedExpr;
use cel::common::types::CelOptional;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError};
use std::sync::{Arc, LazyLock};

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(true)));

/// An expression for the interpreter.
#[derive(Debug)]
pub(super) struct Interpreted {
    pub tree: IdedExpr,
    pub parts: Vec<Part>,
}

struct Resolver<'e, 'a> {
    parts: &'e [Part],
    evaluation: OnThread<&'e Evaluation<'e, 'a>>,
}

impl VariableResolver for Resolver<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let evaluation = self.evaluation.get()?;
        match self.parts.get(name.strip_prefix('@')?.parse::<usize>().ok()?)? {
            Part::Callable(callable) => Some(CowVal::owned(Call::new(callable, evaluation))),
            Part::Plan(node) => match node.evaluate(evaluation.view) {
                Ok(None) => Some(CowVal::owned(CelOptional::none())),
                Ok(Some(value)) if node.is_optional() => {
                    Some(CowVal::owned(CelOptional::of(evaluation.shown(value).clone_as_boxed())))
                }
                Ok(Some(value)) => Some(CowVal::Borrowed(evaluation.shown(value))),
                Err(failed) => {
                    *evaluation.failed.borrow_mut() = Some((name.to_owned(), failed));
                    None
                }
            },
        }
    }
}

impl Interpreted {
    pub(super) fn evaluate<'a>(&self, view: View<'_, 'a>, text: &str) -> Result<Option<Value<'a>>, Failed> {
        let evaluation = Evaluation::new(view);
        let resolver = Resolver {
            parts: &self.parts,
            evaluation: OnThread::new(&evaluation),
        };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        match cel::Value::resolve_val(&self.tree, &context) {
            Ok(value) => Ok(evaluation.value_of(&*value)?),
            Err(error) => Err(evaluation.explain(error, text)),
        }
    }
}

impl<'e, 'a> Evaluation<'e, 'a> {
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
