//! Readers that several processor types share.

use super::Reading;
use crate::expression::Expression;
use crate::mapping::Mapping;
use crate::yaml::{self, Kind, Mistake, Mistakes, Node};
use ahash::AHashMap;
use std::cell::RefCell;

/// An expression; a constant can't stand here.
pub(super) fn expression<'a>(
    reading: &'a Reading<'_>,
) -> impl Fn(&Node, &mut Mistakes) -> Option<Expression> + use<'a> {
    move |node, mistakes| match node.expression() {
        Some(text) => mistakes.take(Expression::compile_all(text, &node.expression_place(), reading.names)),
        None => {
            let message = format!("an expression is needed here, and this is {}", node.type_name());
            mistakes.add(&node.place, message, "write it as `= event.some.member`");
            None
        }
    }
}

/// Reads mappings, each file once: the cases of a switch may name one many times.
pub(super) struct Mappings<'r> {
    reading: &'r Reading<'r>,
    files: RefCell<AHashMap<String, Option<Mapping>>>,
}

impl<'r> Mappings<'r> {
    pub fn new(reading: &'r Reading<'r>) -> Mappings<'r> {
        Mappings {
            reading,
            files: RefCell::default(),
        }
    }

    /// A mapping: the path of its file, or the mapping itself.
    pub fn read(&self, node: &Node, mistakes: &mut Mistakes) -> Option<Mapping> {
        if matches!(node.kind, Kind::Map(_)) {
            return mistakes.take(self.compile(node));
        }
        let name = yaml::text(node, mistakes)?;
        let path = yaml::within(self.reading.folder, &name, &node.place, mistakes)?;
        if let Some(known) = self.files.borrow().get(&name) {
            return known.clone();
        }
        if !path.is_file() {
            let message = format!("there is no file `{name}`");
            mistakes.add(
                &node.place,
                message,
                "name a mapping's file, relative to the topology's folder",
            );
            return None;
        }
        let read = mistakes.take(yaml::read_file(&path, &name));
        let mapping = read.and_then(|node| mistakes.take(self.compile(&node)));
        self.files.borrow_mut().insert(name, mapping.clone());
        mapping
    }

    fn compile(&self, node: &Node) -> Result<Mapping, Vec<Mistake>> {
        let Reading {
            folder, names, secrets, ..
        } = self.reading;
        Mapping::compile(node, folder, names, secrets)
    }
}
