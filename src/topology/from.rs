//! A `from`: which sources and processors a part takes from.

use crate::yaml::{Mistakes, Node, Origin, Place, one_or_many, text};

/// The names in a `from`, each with its place.
pub(super) type From = Vec<(String, Place)>;

/// One name or several, each once.
pub(super) fn read(node: &Node, mistakes: &mut Mistakes) -> Option<From> {
    let named = |node: &Node, mistakes: &mut Mistakes| {
        if node.from != Origin::File {
            mistakes.add(
                &node.place,
                "what is read can't be named by a variable",
                "write the name of a source or processor",
            );
            return None;
        }
        text(node, mistakes).map(|name| (name, node.place.clone()))
    };
    let mut from = From::new();
    for (name, place) in one_or_many(named)(node, mistakes)? {
        if from.iter().any(|(earlier, _)| *earlier == name) {
            mistakes.add(&place, format!("`{name}` is here twice"), "name it once");
        } else {
            from.push((name, place));
        }
    }
    Some(from)
}
