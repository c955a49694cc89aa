//! CEL over a borrowed document: compile, evaluate, the functions we add. No clock, no randomness, no I/O.
//!
//! Purpose: [`Expression::compile`] takes the text after `= ` and refuses, with its place, whatever could be known to be
//! wrong. What it makes is a plan ([`node`]) for what pipelines are made of: paths, constants, comparisons, our functions;
//! or, where something else is in it, a tree for CEL's own interpreter ([`interpret`]), in which planned parts stay planned.
//!
//! Invariants:
//! - Plan and interpreter agree, or both fail; a test compares them over random documents.
//! - What is absent (`optional.none()`) is no value. A present optional counts as its value in `==`, `!=`, `in`, `orValue`,
//!   in our functions and as a result; elsewhere CEL fails with it each time, so there it is refused at compile time.
//! - A number is passed through as it was written. It is computed with only if 64 bits or a double keep it whole.
//! - Messages say expression, place and types, never values, but for the word that `lookup` misses.

mod call;
mod callable;
mod check;
mod children;
mod compare;
mod compile;
mod convert;
mod doc;
mod evaluation;
mod failed;
mod functions;
mod interpret;
mod names;
mod node;
mod path;
mod place;
mod reads;
mod rewrite;
mod scalars;
mod texts;
mod thread;
mod times;
mod uuid5;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod function_tests;
#[cfg(test)]
mod tests;

pub use names::Names;
pub(crate) use names::constant;
pub use uuid5::{NAMESPACE, uuid5};

use crate::record::{Key, Record};
use crate::value::{SecretNames, Value};
use crate::yaml::{Mistake, Mistakes, Node as YamlNode, Place};
use bumpalo::Bump;
use cel::parser::PrattParser;
use check::Check;
use compile::Planner;
use interpret::Interpreted;
use node::{Node, View};
use place::{place_at, place_of};
use reads::Reads;
use rewrite::Rewriter;
use std::sync::Arc;

/// The names of the functions that we add to CEL.
pub fn functions() -> impl Iterator<Item = &'static str> {
    functions::Function::names()
}

/// An expression that failed at run time. Says where and what types it met, never a value (but for the word that `lookup` misses).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: `{expression}`: {reason}")]
pub struct ExpressionError {
    pub expression: String,
    pub place: Place,
    pub reason: String,
}

/// A compiled expression. `Send + Sync`; cloning shares it.
#[derive(Clone, Debug)]
pub struct Expression(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: String,
    place: Place,
    plan: Plan,
    reads: Reads,
}

#[derive(Debug)]
enum Plan {
    Native(Node),
    Interpreted(Interpreted),
}

/// What an expression sees of one record.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub arena: &'a Bump,
    pub record: &'a Record<'a>,
}

impl<'a> Scope<'a> {
    pub fn new(arena: &'a Bump, record: &'a Record<'a>) -> Scope<'a> {
        Scope { arena, record }
    }
}

/// The values of the names of [`Names::with_locals`], by their position there.
pub trait Locals<'a> {
    /// `None`: absent. An error is that of the expression that makes the local.
    fn local(&self, slot: usize) -> Result<Option<Value<'a>>, ExpressionError>;
}

/// No names but everybody's.
pub struct NoLocals;

impl<'a> Locals<'a> for NoLocals {
    fn local(&self, _: usize) -> Result<Option<Value<'a>>, ExpressionError> {
        Ok(None)
    }
}

impl Expression {
    /// Compiles the text after `= `, whose first character stands at `place`.
    ///
    /// # Errors
    /// The first mistake; [`Expression::compile_all`] gives all.
    pub fn compile(text: &str, place: &Place, names: &Names) -> Result<Expression, Mistake> {
        Expression::compile_all(text, place, names).map_err(|mut mistakes| {
            if mistakes.is_empty() {
                Mistake::new(place, "this is no expression")
            } else {
                mistakes.swap_remove(0)
            }
        })
    }

