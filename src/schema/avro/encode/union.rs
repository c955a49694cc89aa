//! Which branch of a union takes a value.

use super::super::failure::{Done, failed};
use super::super::node::{Kind, Node, Union, shape};
use super::{Encoder, Out, words};
use crate::value::Value;

/// As many branches are tried in vain for a value of a union, with all that lies in it: types that lie in each other multiply them.
const MOST_TRIES: usize = 100_000;

impl<O: Out> Encoder<'_, O> {
    pub(super) fn union(&mut self, union: &Union, value: &Value<'_>, depth: usize) -> Done<()> {
        let takes = union.takes.get(shape(value)).map(Vec::as_slice).unwrap_or_default();
        let nodes = self.nodes;
        let branch = |index: u32| union.branches.get(index as usize).copied().unwrap_or(nodes.root);
        match takes {
            [] => {
                let found = value.type_name();
                failed(format!(
                    "the union takes nothing of type {found}, but {}",
                    self.branches(union)
                ))
            }
            // what is wrong in the only one that it can be is said as it is
            [index] => {
                let of = branch(*index);
                self.long(i64::from(*index));
                self.value(of, value, depth)
            }
            several => {
                let start = self.out.len();
                if self.trying == 0 {
                    self.tries = 0;
                }
                let ranks = if matches!(value, Value::Number(_)) { 3 } else { 1 };
                for rank in 0..ranks {
                    for index in several {
                        let of = branch(*index);
                        if ranks > 1 && number_rank(nodes.get(of), value) != rank {
                            continue;
                        }
                        if self.tries > MOST_TRIES {
                            return failed("it takes too many tries to find the types of its unions");
                        }
                        self.long(i64::from(*index));
                        self.trying += 1;
                        let done = self.value(of, value, depth);
                        self.trying -= 1;
                        if done.is_ok() {
                            return done;
                        }
                        self.tries += 1;
                        self.out.back_to(start);
                    }
                }
                failed(format!(
                    "it matches none of the union's types: {}",
                    self.branches(union)
                ))
            }
        }
    }

    fn branches(&self, union: &Union) -> String {
        let described = union.branches.iter().map(|branch| self.nodes.get(*branch).described());
        words::listed(described, union.branches.len())
    }
}

/// Which of a union's types for numbers comes first: what shows the number as it is written, with a point or without, and times last.
fn number_rank(node: &Node, value: &Value<'_>) -> u8 {
    let pointed = matches!(value, Value::Number(text) if text.contains(['.', 'e', 'E']));
    match (&node.kind, node.logical) {
        (Kind::Int | Kind::Long, Some(_)) => 2,
        (Kind::Int | Kind::Long, None) => u8::from(pointed),
        _ => u8::from(!pointed),
    }
}
