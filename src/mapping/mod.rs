//! A mapping: a YAML tree of constants and expressions, compiled to a plan at load, evaluated once a record.
//!
//! - What is absent is left out: a member whose expression is absent, an element of a list. `?name` leaves an empty object or
//!   list out too.
//! - `let:` names a tree; it is evaluated when it is first asked for, and once. With `each:`, what depends on the element is
//!   evaluated for every element, and the rest once.
//! - Members of what a mapping builds are sorted when it is compiled, so that writing need not sort them.
//! - A secret leaves only where `reveals:` names it: a mapping that reads one without that is refused.
//!
//! Not here: reading files other than those under `use:`; what is done about an error.

mod carried;
mod compile;
mod evaluate;
mod lets;
mod template;

#[cfg(test)]
mod tests;

pub use carried::{KEY, WHOLE};

use crate::expression::{Expression, ExpressionError, Names};
use crate::record::Record;
use crate::value::SecretNames;
use crate::yaml::{Mistake, Node};
use bumpalo::Bump;
use std::path::Path;
use std::sync::Arc;
use template::Template;

/// A compiled mapping. `Send + Sync`; cloning shares it.
#[derive(Clone, Debug)]
pub struct Mapping(Arc<Plan>);

/// Slots of the names that a mapping sees: the element of `each`, its index, then the lets.
const ELEMENT: usize = 0;
const INDEX: usize = 1;

#[derive(Debug)]
struct Plan {
    each: Option<Each>,
    condition: Option<Expression>,
    key: Option<Expression>,
    headers: Vec<(&'static str, Expression)>,
    timestamp: Option<Expression>,
    output: Output,
    /// By slot; `None`: the element, the index, and lets that nothing here reads.
    lets: Vec<Option<Let>>,
}

#[derive(Debug)]
struct Each {
    elements: Expression,
    /// No element: one output all the same, with the element absent.
    output_if_empty: bool,
}

#[derive(Debug)]
struct Let {
    name: Box<str>,
    template: Template,
    /// Reads the element or its index, itself or through other lets.
    of_element: bool,
}

#[derive(Debug)]
enum Output {
    Whole(Template),
    /// The incoming value with these members set, or removed where they are absent.
    Set(Vec<(Vec<&'static str>, Template)>),
}

impl Mapping {
    /// Compiles a mapping from its YAML; `folder` is where files under `use:` are looked up.
    ///
    /// # Errors
    /// Every mistake of the mapping and of what it uses.
    pub fn compile(node: &Node, folder: &Path, names: &Names, secrets: &SecretNames) -> Result<Mapping, Vec<Mistake>> {
        compile::compile(node, folder, names, secrets).map(|plan| Mapping(Arc::new(plan)))
    }

    /// Under which names what comes out has what stands under these names in what goes in: names of members, of lets, [`KEY`], [`WHOLE`].
    pub fn carries(&self, names: &SecretNames) -> Vec<String> {
        carried::carried(&self.0, names)
    }

    /// The records that come of one: none (filtered), one, or one for each element.
    ///
    /// # Errors
    /// The first expression that fails; what was emitted before it is to be forgotten.
    pub fn apply<'a>(
        &self,
        record: &'a Record<'a>,
        arena: &'a Bump,
        emit: &mut dyn FnMut(Record<'a>),
    ) -> Result<(), ExpressionError> {
        evaluate::apply(&self.0, record, arena, emit)
    }
}