    /// As [`Expression::compile`], with every mistake.
    ///
    /// # Errors
    /// What is not CEL; names and functions that nobody knows; arguments that a function does not take; a constant's
    /// member that is not there; an optional where only a value will do.
    pub fn compile_all(text: &str, place: &Place, names: &Names) -> Result<Expression, Vec<Mistake>> {
        let tree = parse(text, place)?;
        let mut check = Check {
            names,
            bound: Vec::new(),
            complaints: Vec::new(),
        };
        check.tree(&tree);
        let reads = reads::reads(&tree, names);
        let mut planner = Planner {
            names,
            bound: Vec::new(),
            complaints: Vec::new(),
        };
        let plan = match planner.plan(&tree) {
            Some(node) => Plan::Native(node),
            None => {
                planner.complaints.clear();
                Plan::Interpreted(interpreted(tree, &mut planner, false))
            }
        };
        let mut mistakes = Mistakes::new();
        for complaint in check.complaints.into_iter().chain(planner.complaints) {
            mistakes.add(
                &place_of(&complaint.word, text, place),
                complaint.message,
                complaint.help,
            );
        }
        let compiled = Compiled {
            text: text.trim().to_owned(),
            place: place.clone(),
            plan,
            reads,
        };
        mistakes.or(Some(Expression(Arc::new(compiled))))
    }

    /// Reads a leaf of YAML: an expression after `= `, or any constant tree.
    ///
    /// # Errors
    /// As [`Expression::compile_all`]; an expression inside of a constant tree.
    pub fn of_node(node: &YamlNode, names: &Names) -> Result<Expression, Vec<Mistake>> {
        if let Some(text) = node.expression() {
            return Expression::compile_all(text, &node.expression_place(), names);
        }
        let mut mistakes = Mistakes::new();
        let value = constant(node, &mut mistakes);
        let text = node.shown();
        let compiled = |value| Compiled {
            text,
            place: node.place.clone(),
            plan: Plan::Native(Node::Constant(value)),
            reads: Reads::default(),
        };
        mistakes.or(value.map(|value| Expression(Arc::new(compiled(value)))))
    }

