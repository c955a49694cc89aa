//! How problems show what a case expects and what came: in short.

use super::document;
use crate::value::{Value, to_text};
use crate::yaml::{Mistakes, Node, shortened};
use bumpalo::Bump;

/// How much of a value a problem shows, in characters.
pub const SHOWN: usize = 160;
pub const NOTHING: &str = "nothing";

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn quoted(text: &str) -> String {
    shortened(&to_text(&Value::String(text)), SHOWN)
}

pub fn shown(value: Value<'_>) -> String {
    shortened(&to_text(&value), SHOWN)
}

pub fn shown_node(node: &Node) -> String {
    let arena = Bump::new();
    let mut ignored = Mistakes::new();
    document::tree(node, &arena, &mut ignored).map_or_else(|| node.shown(), shown)
}