    /// `None`: absent (CEL's `optional.none()`).
    ///
    /// # Errors
    /// Says expression, place and types; never a value.
    pub fn evaluate<'a>(&self, scope: &Scope<'a>) -> Result<Option<Value<'a>>, ExpressionError> {
        self.evaluate_with(scope, &NoLocals)
    }

    /// As [`Expression::evaluate`], where names have locals.
    ///
    /// # Errors
    /// As there; also the error of a local.
    #[inline]
    pub fn evaluate_with<'a>(
        &self,
        scope: &Scope<'a>,
        locals: &dyn Locals<'a>,
    ) -> Result<Option<Value<'a>>, ExpressionError> {
        let view = View { scope: *scope, locals };
        let result = match &self.0.plan {
            Plan::Native(node) => node.evaluate(view),
            Plan::Interpreted(interpreted) => interpreted.evaluate(view, &self.0.text),
        };
        result.map_err(|failed| {
            failed
                .into_reason()
                .map_or_else(|other| other, |reason| self.error(reason))
        })
    }

    /// As a condition: absent is false.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; a value that is no boolean.
    pub fn evaluate_bool(&self, scope: &Scope<'_>) -> Result<bool, ExpressionError> {
        self.evaluate_bool_with(scope, &NoLocals)
    }

    /// As [`Expression::evaluate_bool`], where names have locals.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_bool_with<'a>(&self, scope: &Scope<'a>, locals: &dyn Locals<'a>) -> Result<bool, ExpressionError> {
        match self.evaluate_with(scope, locals)? {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(self.error(format!(
                "a condition must be a boolean, and this is {}",
                other.type_name()
            ))),
        }
    }

    /// As text: strings as they are, numbers and booleans as they are written. Absent and null: `None`.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; a list or an object.
    pub fn evaluate_text<'a>(&self, scope: &Scope<'a>) -> Result<Option<&'a str>, ExpressionError> {
        self.evaluate_text_with(scope, &NoLocals)
    }

    /// As [`Expression::evaluate_text`], where names have locals.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_text_with<'a>(
        &self,
        scope: &Scope<'a>,
        locals: &dyn Locals<'a>,
    ) -> Result<Option<&'a str>, ExpressionError> {
        match self.evaluate_with(scope, locals)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text) | Value::Number(text)) => Ok(Some(text)),
            Some(Value::Bool(flag)) => Ok(Some(if flag { "true" } else { "false" })),
            Some(other) => Err(self.error(format!("a text is needed here, and this is {}", other.type_name()))),
        }
    }

    /// As a record's key. Absent and null: `None`.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; a list or an object.
    pub fn evaluate_key<'a>(&self, scope: &Scope<'a>) -> Result<Option<Key<'a>>, ExpressionError> {
        self.evaluate_key_with(scope, &NoLocals)
    }

    /// As [`Expression::evaluate_key`], where names have locals.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_key_with<'a>(
        &self,
        scope: &Scope<'a>,
        locals: &dyn Locals<'a>,
    ) -> Result<Option<Key<'a>>, ExpressionError> {
        let Some(value) = self.evaluate_with(scope, locals)? else {
            return Ok(None);
        };
        Key::of(value).map_err(|found| self.error(format!("a text is needed here, and this is {found}")))
    }

    /// An error of this expression, for whoever finds its result wanting.
    #[cold]
    pub fn error(&self, reason: String) -> ExpressionError {
        ExpressionError {
            expression: self.0.text.clone(),
            place: self.0.place.clone(),
            reason,
        }
    }

    /// The value, where it is always the same.
    pub fn constant(&self) -> Option<Value<'static>> {
        match &self.0.plan {
            Plan::Native(node) => node.constant(),
            Plan::Interpreted(_) => None,
        }
    }

    /// Whether it runs without CEL's interpreter.
    pub fn is_planned(&self) -> bool {
        matches!(self.0.plan, Plan::Native(_))
    }

    /// The text after `= `.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The paths that it reads, as in `event.detail.users[].id`, beginning with a name that it sees.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.reads.paths.iter().map(String::as_str)
    }

    /// A mistake for each secret member that it reads by name.
    pub fn secrets_read(&self, secrets: &SecretNames) -> Vec<Mistake> {
        let read = self.0.reads.members.iter().filter(|name| secrets.contains(name));
        read.map(|name| {
            let place = place_of(&place::Word::Member(name.clone()), &self.0.text, &self.0.place);
            Mistake::new(&place, format!("`{name}` is a secret, and this reads it"))
        })
        .collect()
    }
}

fn interpreted(tree: cel::IdedExpr, planner: &mut Planner<'_>, only_names: bool) -> Interpreted {
    let mut rewriter = Rewriter {
        planner,
        parts: Vec::new(),
        only_names,
    };
    let tree = rewriter.rewrite(tree);
    Interpreted {
        tree,
        parts: rewriter.parts,
    }
}

/// Larger ones would be a program; and what is bounded can't overflow the stack.
const LONGEST: usize = 4096;
const DEEPEST: usize = 100;

fn parse(text: &str, place: &Place) -> Result<cel::IdedExpr, Vec<Mistake>> {
    if text.len() > LONGEST {
        let mistake = Mistake::new(place, format!("this expression is longer than {LONGEST} bytes"));
        return Err(vec![mistake.help("take it apart, with `let:` of a mapping")]);
    }
    let tree = parse_tree(text, place)?;
    if check::is_deeper(&tree, DEEPEST) {
        let mistake = Mistake::new(place, format!("this expression is nested deeper than {DEEPEST} levels"));
        return Err(vec![mistake.help("take it apart, with `let:` of a mapping")]);
    }
    Ok(tree)
}

fn parse_tree(text: &str, place: &Place) -> Result<cel::IdedExpr, Vec<Mistake>> {
    PrattParser::new()
        .enable_optional_syntax(true)
        .parse(text)
        .map_err(|errors| {
            let mut mistakes = Mistakes::new();
            for error in errors.errors {
                let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
                let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
                let lines: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                let message = error.msg.trim_start_matches("Syntax error: ").to_owned();
                let help = "expressions are written in CEL, see https://cel.dev";
                mistakes.add(&place_at(lines + column - 1, text, place), message, help);
            }
            mistakes.into_sorted()
        })
}
